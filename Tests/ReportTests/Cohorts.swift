import Learn
import TestSupport

/// Scored impressions of one cohort, from which a summary is made.
struct TestCohort {
    var start: Int64
    var end: Int64
    /// Σ weight, Σ positives, Σ predicted, Σ log loss, AUC.
    var sums: [Double]

    static func random(_ index: Int, using random: inout SeededGenerator) -> TestCohort {
        let weight = Double(Int.random(in: 500...5_000, using: &random))
        let rate = Double.random(in: 0.02...0.2, using: &random)
        let positives = (weight * rate).rounded()
        return TestCohort(
            start: Int64(index) * 1_000,
            end: Int64(index + 1) * 1_000,
            sums: [
                weight, positives, positives * .random(in: 0.7...1.4, using: &random),
                weight * .random(in: 0.1...0.5, using: &random),
                .random(in: 0.5...0.9, using: &random),
            ]
        )
    }

    /// The same impressions, predicted a little differently.
    func varied(using random: inout SeededGenerator) -> TestCohort {
        var copy = self
        for index in 2...4 { copy.sums[index] *= .random(in: 0.95...1.05, using: &random) }
        return copy
    }

    /// As `Metrics` would keep it: figures, and groups that divide the impressions.
    var summary: CohortSummary {
        let (weight, positives) = (sums[0], sums[1])
        var figures = TaskFigures(count: Int(weight))
        figures.logLoss = sums[3] / weight
        figures.normalizedEntropy = sums[3] / weight / 0.3
        figures.calibration = positives > 0 ? sums[2] / positives : nil
        figures.auc = positives > 0 && positives < weight ? sums[4] : nil
        let groups = [0.25, 0.75].map { share in
            var group = ReliabilityGroup()
            group.weight = weight * share
            group.actual = positives * share
            group.predicted = sums[2] * share
            return group
        }
        return CohortSummary(
            start: start,
            end: end,
            figures: TaskTable(ctr: figures, cvr: figures, ctcvr: figures),
            reliability: TaskTable(ctr: groups, cvr: groups, ctcvr: groups)
        )
    }
}
