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

    /// Puts the state into a learner and a joiner made with the same settings.
    func restore(
        learner: inout Learner,
        joiner: inout Joiner,
        schema: FeatureSchema
    ) throws(PipelineError) {
        do throws(StateError) {
            var state = learner.copyState()
            state.network = NetworkState(
                parameters: floats(of: parameters),
                optimizerState: floats(of: optimizer)
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
            throw PipelineError("snapshot \(name) in \(store.directory) does not load: \(error)")
        }
    }
}

/// The floats that a section of them holds; bytes beyond the last whole one are the caller's to notice
/// by the count.
private func floats(of bytes: [UInt8]) -> [Float] {
    unsafe [Float](unsafeUninitializedCapacity: bytes.count / 4) { floats, count in
        unsafe UnsafeMutableRawBufferPointer(floats).copyBytes(from: bytes.prefix(floats.count * 4))
        count = floats.count
    }
}
