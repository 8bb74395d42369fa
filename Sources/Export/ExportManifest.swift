public import Learn
public import Pipeline

/// `export.json`: what an export is, where it comes from, how it was verified, and its files.
public struct ExportManifest: Codable, Sendable {
    /// The name of its file.
    public static let fileName = "export.json"

    public var formatVersion = 1
    /// `<snapshot>-<state digest>`
    public var model: String
    public var format: ExportFormat
    public var snapshot: String
    /// When the snapshot and the export were made, milliseconds since the epoch.
    public var snapshotCreatedAt: Int64
    public var createdAt: Int64
    /// nil before anything was applied.
    public var streamTime: Int64?
    public var programVersion: String
    public var kernelPath: String
    public var configurationFingerprint: String
    /// The keys of the configuration that determine the model, with their values.
    public var configuration: [ConfigurationEntry]
    public var positions: [PartitionProgress]
    public var metrics: MetricsReport
    /// How the embedding tables are used.
    public var fields: [FieldFigures]
    public var verification: Verification
    public var files: [ExportedFile]

    /// How the files, read back, compared with the snapshot's own network.
    public struct Verification: Codable, Equatable, Sendable {
        /// Recent impressions of the snapshot that were scored both ways, and made-up ones beside them.
        public var recent: Int
        public var synthetic: Int
        /// The greatest difference of a probability.
        public var differenceMax: Double
        /// What reading the files back and scoring by them took.
        public var milliseconds: Double

        enum CodingKeys: String, CodingKey {
            case recent, synthetic, milliseconds
            case differenceMax = "max_difference"
        }
    }

    enum CodingKeys: String, CodingKey {
        case model, format, snapshot, configuration, positions, metrics, fields, verification, files
        case formatVersion = "format_version"
        case snapshotCreatedAt = "snapshot_created_at"
        case createdAt = "created_at"
        case streamTime = "stream_time"
        case programVersion = "program_version"
        case kernelPath = "kernel_path"
        case configurationFingerprint = "configuration_fingerprint"
    }
}

/// A file of an export, as its manifest vouches for it.
public struct ExportedFile: Codable, Equatable, Sendable {
    public var name: String
    public var bytes: Int
    /// XXH3-64 of the file, 16 hexadecimal digits.
    public var checksum: String

    public init(name: String, bytes: Int, checksum: String) {
        self.name = name
        self.bytes = bytes
        self.checksum = checksum
    }
}
