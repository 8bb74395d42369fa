import Events
import Foundation
import Learn
import Pipeline

/// The result of a replay or a demo, as JSON for scripts or as text for people.
struct ReplayReport {
    let summary: Summary
    let snapshot: String
    let seconds: Double
    /// Other configurations' differences to this one.
    var comparison: CompareReport?
    /// The best possible figures of the same impressions, where they are known.
    var best: TaskTable<TaskFigures>?

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    func text() -> String {
        var lines = [
            Self.row("", ["impressions", "clicks", "conversions"]),
            Self.row("consumed", summary.consumed),
        ]
        for place in Place.allCases where summary[place].total > 0 {
            lines.append(Self.row("  " + place.name, summary[place]))
        }
        lines.append(
            "trained on \(summary.trained.ctr) CTR and \(summary.trained.ctcvr) CTCVR labels, "
                + "\(summary.skippedUpdates) updates skipped, \(summary.disordered) events "
                + "out of order"
        )
        lines.append("")
        lines += MetricsTable.lines(summary.metrics, best: best)
        lines.append("")
        if summary.silence.isSilent {
            lines.append(
                "events are missing: windows are held open ("
                    + summary.silence.metadata.sorted { $0.key < $1.key }
                    .map { "\($0.key) \($0.value)" }.joined(separator: ", ") + ")"
            )
        }
        if let time = summary.streamTime { lines.append("stream time   \(timestampText(time))") }
        lines.append("state digest  \(summary.stateDigest)")
        lines.append("snapshot      \(snapshot)")
        lines.append(String(format: "%.1f seconds", seconds))
        if let comparison { lines += comparison.lines() }
        return lines.joined(separator: "\n")
    }

    private static func row(_ name: String, _ counts: RoleCounts) -> String {
        row(name, [counts.impressions, counts.clicks, counts.conversions].map(String.init))
    }

    private static func row(_ name: String, _ cells: [String]) -> String {
        name.padding(toLength: 16, withPad: " ", startingAt: 0)
            + cells.map { String(repeating: " ", count: max(1, 13 - $0.count)) + $0 }.joined()
    }
}

extension ReplayReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case snapshot, seconds, comparison
        case streamTime = "stream_time"
    }

    func encode(to encoder: any Encoder) throws {
        try summary.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        if summary.streamTime == nil { try container.encodeNil(forKey: .streamTime) }
        try container.encode(snapshot, forKey: .snapshot)
        try container.encode(seconds, forKey: .seconds)
        try container.encodeIfPresent(comparison, forKey: .comparison)
    }
}
