internal import Events
public import Order

/// What a manifest says beside its list of files.
public struct SnapshotBody: Codable, Sendable {
    public var programVersion: String
    public var kernelPath: String
    /// When it was made, milliseconds since the epoch, by the clock of the machine.
    public var createdAt: Int64
    /// How long the learner stood still for the copy that this was written from.
    public var pauseMilliseconds: Double
    /// The summary: counts, metrics, stream time, `state_digest`.
    public var summary: Summary
    public var positions: [PartitionProgress]
    /// Offsets still to be left out when they come.
    public var skips: [OffsetRange]
    public var order: StreamOrder.Key
    public var sideFiles: [String: Int64]
    /// See `PipelineSettings.now`.
    public var now: Int64
    public var configurationFingerprint: String
    /// The keys of the configuration that determine the state, with their values.
    public var configuration: [ConfigurationEntry]
    /// What the state began with; nil if it began fresh.
    public var warmStart: WarmStartRecord?
    /// The names of the features that were added to the running state, time after time; nil: none.
    public var addedFeatures: [[String]]?

    enum CodingKeys: String, CodingKey {
        case summary, positions, skips, order, now, configuration
        case programVersion = "program_version"
        case kernelPath = "kernel_path"
        case createdAt = "created_at"
        case pauseMilliseconds = "pause_milliseconds"
        case sideFiles = "side_files"
        case configurationFingerprint = "configuration_fingerprint"
        case warmStart = "warm_start"
        case addedFeatures = "added_features"
    }
}

extension SnapshotBody {
    /// Reads a manifest, refusing what no run could have counted: sums over these numbers are made
    /// without a check.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        programVersion = try container.decode(String.self, forKey: .programVersion)
        kernelPath = try container.decode(String.self, forKey: .kernelPath)
        createdAt = try container.decode(Int64.self, forKey: .createdAt)
        pauseMilliseconds = try container.decode(Double.self, forKey: .pauseMilliseconds)
        summary = try container.decode(Summary.self, forKey: .summary)
        skips = try container.decode([OffsetRange].self, forKey: .skips)
        positions = try container.decode([PartitionProgress].self, forKey: .positions)
        order = try container.decode(StreamOrder.Key.self, forKey: .order)
        sideFiles = try container.decode([String: Int64].self, forKey: .sideFiles)
        now = try container.decode(Int64.self, forKey: .now)
        configurationFingerprint = try container.decode(
            String.self,
            forKey: .configurationFingerprint
        )
        configuration = try container.decode([ConfigurationEntry].self, forKey: .configuration)
        warmStart = try container.decodeIfPresent(WarmStartRecord.self, forKey: .warmStart)
        addedFeatures = try container.decodeIfPresent([[String]].self, forKey: .addedFeatures)
        guard let flaw else { return }
        throw DecodingError.dataCorrupted(
            .init(codingPath: decoder.codingPath, debugDescription: flaw)
        )
    }

    private var flaw: String? {
        let partitions = Set(positions.map(\.partition))
        if partitions.count != positions.count { return "a partition has two positions" }
        if positions.reduce(0, { $0 + Double($1.position) }) > 1e18 { return "positions" }
        if createdAt.magnitude > 1 << 53 { return "created_at is \(createdAt)" }
        if sideFiles.values.contains(where: { $0 < 0 }) { return "side_files" }
        let counts = Place.allCases.map { summary[$0] } + [summary.consumed]
        let range = 0...1 << 60
        guard counts.allSatisfy({ count in Role.allCases.allSatisfy { range ~= count[$0] } }),
            range ~= summary.disordered, range ~= summary.skippedUpdates
        else { return "the summary's counts" }
        return nil
    }
}

/// One dotted key of a configuration and what it resolves to.
public struct ConfigurationEntry: Codable, Equatable, Sendable {
    public var key: String
    public var value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }
}
