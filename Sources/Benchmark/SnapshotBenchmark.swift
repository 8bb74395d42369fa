import ArgumentParser
import Configure
import Foundation
import Logging
import Pipeline
import Snapshot

/// What snapshots cost the learner: how long it stands still, and how fast it goes while one is
/// written.
struct SnapshotBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Times the learner's pause for a snapshot, and its speed while one is written."
    )

    @Option(help: "A folder of event files.")
    var events: String

    @Option(help: "A configuration of their features.")
    var config: String

    @Option(help: "A folder for the snapshots, which is left as it is then.")
    var state: String

    @Option(help: "Events from one snapshot to the next.")
    var every = 50_000

    @OptionGroup var model: ModelVariant

    func run() throws {
        var configuration = try Configuration(file: config)
        try model.apply(to: &configuration)
        let writer = SnapshotWriter(
            store: try SnapshotStore(directory: state),
            settings: configuration.snapshots,
            stamp: SnapshotStamp(
                programVersion: "benchmark",
                configurationFingerprint: configuration.fingerprint,
                configuration: []
            ),
            logger: Logger(label: "benchmark")
        )
        var scene = try PipelineScene(
            events: events,
            configuration: configuration,
            readsAhead: true
        )
        writer.giveSpare(scene.pipeline.emptyNetworkState)
        var run = SnapshotRun()
        while try run.turn(&scene, writer, every: every) {}
        try writer.finish()
        try run.figures(megabytes: Self.size(of: state) / 1e6).print()
    }

    /// Bytes of the newest snapshot.
    private static func size(of state: String) -> Double {
        let folder = URL(filePath: state + "/snapshots")
        let files = FileManager.default
        guard let names = try? files.contentsOfDirectory(atPath: folder.path),
            let newest = names.filter({ $0.allSatisfy(\.isNumber) }).max(),
            let parts = try? files.contentsOfDirectory(
                at: folder.appending(path: newest),
                includingPropertiesForKeys: [.fileSizeKey]
            )
        else { return 0 }
        return parts.reduce(0) {
            $0 + Double((try? $1.resourceValues(forKeys: [.fileSizeKey]).fileSize) ?? 0)
        }
    }
}

/// A run with snapshots now and then: seconds and events while one was written and while none was.
private struct SnapshotRun {
    private var pauses: [Double] = []
    private var undisturbed = Progress()
    private var disturbed = Progress()
    private var nextSnapshot = 0

    private struct Progress {
        var seconds = 0.0
        var events = 0

        mutating func add(_ seconds: Double, _ events: Int) {
            self.seconds += seconds
            self.events += events
        }

        var rate: Double? { seconds > 0 ? Double(events) / seconds : nil }
    }

    /// One turn, and the snapshot that is due behind it.
    mutating func turn(
        _ scene: inout PipelineScene,
        _ writer: SnapshotWriter,
        every: Int
    ) throws -> Bool {
        let before = scene.pipeline.consumed
        let wasBusy = writer.isBusy
        var goesOn = false
        let seconds = try wallSeconds { goesOn = try scene.turn(untilConsumed: .max) }
        // Windows close from the second snapshot on; a turn in which a writing began or ended is in
        // neither sum.
        if pauses.count > 1, wasBusy == writer.isBusy {
            let events = scene.pipeline.consumed - before
            if wasBusy { disturbed.add(seconds, events) } else { undisturbed.add(seconds, events) }
        }
        if scene.pipeline.consumed >= nextSnapshot + every, !writer.isBusy {
            nextSnapshot = scene.pipeline.consumed
            var state: PipelineState?
            pauses.append(
                try wallSeconds {
                    try scene.pipeline.syncSideFiles()
                    state = scene.pipeline.copyState(reusing: writer.takeSpare())
                }
            )
            if let state { writer.save(state, createdAt: 0) }
        }
        return goesOn
    }

    func figures(megabytes: Double) -> Figures {
        var figures = Figures()
        let sorted = pauses.sorted()
        figures["snapshots"] = Double(pauses.count)
        figures["megabytes"] = megabytes
        figures["pause_milliseconds"] = sorted.isEmpty ? nil : sorted[sorted.count / 2] * 1e3
        figures["longest_pause_milliseconds"] = sorted.last.map { $0 * 1e3 }
        if let undisturbed = undisturbed.rate, let disturbed = disturbed.rate {
            figures["events_per_second"] = undisturbed
            figures["throughput_while_writing_ratio"] = disturbed / undisturbed
        }
        return figures
    }
}
