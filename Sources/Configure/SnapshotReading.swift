public import Snapshot

extension SnapshotSettings {
    mutating func read(_ root: Section) throws(ConfigurationError) {
        let section = try root.section(
            "snapshots",
            keys: ["every", "keep", "keep_for", "sampled_impressions"]
        )
        if let value = section["every"] {
            let text = try value.passedOnText()
            guard Int(text) == nil else {
                throw value.error(
                    "is \(text) without a unit, expected \(Schedule.examples)"
                )
            }
            guard let schedule = Schedule(text: text) else {
                throw value.wrongType(Schedule.examples)
            }
            every = schedule
        }
        keep = try section["keep"]?.integer(in: 0...10_000) ?? keep
        if let value = section["keep_for"] {
            keepFor = value.isWord("none") ? nil : try value.duration(atLeast: 1_000)
        }
        sampledImpressions =
            try section["sampled_impressions"]?.integer(in: 0...4_096) ?? sampledImpressions
    }
}

extension SnapshotSettings.Schedule {
    static let examples = "a duration such as 1m, or a number such as 100000 events"

    /// Reads `1m`, `100000 events` or `100000`, which counts events too; nil if it is none of these
    /// or not above 0.
    public init?(text: String) {
        let digits = text.hasSuffix(" events") ? text.dropLast(" events".count) : text[...]
        let isCount =
            !digits.isEmpty && digits.allSatisfy { $0.isASCII && ($0.isNumber || $0 == "_") }
        if isCount {
            guard let count = Int(digits.filter { $0 != "_" }), count > 0 else { return nil }
            self = .events(count)
        } else {
            guard let duration = DurationText.milliseconds(text), duration > 0 else { return nil }
            self = .duration(duration)
        }
    }

    /// The text that reads as this schedule.
    public var text: String {
        switch self {
        case .events(let count): "\(count) events"
        case .duration(let milliseconds): DurationText.text(milliseconds)
        }
    }
}
