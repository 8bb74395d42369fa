internal import StateCoding

/// Sums over the scored predictions of one task, from which its figures come.
struct TaskScores: Equatable, Sendable {
    private(set) var count = 0
    private var weight = 0.0
    private var positiveWeight = 0.0
    /// Weighted sum of predicted probabilities.
    private var predicted = 0.0
    /// Weighted sum of log losses, nats.
    private var loss = 0.0
    private var histogram = LogitHistogram()

    /// - Parameter logit: of the calibrated probability; finite, hence so is its log loss.
    mutating func add(logit: Double, isPositive: Bool, weight: Float) {
        let weight = Double(weight)
        let (probability, positiveLoss, negativeLoss) = LogDomain.losses(logit: logit)
        count += 1
        self.weight += weight
        if isPositive { positiveWeight += weight }
        predicted += weight * probability
        loss += weight * (isPositive ? positiveLoss : negativeLoss)
        histogram.add(logit: logit, isPositive: isPositive, weight: weight)
    }

    mutating func merge(_ other: TaskScores) {
        count += other.count
        weight += other.weight
        positiveWeight += other.positiveWeight
        predicted += other.predicted
        loss += other.loss
        histogram.merge(other.histogram)
    }

    var figures: TaskFigures {
        var figures = TaskFigures(count: count)
        figures.auc = histogram.auc
        if weight > 0 {
            let mean = loss / weight
            let entropy = LogDomain.entropy(positiveWeight / weight)
            figures.logLoss = mean
            figures.normalizedEntropy = entropy > 0 ? mean / entropy : nil
        }
        figures.calibration = positiveWeight > 0 ? predicted / positiveWeight : nil
        return figures
    }

    func reliability(groups: Int) -> [ReliabilityGroup] {
        histogram.reliability(groups: groups)
    }
}

extension TaskScores: StateCodable {
    static var encodedBytesMax: Int { 45 + LogitHistogram.binCount * 20 }

    func encode(to writer: inout StateWriter) {
        writer.write(Int64(count))
        for sum in [weight, positiveWeight, predicted, loss] { writer.write(sum) }
        histogram.encode(to: &writer)
    }

    mutating func decode(from reader: inout StateReader) throws(StateError) {
        count = Int(try reader.read(Int64.self))
        weight = try reader.read()
        positiveWeight = try reader.read()
        predicted = try reader.read()
        loss = try reader.read()
        let sums = [weight, positiveWeight, predicted, loss]
        guard Metrics.isCount(count), sums.allSatisfy({ $0 >= 0 && $0 <= Metrics.sumMax }) else {
            throw StateError("metric sums are out of range")
        }
        try histogram.decode(from: &reader)
    }
}
