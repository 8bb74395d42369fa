/// What happens to records that are no events.
public struct QuarantineSettings: Equatable, Sendable {
    /// Whether the quarantine file holds the payloads, beside place and reason.
    public var payloads = false
    /// The run stops when more records than this were quarantined; nil: never.
    public var rejectedMax: Int?
    /// The quarantine file does not grow beyond this; nil: no limit.
    public var fileBytesMax: Int? = 64 << 20

    public init() {}
}

extension QuarantineSettings {
    mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section(
            "quarantine",
            keys: ["payloads", "max_rejected", "max_file_bytes"]
        )
        payloads = try section["payloads"]?.boolean() ?? payloads
        if let value = section["max_rejected"] {
            rejectedMax = value.isWord("none") ? nil : try value.integer(in: 0...Int.max)
        }
        if let value = section["max_file_bytes"] {
            fileBytesMax = value.isWord("none") ? nil : try value.size(in: 4096...1 << 50)
        }
    }
}
