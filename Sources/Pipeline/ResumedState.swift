public import Events
internal import Join
internal import Learn
public import Order
public import Snapshot
internal import StateCoding

/// A snapshot's content, verified but not yet given to a pipeline.
public struct ResumedState: Sendable {
    public var name: String
    public var body: SnapshotBody
    /// The features that were added since; nil if they are still the same.
    public var addedFields: AddedFields?
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

    /// What `SnapshotBody.addedFeatures` is from here on.
    public var allAddedFeatures: [[String]]? {
        guard let addedFields else { return body.addedFeatures }
        return (body.addedFeatures ?? []) + [addedFields.names]
    }

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

    /// Puts the state into a learner and a joiner made with the same settings, but for `addedFields`.
    func restore(
        learner: inout Learner,
        joiner: inout Joiner,
        settings: PipelineSettings
    ) throws(PipelineError) {
        do throws(StateError) {
            if let addedFields {
                try restore(&learner, settings.learn, addedFields)
            } else {
                try restore(&learner)
            }
            var joined = StateReader(join)
            if let addedFields {
                try joiner.decode(from: &joined, features: addedFields.words)
            } else {
                try joiner.decode(from: &joined)
            }
            try joined.finish()
            let consumed = joiner.ledger.consumed
            guard consumed.dropFirst(progress.count).allSatisfy({ $0 == 0 }),
                consumed.reduce(0, { $0 + Double($1) }) < 1e18
            else { throw StateError("join: events of partitions that have no position") }
            guard joiner.openFeatures(allSatisfy: { settings.schema.accepts($0) }) else {
                throw StateError("an open impression's features do not fit the schema")
            }
        } catch {
            throw doesNotLoad(error)
        }
    }

    private func restore(_ learner: inout Learner) throws(StateError) {
        var state = learner.copyState()
        state.network = network
        try decode(&state.statistics, &state.metrics, &state.counts)
        try learner.restore(state)
    }

    /// The parts of the network that there were before go on as they are, see `Transplant`.
    private func restore(
        _ learner: inout Learner,
        _ settings: LearnSettings,
        _ addedFields: AddedFields
    ) throws(StateError) {
        var statistics = NumericStatistics(schema: addedFields.old)
        var metrics = learner.metrics
        var counts = TrainingCounts()
        try decode(&statistics, &metrics, &counts)
        let model = try LearnedModel(
            schema: addedFields.old,
            settings: settings,
            statistics: statistics,
            network: network
        )
        guard model.hasOptimizerState else { throw StateError("there is no optimizer state") }
        let transplant = try Transplant(of: model, to: addedFields.new, settings: settings)
        try learner.restore(metrics: metrics, counts: counts)
        learner.take(transplant)
    }

    private var network: NetworkState {
        NetworkState(
            parameters: [Float](bytes: parameters),
            optimizerState: [Float](bytes: optimizer)
        )
    }

    private func decode(
        _ statistics: inout NumericStatistics,
        _ metrics: inout Metrics,
        _ counts: inout TrainingCounts
    ) throws(StateError) {
        var reader = StateReader(learner)
        try statistics.decode(from: &reader)
        try metrics.decode(from: &reader)
        try counts.decode(from: &reader)
        try reader.finish()
    }
}
