/// The sums over scored impressions from which figures of several cohorts together follow.
///
/// Log loss, normalized entropy and calibration are exactly those of the pooled impressions. AUC is not a sum: it
/// is the mean of the AUCs within cohorts, weighted by their impressions (GAUC, Zhou et al.,
/// KDD 2018, with cohorts for users).
public struct CohortSums: Equatable, Sendable {
    public var weight = 0.0
    /// Weight of positives.
    public var positives = 0.0
    /// Σ predicted
    public var predicted = 0.0
    /// Σ log loss, nats.
    public var loss = 0.0
    /// Σ weight · AUC of cohorts that have both labels, and their weight.
    public var aucWeight = 0.0
    public var weightedAUC = 0.0

    public init() {}

    /// A cohort's sums, from its figures and its groups.
    public init(_ figures: TaskFigures, _ groups: [ReliabilityGroup]) {
        weight = groups.reduce(0) { $0 + $1.weight }
        positives = groups.reduce(0) { $0 + $1.actual }
        loss = (figures.logLoss ?? 0) * weight
        // Calibration is Σ predicted / Σ actual; without positives the groups have the sum, each
        // prediction rounded to its bin's middle.
        predicted =
            figures.calibration.map { $0 * positives }
            ?? groups.reduce(0) { $0 + $1.predicted }
        if let auc = figures.auc {
            aucWeight = weight
            weightedAUC = weight * auc
        }
    }

    public mutating func add(_ other: CohortSums, times multiplicity: Double = 1) {
        weight += multiplicity * other.weight
        positives += multiplicity * other.positives
        predicted += multiplicity * other.predicted
        loss += multiplicity * other.loss
        aucWeight += multiplicity * other.aucWeight
        weightedAUC += multiplicity * other.weightedAUC
    }

    public var logLoss: Double? { weight > 0 ? loss / weight : nil }

    /// Mean log loss over the entropy of the empirical rate.
    public var normalizedEntropy: Double? {
        guard weight > 0, positives > 0, positives < weight else { return nil }
        return loss / weight / LogDomain.entropy(positives / weight)
    }

    public var calibration: Double? { positives > 0 ? predicted / positives : nil }
    public var auc: Double? { aucWeight > 0 ? weightedAUC / aucWeight : nil }
}
