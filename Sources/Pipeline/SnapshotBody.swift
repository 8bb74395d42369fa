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

    enum CodingKeys: String, CodingKey {
        case summary, positions, skips, order, now, configuration
        case programVersion = "program_version"
        case kernelPath = "kernel_path"
        case createdAt = "created_at"
        case pauseMilliseconds = "pause_milliseconds"
        case sideFiles = "side_files"
        case configurationFingerprint = "configuration_fingerprint"
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
