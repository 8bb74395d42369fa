import Foundation
import Learn
import Pipeline
import Report

/// Paired differences as JSON for scripts or as text for people.
struct CompareReport: Encodable {
    struct Configuration {
        var name: String
        var snapshot: String
        var summary: Summary
    }

    /// The first is the one that the others are compared with.
    var configurations: [Configuration]
    var differences: [PairedComparison]
    var remarks: [String]

    private enum CodingKeys: String, CodingKey {
        case configurations, differences, remarks, warning
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(configurations, forKey: .configurations)
        try container.encode(differences, forKey: .differences)
        try container.encode(remarks, forKey: .remarks)
        try container.encode(PairedComparison.warning, forKey: .warning)
    }

    func lines() -> [String] {
        var lines: [String] = []
        for (configuration, comparison) in zip(configurations.dropFirst(), differences) {
            let unpaired =
                comparison.unpaired > 0 ? ", \(comparison.unpaired) without a partner" : ""
            lines += [
                "",
                "\(comparison.other) against \(comparison.first), \(comparison.pairs) pairs of "
                    + "mature cohorts\(unpaired)",
            ]
            lines += Self.table(comparison)
            lines.append(
                "state digest  \(configuration.summary.stateDigest), snapshot \(configuration.snapshot)"
            )
        }
        if let sample = differences.first {
            lines += [
                "",
                "95 % intervals: \(PairedComparison.resamples) circular block bootstraps over "
                    + "cohorts, blocks of \(sample.blockLength), seed \(sample.seed). The AUC is the "
                    + "mean within cohorts, weighted by impressions.",
            ]
            if sample.pairs < PairedComparison.pairsMin {
                lines.append(
                    "With fewer than \(PairedComparison.pairsMin) pairs there are no intervals: a "
                        + "smaller metrics.cohort gives more."
                )
            }
        }
        return lines + remarks + [PairedComparison.warning]
    }

    private static func table(_ comparison: PairedComparison) -> [String] {
        let tasks = [
            ("CTR", comparison.tasks.ctr), ("CVR", comparison.tasks.cvr),
            ("CTCVR", comparison.tasks.ctcvr),
        ]
        let head =
            "figure".padding(toLength: 22, withPad: " ", startingAt: 0)
            + [comparison.first, comparison.other, "difference"].map { cell($0, width: 13) }
            .joined() + "   95 % interval"
        let rows = tasks.flatMap { name, task -> [String] in
            [
                ("log loss", task.logLoss), ("norm. entropy", task.normalizedEntropy),
                ("calibration", task.calibration), ("AUC", task.auc),
            ].map { measure, figure in
                "\(name) \(measure)".padding(toLength: 22, withPad: " ", startingAt: 0)
                    + cell(number(figure.first, "%.5f"), width: 13)
                    + cell(number(figure.other, "%.5f"), width: 13)
                    + cell(number(figure.difference, "%+.5f"), width: 13)
                    + "   " + number(figure.low, "%+.5f") + " to " + number(figure.high, "%+.5f")
            }
        }
        return [head] + rows
    }

    private static func number(_ value: Double?, _ format: String) -> String {
        value.map { String(format: format, $0) } ?? "–"
    }

    private static func cell(_ text: String, width: Int) -> String {
        let shown = text.count < width ? text : String(text.prefix(width - 2)) + "…"
        return String(repeating: " ", count: width - shown.count) + shown
    }
}

extension CompareReport.Configuration: Encodable {
    private enum CodingKeys: String, CodingKey { case name, snapshot }

    func encode(to encoder: any Encoder) throws {
        try summary.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(snapshot, forKey: .snapshot)
    }
}
