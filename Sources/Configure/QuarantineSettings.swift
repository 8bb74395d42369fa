/// What happens to records that are no events.
public struct QuarantineSettings: Equatable, Sendable {
    /// Whether the quarantine file holds the payloads, beside place and reason.
    public var payloads = false
    /// The run stops when more records than this were quarantined; nil: never.
    public var rejectedMax: Int?

    public init() {}
}

extension QuarantineSettings {
    mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section(
            "quarantine",
            keys: ["payloads", "max_rejected"]
        )
        payloads = try section["payloads"]?.boolean() ?? payloads
        if let value = section["max_rejected"] {
            rejectedMax = value.isWord("none") ? nil : try value.integer(in: 0...Int.max)
        }
    }
}
