import ArgumentParser
import CBenchmark
import Configure
import Pipeline

/// Heap allocations per event from files to trained model, once everything has its size.
struct AllocationsBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allocations",
        abstract: "Counts heap allocations per event in steady state."
    )

    @Option(help: "A folder of event files.")
    var events: String

    @Option(help: "A configuration of their features.")
    var config: String

    @Option(help: "Events before counting begins.")
    var warmUp = 150_000

    func run() throws {
        var scene = try PipelineScene(
            events: events,
            configuration: try Configuration(file: config),
            readsAhead: true
        )
        while try scene.turn(untilConsumed: warmUp) {}
        let before = cbenchmark_allocations()
        while try scene.turn(untilConsumed: .max) {}
        let allocations = cbenchmark_allocations() - before
        let events = scene.pipeline.consumed - warmUp
        guard events > 0 else { throw ValidationError("--warm-up: there are no more events") }
        var figures = Figures()
        figures["events"] = Double(events)
        figures["allocations"] = Double(allocations)
        figures["allocations_per_event"] = Double(allocations) / Double(events)
        try figures.print()
    }
}
