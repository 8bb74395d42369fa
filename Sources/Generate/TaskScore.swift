internal import Glibc

/// Scores probabilities against outcomes in bounded memory: AUC by fixed bins over the logit,
/// log loss exactly.
struct TaskScore: Sendable {
    /// Outcomes per bin, the second half those that happened, [2, bins].
    private var bins = [Int](repeating: 0, count: 2 * binCount)
    private var logLossSum = 0.0
    private var probabilitySum = 0.0

    /// Logits of ±16 at 512 bins per unit: neighbours in one bin differ by 0.2 % in odds, which
    /// moves an AUC by less than 1e-5.
    private static let binCount = 1 << 14
    private static let logitMax = 16.0

    mutating func add(_ probability: Double, happened: Bool) {
        let likelihood = happened ? probability : 1 - probability
        logLossSum -= log(max(likelihood, 1e-300))
        probabilitySum += probability
        let logit = log(probability / (1 - probability))
        let position = (min(max(logit, -Self.logitMax), Self.logitMax) / Self.logitMax + 1) / 2
        let bin = min(Int(position * Double(Self.binCount)), Self.binCount - 1)
        bins[happened ? Self.binCount + bin : bin] += 1
    }

    mutating func add(_ other: TaskScore) {
        for bin in bins.indices { bins[bin] += other.bins[bin] }
        logLossSum += other.logLossSum
        probabilitySum += other.probabilitySum
    }

    var figures: PlantedFigures {
        var negativesBelow = 0
        var positives = 0
        var concordant = 0.0
        for bin in 0..<Self.binCount {
            let (negative, positive) = (bins[bin], bins[Self.binCount + bin])
            concordant += Double(positive) * (Double(negativesBelow) + Double(negative) / 2)
            negativesBelow += negative
            positives += positive
        }
        let count = positives + negativesBelow
        var figures = PlantedFigures(count: count, positives: positives)
        guard count > 0 else { return figures }
        let logLoss = logLossSum / Double(count)
        figures.logLoss = logLoss
        guard positives > 0 else { return figures }
        figures.calibration = probabilitySum / Double(positives)
        guard negativesBelow > 0 else { return figures }
        figures.auc = concordant / (Double(positives) * Double(negativesBelow))
        let rate = Double(positives) / Double(count)
        figures.normalizedEntropy = logLoss / -(rate * log(rate) + (1 - rate) * log(1 - rate))
        return figures
    }
}

/// The figures that the planted probabilities themselves reach; nil where they are not defined.
public struct PlantedFigures: Equatable, Sendable, Codable {
    public var auc: Double?
    /// Mean per outcome, in nats.
    public var logLoss: Double?
    /// Log loss over that of always predicting the mean outcome.
    public var normalizedEntropy: Double?
    /// Sum of the probabilities over the number of positive outcomes.
    public var calibration: Double?
    public var count: Int
    public var positives: Int

    init(count: Int, positives: Int) {
        self.count = count
        self.positives = positives
    }
}
