public import Configure
internal import Join
public import Learn
public import Pipeline
public import Snapshot
internal import StateCoding

/// A snapshot as far as serving needs it, verified: without the join, and without the optimizer's
/// state until it is asked for.
public struct ServingSnapshot: Sendable {
    public let name: String
    public let body: SnapshotBody
    /// What determines the state; the rest of it is at its defaults.
    public let configuration: Configuration
    public let statistics: NumericStatistics
    public let metrics: Metrics
    /// Laid out as `Network.tensors` says.
    public let parameters: [Float]
    /// Recent impressions' records, oldest first.
    public let sample: [[UInt8]]
    private let store: SnapshotStore
    private let entries: [FileEntry]

    /// - Throws: `SnapshotError` for a file that is damaged or cannot be read; `ExportError` for
    ///   content that contradicts itself.
    public init(_ name: String, of store: SnapshotStore) throws {
        let manifest = try store.manifest(of: name, as: SnapshotBody.self)
        self.name = name
        self.store = store
        entries = manifest.files
        body = manifest.body
        let path = "\(store.directory)/snapshots/\(name)"
        func section(_ section: String) throws(SnapshotError) -> [UInt8] {
            try store.section(section, of: name, files: manifest.files)
        }
        let learner = try section("learner")
        let sampled = manifest.hasSample ? try section(ImpressionSample.sectionName) : nil
        parameters = [Float](bytes: try section("parameters"))
        do {
            configuration = try Configuration(
                entries: manifest.body.configuration.map { ($0.key, $0.value) },
                file: path + "/manifest.json"
            )
            (statistics, metrics) = try Self.learned(learner, configuration)
            sample = try sampled.map(Self.records) ?? []
        } catch { throw ExportError("\(path) does not load: \(error)") }
    }

    /// Reads a snapshot's newest good one, or the one of the given number.
    /// - Parameter warn: told of damaged snapshots that are passed over.
    public static func find(
        _ number: String?,
        in store: SnapshotStore,
        warn: (any Error) -> Void
    ) throws -> ServingSnapshot {
        let names = try store.names()
        if let number {
            let name = SnapshotStore.name(number: number)
            guard names.contains(name) else {
                throw ExportError(
                    "\(store.directory) has no snapshot \(number); it has "
                        + (names.isEmpty ? "none" : names.joined(separator: ", "))
                )
            }
            return try ServingSnapshot(name, of: store)
        }
        var first: (any Error)?
        for name in try store.candidates(warn: warn) {
            do {
                return try ServingSnapshot(name, of: store)
            } catch {
                if case .unsupportedVersion = error as? SnapshotError { throw error }
                if first != nil || names.count > 1 { warn(error) }
                first = first ?? error
            }
        }
        throw first ?? ExportError("there is no snapshot in \(store.directory)")
    }

    /// `<snapshot>-<state digest>`: the same for the same state, whatever its export.
    public var modelID: String { "\(name)-\(body.summary.stateDigest)" }

    /// The model, in memory of its own.
    /// - Throws: `ExportError` if the parameters are not those of the configuration.
    public func model() throws(ExportError) -> ServingModel {
        do throws(StateError) {
            return try ServingModel(
                schema: configuration.schema,
                settings: configuration.learn,
                statistics: statistics,
                parameters: parameters
            )
        } catch {
            throw ExportError("\(store.directory)/snapshots/\(name) does not load: \(error)")
        }
    }

    /// The optimizer's state, laid out as in `NetworkState`.
    public func optimizerState() throws(SnapshotError) -> [Float] {
        [Float](bytes: try store.section("optimizer", of: name, files: entries))
    }

    private static func learned(
        _ bytes: [UInt8],
        _ configuration: Configuration
    ) throws(StateError) -> (NumericStatistics, Metrics) {
        var statistics = NumericStatistics(schema: configuration.schema)
        var metrics = Metrics(
            cohortWidth: configuration.learn.cohortWidth,
            maturity: configuration.join.clickWindow + configuration.join.conversionWindow
        )
        var reader = StateReader(bytes)
        try statistics.decode(from: &reader)
        try metrics.decode(from: &reader)
        return (statistics, metrics)
    }

    private static func records(_ bytes: [UInt8]) throws(StateError) -> [[UInt8]] {
        var sample = ImpressionSample(capacity: ImpressionSample.capacityMax)
        var reader = StateReader(bytes)
        try sample.decode(from: &reader)
        return sample.records
    }
}
