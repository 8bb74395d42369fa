import Foundation
import Learn

/// Figures per task as a table for people, beside the best possible ones where they are known.
enum MetricsTable {
    static func lines(_ report: MetricsReport, best: TaskTable<TaskFigures>? = nil) -> [String] {
        let width = best == nil ? 7 : 16
        var lines = [
            "task".padding(toLength: width, withPad: " ", startingAt: 0)
                + "     AUC     log loss  norm. entropy  calibration      count"
        ]
        for (name, figures) in rows(report.figures) {
            lines.append(line(name, figures, width: width))
            if let best = best.map(rows)?.first(where: { $0.0 == name })?.1 {
                lines.append(line("  best possible", best, width: width))
            }
        }
        if !report.mature {
            lines.append("(no cohort is mature yet: labels that come late are missing in these)")
        }
        return lines
    }

    private static func rows(_ table: TaskTable<TaskFigures>) -> [(String, TaskFigures)] {
        [("CTR", table.ctr), ("CVR", table.cvr), ("CTCVR", table.ctcvr)]
    }

    private static func line(_ name: String, _ figures: TaskFigures, width: Int) -> String {
        name.padding(toLength: width, withPad: " ", startingAt: 0)
            + cell(figures.auc, "%.4f", width: 8) + cell(figures.logLoss, "%.5f", width: 13)
            + cell(figures.normalizedEntropy, "%.4f", width: 15)
            + cell(figures.calibration, "%.3f", width: 13)
            + cell(Double(figures.count), "%.0f", width: 11)
    }

    private static func cell(_ value: Double?, _ format: String, width: Int) -> String {
        let text = value.map { String(format: format, $0) } ?? "–"
        return String(repeating: " ", count: max(1, width - text.count)) + text
    }
}

/// A time in UTC for people.
func timestampText(_ milliseconds: Int64) -> String {
    let date = Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
    return date.formatted(.iso8601.timeZoneSeparator(.colon))
}

/// An age or duration for people: "4.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h".
func durationText(_ milliseconds: Int64) -> String {
    let seconds = milliseconds / 1_000
    switch seconds {
    case ..<60: return String(format: "%.1f s", Double(milliseconds) / 1_000)
    case ..<3_600: return "\(seconds / 60) min \(seconds % 60) s"
    case ..<86_400: return "\(seconds / 3_600) h \(seconds / 60 % 60) min"
    default: return "\(seconds / 86_400) d \(seconds / 3_600 % 24) h"
    }
}
