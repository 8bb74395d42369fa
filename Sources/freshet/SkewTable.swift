import Export
import Foundation

/// A report on skew for people.
struct SkewTable {
    /// Explanations that are shown; JSON has all.
    private static let rowsMax = 12

    let report: SkewReport

    init(_ report: SkewReport) { self.report = report }

    var text: String {
        var lines = [
            "compared       \(report.compared) impressions",
            "different      \(report.different) (\(percent(report.shareDifferent))), by more than "
                + "\(report.tolerance)",
            "CTR            mean difference \(small(report.ctr.mean)), "
                + "greatest \(small(report.ctr.max))",
            "CVR            mean difference \(small(report.cvr.mean)), "
                + "greatest \(small(report.cvr.max))",
        ]
        if report.withoutServed > 0 {
            lines.append("not served     \(report.withoutServed) impressions say no answer")
        }
        let unknown = report.unknownModels
        if unknown.impressions > 0 {
            lines.append(
                "unknown model  \(unknown.impressions) impressions, of "
                    + unknown.models.map { $0.debugDescription }.joined(separator: ", ")
                    + (unknown.more ? ", …" : "")
            )
        }
        if report.rejected > 0 {
            lines.append(
                "no impression  \(report.rejected) lines; \(report.firstRejected ?? "")"
            )
        }
        if !report.explanations.isEmpty {
            var table = TextTable([
                ("field", .left), ("at serving", .left), ("explains", .right),
                ("takes off in logits", .right),
            ])
            for explanation in report.explanations.prefix(Self.rowsMax) {
                table.append([
                    explanation.field, explanation.substitution.rawValue,
                    percent(explanation.shareExplained), percent(explanation.logitShareRemoved),
                ])
            }
            lines += [""] + table.lines
        }
        return (lines + ["", report.conclusion]).joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { String(format: "%.1f %%", share * 100) }
    private func small(_ value: Double) -> String { String(format: "%.3g", value) }
}
