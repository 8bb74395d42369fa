import ArgumentParser
import CBenchmark

/// Whether it would pay to divide the experts between two cores: their first layer, exactly, with two
/// barriers per event.
struct SplitBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split",
        abstract: "Times the experts' first layer on one core and divided between two."
    )

    @Option(help: "Rows of the layer: the units of all experts.")
    var outputs = 256

    @Option(help: "Columns of the layer: what the trunk sees.")
    var inputs = 168

    @Option(help: "Forward and backward passes.")
    var events = 20_000

    func run() throws {
        var (one, two) = (Double.infinity, Double.infinity)
        for _ in 0..<5 {
            one = min(one, cbenchmark_layer(outputs, inputs, events, 1))
            two = min(two, cbenchmark_layer(outputs, inputs, events, 2))
        }
        guard two > 0 else { throw ValidationError("no second thread could be started") }
        // The same with next to no work: what the barriers take.
        let barriers = cbenchmark_layer(2, 1, events, 2) - cbenchmark_layer(2, 1, events, 1)
        var figures = Figures()
        figures["one_core_nanoseconds_per_event"] = one / Double(events) * 1e9
        figures["two_cores_nanoseconds_per_event"] = two / Double(events) * 1e9
        figures["barriers_nanoseconds_per_event"] = barriers / Double(events) * 1e9
        figures["speedup_ratio"] = one / two
        try figures.print()
    }
}
