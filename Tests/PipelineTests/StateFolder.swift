import Configure
import Events
import Foundation
import Join
import Logging
import Pipeline
import Snapshot
import Source
import TestSupport
import Testing

/// A small model and short windows, with changes.
func configuration(_ change: (inout Configuration) -> Void = { _ in }) throws -> Configuration {
    var configuration = try Configuration(
        yaml: """
            join: {click_window: 20s, conversion_window: 30s, orphan_window: 5s, closed_memory: 40s}
            features:
              - {name: user, kind: categorical, rows: 512}
              - {name: ad, kind: categorical, rows: 256}
              - {name: recent, kind: list, rows: 256}
              - {name: price, kind: numeric}
              - {name: age, kind: bucketed, buckets: [25, 45]}
            model: {embedding_dimension: 4, experts: {count: 2, layers: [8]}, towers: {layers: [4]}}
            metrics: {cohort: 10s}
            snapshots: {keep: 1000}
            """
    )
    change(&configuration)
    return configuration
}

/// A state directory, and runs on it.
final class StateFolder {
    let folder: TemporaryFolder
    let configuration: Configuration
    /// See `PipelineSettings.now`.
    var now = Int64.max
    var selection = TimeSelection()
    var skips: [OffsetRange] = []
    /// Whether every offset before a position has been consumed.
    var countsOffsets = true
    private(set) var writer: SnapshotWriter

    /// - Parameter folder: that of another configuration; nil makes one.
    init(_ configuration: Configuration, folder: TemporaryFolder? = nil) throws {
        self.configuration = configuration
        self.folder = try folder ?? TemporaryFolder()
        let folder = self.folder
        writer = try Self.writer(folder.path, configuration)
    }

    private static func writer(
        _ directory: String,
        _ configuration: Configuration
    ) throws -> SnapshotWriter {
        SnapshotWriter(
            store: try SnapshotStore(directory: directory),
            settings: configuration.snapshots,
            stamp: SnapshotStamp(
                programVersion: "test",
                configurationFingerprint: configuration.fingerprint,
                configuration: configuration.canonical.map {
                    ConfigurationEntry(key: $0.key, value: $0.value)
                }
            ),
            logger: .silent
        )
    }

    var settings: PipelineSettings {
        PipelineSettings(
            schema: configuration.schema,
            decode: configuration.decode,
            order: configuration.order,
            join: configuration.join,
            learn: configuration.learn,
            selection: selection,
            now: now,
            quarantinedMax: configuration.quarantine.rejectedMax,
            skips: skips,
            sampledImpressions: 32
        )
    }

    /// What the newest good snapshot holds.
    func resumed() throws -> ResumedState? {
        var state = try ResumedState.newest(of: SnapshotStore(directory: folder.path)) {
            Issue.record("\($0)")
        }
        let saved = state?.body.configuration.map { ($0.key, $0.value) }
        if let saved, case .addedFields(let added) = configuration.fit(saved: saved) {
            state?.addedFields = added
        }
        return state
    }

    /// The bodies of all snapshots, oldest first.
    func snapshots() throws -> [SnapshotBody] {
        let store = SnapshotStore(reading: folder.path)
        return try store.names().map { try store.manifest(of: $0, as: SnapshotBody.self).body }
    }

    /// A loop that continues from the newest snapshot, over a source that is made to stand there.
    func loop<Source: RecordSource & ~Copyable>(
        every: SnapshotSettings.Schedule = .events(1_000_000),
        clock: TestClock? = nil,
        readsAhead: Bool = false,
        over makeSource: ([Partition: ResumePoint]) throws -> sending Source
    ) throws -> TrainingLoop<Source> {
        let state = try resumed()
        writer = try Self.writer(folder.path, configuration)
        var points: [Partition: ResumePoint] = [:]
        for progress in state?.progress ?? [] {
            points[progress.partition] = ResumePoint(
                position: progress.position,
                lastPayloadHash: progress.lastPayloadHash
            )
        }
        let pipeline = try Pipeline(
            settings: settings,
            source: try makeSource(points),
            state: state,
            sideFiles: SideFilePaths(
                quarantine: folder.path("quarantine.jsonl"),
                examples: folder.path("examples.jsonl")
            ),
            readsAhead: readsAhead,
            logger: .silent
        )
        return TrainingLoop(
            pipeline: pipeline,
            writer: writer,
            every: every,
            isLive: clock != nil,
            hasSnapshot: state != nil && state?.addedFields == nil,
            clock: { clock?.tick() ?? 0 }
        )
    }

    /// Replays a stream from the newest snapshot to its end, or until `stopsAt` events, and saves.
    @discardableResult
    func replay(
        _ stream: EventStream,
        batchMax: Int = 256,
        seed: UInt64 = 0,
        every: SnapshotSettings.Schedule = .events(1_000_000),
        readsAhead: Bool = false,
        stopsAt: Int = .max,
        advanceTo: Int64? = nil
    ) throws -> EndState {
        let loop = try loop(every: every, readsAhead: readsAhead) {
            MemorySource(stream, start: $0, batchMax: batchMax, seed: seed)
        }
        return try finish(loop, stopsAt: stopsAt, advanceTo: advanceTo)
    }

    /// Runs a loop to its end, or until `stopsAt` events, and saves.
    func finish<Source: RecordSource & ~Copyable>(
        _ loop: consuming TrainingLoop<Source>,
        stopsAt: Int = .max,
        advanceTo: Int64? = nil
    ) throws -> EndState {
        var consumed = loop.pipeline.consumed
        let hasEnded = try loop.run(
            shouldStop: { consumed >= stopsAt },
            observe: { consumed = $0.consumed }
        )
        if hasEnded, let advanceTo { loop.advance(to: advanceTo) }
        try loop.finish()
        return try end(loop.pipeline)
    }

    /// What a pipeline amounts to, with its side files as they lie there.
    func end<Source: RecordSource & ~Copyable>(
        _ pipeline: borrowing Pipeline<Source>
    ) throws -> EndState {
        let state = pipeline.copyState()
        let digest = PipelineState.digest(of: state.sections())
        expectLaw(state, countsOffsets: countsOffsets)
        return EndState(
            summary: state.summary(stateDigest: digest),
            progress: state.progress,
            openImpressions: pipeline.openImpressionCount,
            heldEvents: pipeline.heldEventCount,
            sample: state.sample.records,
            examples: folder.read("examples.jsonl"),
            quarantine: folder.read("quarantine.jsonl")
        )
    }
}

/// What a run ended in.
struct EndState {
    var summary: Summary
    var progress: [PartitionProgress]
    var openImpressions: Int
    var heldEvents: Int
    /// Recent impressions' records.
    var sample: [[UInt8]]
    var examples: Data
    var quarantine: Data

    var digest: String { summary.stateDigest }

    /// The lines of `--examples`.
    func exampleLines() throws -> [[String: Any]] {
        try examples.split(separator: UInt8(ascii: "\n")).map { line in
            try #require(JSONSerialization.jsonObject(with: line) as? [String: Any])
        }
    }
}

/// consumed = applied + duplicate + … + pending: per partition, where every offset is one record, and
/// in the summary per role.
private func expectLaw(_ state: PipelineState, countsOffsets: Bool) {
    let ledger = state.joiner.ledger
    for (index, progress) in state.progress.enumerated() {
        let places = Place.allCases.reduce(0) { $0 + ledger.count($1, partition: index) }
        #expect(ledger.consumed[index] == places, "\(progress.partition)")
        guard countsOffsets else { continue }
        #expect(
            ledger.consumed[index] + progress.quarantined == Int(progress.position),
            "\(progress.partition)"
        )
    }
    let summary = state.summary(stateDigest: "")
    for counts in summary.partitions { #expect(counts.isBalanced, "\(counts.partition)") }
    for role in Role.allCases {
        let places = Place.allCases.reduce(0) { $0 + summary[$1][role] }
        #expect(summary.consumed[role] == places, "\(role)")
    }
}

extension Logger {
    /// Says nothing.
    static var silent: Logger {
        Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    }
}

/// Two runs that must have come to the same state, bit for bit.
func expectSame(_ first: EndState, _ second: EndState, _ comment: Comment? = nil) {
    #expect(first.digest == second.digest, comment)
    #expect(first.progress == second.progress, comment)
    // The files themselves would fill the screen.
    let hasSameExamples = first.examples == second.examples
    #expect(hasSameExamples, comment)
    #expect(first.summary.streamTime == second.summary.streamTime, comment)
    let hasSameSample = first.sample == second.sample && !first.sample.isEmpty
    #expect(hasSameSample, comment)
}
