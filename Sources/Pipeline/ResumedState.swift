internal import Events
internal import Join
internal import Learn
public import Order
public import Snapshot
internal import StateCoding

/// A snapshot's content, verified but not yet given to a pipeline.
public struct ResumedState: Sendable {
    public var name: String
    public var body: SnapshotBody
    public var progress: [PartitionProgress] { body.positions }
    public var sideFiles: [String: Int64] { body.sideFiles }
    public var order: StreamOrder {
        StreamOrder(greatest: body.order, disordered: body.summary.disordered)
    }
    private let store: SnapshotStore
    private let parameters: [UInt8]
    private let optimizer: [UInt8]
    private let learner: [UInt8]
    private let join: [UInt8]
    /// nil in a snapshot from before there was one.
    private let sample: [UInt8]?

    /// Reads and verifies a snapshot.
    public init(_ name: String, of store: SnapshotStore) throws(SnapshotError) {
        let manifest = try store.manifest(of: name, as: SnapshotBody.self)
        func section(_ section: String) throws(SnapshotError) -> [UInt8] {
            try store.section(section, of: name, files: manifest.files)
        }
        self.name = name
        self.store = store
        body = manifest.body
        parameters = try section("parameters")
        optimizer = try section("optimizer")
        learner = try section("learner")
        join = try section("join")
        sample = manifest.hasSample ? try section(ImpressionSample.sectionName) : nil
        var digest = StateDigest()
        for content in [parameters, optimizer, learner, join] {
            unsafe digest.update(content.span.bytes)
        }
        guard digest.text == body.summary.stateDigest else {
            throw .damaged(
                path: store.directory + "/snapshots/" + name,
                reason: "holds the state \(digest.text), its manifest says "
                    + body.summary.stateDigest
            )
        }
    }

    /// Reads the newest good snapshot; damaged ones are reported and passed over.
    /// - Returns: nil if there is no snapshot at all.
    /// - Throws: the newest one's error if none can be used.
    public static func newest(
        of store: SnapshotStore,
        warn: (SnapshotError) -> Void
    ) throws(SnapshotError) -> ResumedState? {
        var first: SnapshotError?
        for name in try store.candidates(warn: warn) {
            do throws(SnapshotError) {
                return try ResumedState(name, of: store)
            } catch {
                if case .unsupportedVersion = error { throw error }
                warn(error)
                first = first ?? error
            }
        }
        if let first { throw first }
        return nil
    }

    /// Puts the sampled impressions into a sample of any capacity.
    func restore(_ sample: inout ImpressionSample) throws(PipelineError) {
        guard let bytes = self.sample else { return }
        do throws(StateError) {
            var reader = StateReader(bytes)
            try sample.decode(from: &reader)
            try reader.finish()
        } catch {
            throw doesNotLoad(error)
        }
    }

    private func doesNotLoad(_ error: StateError) -> PipelineError {
        PipelineError("snapshot \(name) in \(store.directory) does not load: \(error)")
    }

    /// Puts the state into a learner and a joiner made with the same settings.
    func restore(
        learner: inout Learner,
        joiner: inout Joiner,
        schema: FeatureSchema
    ) throws(PipelineError) {
        do throws(StateError) {
            var state = learner.copyState()
            state.network = NetworkState(
                parameters: [Float](bytes: parameters),
                optimizerState: [Float](bytes: optimizer)
            )
            var learned = StateReader(self.learner)
            try state.statistics.decode(from: &learned)
            try state.metrics.decode(from: &learned)
            try state.counts.decode(from: &learned)
            try learned.finish()
            try learner.restore(state)
            var joined = StateReader(join)
            try joiner.decode(from: &joined)
            try joined.finish()
            let consumed = joiner.ledger.consumed
            guard consumed.dropFirst(progress.count).allSatisfy({ $0 == 0 }),
                consumed.reduce(0, { $0 + Double($1) }) < 1e18
            else { throw StateError("join: events of partitions that have no position") }
            guard joiner.openFeatures(allSatisfy: { schema.accepts($0) }) else {
                throw StateError("an open impression's features do not fit the schema")
            }
        } catch {
            throw doesNotLoad(error)
        }
    }
}
