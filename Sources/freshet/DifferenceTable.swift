import Export
import Foundation
import Pipeline

/// What changed between two snapshots, for people.
struct DifferenceTable {
    /// Fields that are shown; JSON has all.
    private static let fieldsMax = 20

    let difference: SnapshotDifference

    init(_ difference: SnapshotDifference) { self.difference = difference }

    var text: String {
        var blocks = [sides, positions.text, figures.text, parts.text]
        if !difference.fields.isEmpty { blocks.append(fields) }
        if !difference.shapes.isEmpty {
            blocks.append(
                (["not comparable"]
                    + difference.shapes.map {
                        "  \($0.tensor): \(shape($0.from)) → \(shape($0.to))"
                    }).joined(separator: "\n")
            )
        }
        if !difference.configuration.isEmpty {
            blocks.append(
                (["configuration"]
                    + difference.configuration.map {
                        "  \($0.key): \($0.from ?? "not set") → \($0.to ?? "not set")"
                    }).joined(separator: "\n")
            )
        }
        return blocks.joined(separator: "\n\n")
    }

    private var sides: String {
        var table = TextTable([
            ("", .left), ("model", .left), ("made", .left), ("stream time", .left),
            ("events", .right),
        ])
        for (name, side) in [("A", difference.from), ("B", difference.to)] {
            table.append([
                name, side.model, timestampText(side.createdAt),
                side.streamTime.map(timestampText) ?? "none", "\(side.consumed.total)",
            ])
        }
        var lines = table.lines
        if let from = difference.from.streamTime, let to = difference.to.streamTime {
            let passed = to.subtractingReportingOverflow(from)
            if !passed.overflow {
                let text = durationText(Int64(clamping: passed.partialValue.magnitude))
                lines.append("stream time moved by \(passed.partialValue < 0 ? "-" : "")\(text)")
            }
        }
        return lines.joined(separator: "\n")
    }

    private var positions: TextTable {
        var table = TextTable([
            ("position", .left), ("A", .right), ("B", .right), ("difference", .right),
        ])
        for change in difference.positions {
            table.append([
                "\(change.name)/\(change.partition)", text(change.from), text(change.to),
                text(change.difference),
            ])
        }
        return table
    }

    private var figures: TextTable {
        var table = TextTable([
            ("figure", .left), ("A", .right), ("B", .right), ("difference", .right),
        ])
        for change in difference.figures {
            let format = change.figure == "count" ? "%.0f" : "%.5f"
            table.append([
                "\(change.task.uppercased()) \(change.figure.replacing("_", with: " "))",
                text(change.from, format), text(change.to, format),
                text(change.difference, change.figure == "count" ? "%+.0f" : "%+.5f"),
            ])
        }
        return table
    }

    private var parts: TextTable { table("part", difference.parts) }

    private var fields: String {
        let rest = difference.fields.count - Self.fieldsMax
        let lines = table("field", Array(difference.fields.prefix(Self.fieldsMax))).lines
        return (lines + (rest > 0 ? ["and \(rest) more"] : [])).joined(separator: "\n")
    }

    private func table(_ title: String, _ changes: [PartChange]) -> TextTable {
        let hasRows = changes.contains { $0.rows != nil }
        let notFinite = changes.contains { $0.notFinite > 0 }
        var table = TextTable(
            [(title, .left), ("change", .right), ("norm of A", .right), ("relative", .right)]
                + (hasRows ? [("rows changed", .right)] : [])
                + (notFinite ? [("not finite", .right)] : [])
        )
        for change in changes {
            table.append(
                [
                    change.part, text(change.change, "%.5g"), text(change.norm, "%.5g"),
                    text(change.relative.map { $0 * 100 }, "%.2f %%"),
                ]
                    + (hasRows
                        ? [change.rowsChanged.map { "\($0) of \(change.rows ?? 0)" } ?? ""] : [])
                    + (notFinite ? ["\(change.notFinite)"] : [])
            )
        }
        return table
    }

    private func shape(_ shape: [Int]?) -> String {
        shape.map { "[" + $0.map { "\($0)" }.joined(separator: ", ") + "]" } ?? "none"
    }

    private func text(_ number: Int64?) -> String { number.map { "\($0)" } ?? "–" }

    private func text(_ number: Double?, _ format: String) -> String {
        number.map { String(format: format, $0) } ?? "–"
    }
}
