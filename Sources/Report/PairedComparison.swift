internal import Foundation
public import Learn

/// One figure of two configurations over the same cohorts, and how sure their difference is.
public struct FigureDifference: Equatable, Sendable {
    /// Of the first configuration, and of the other one; nil where undefined.
    public var first: Double?
    public var other: Double?
    /// other − first
    public var difference: Double?
    /// The 95 % interval of the difference; nil where there are too few cohorts.
    public var low: Double?
    public var high: Double?

    /// Whether the interval leaves zero out.
    public var isClear: Bool {
        guard let low, let high else { return false }
        return low > 0 || high < 0
    }
}

public struct TaskDifferences: Equatable, Sendable, Encodable {
    public var logLoss: FigureDifference
    public var normalizedEntropy: FigureDifference
    public var calibration: FigureDifference
    /// Weighted mean of within-cohort AUCs.
    public var auc: FigureDifference

    private enum CodingKeys: String, CodingKey {
        case logLoss = "log_loss"
        case normalizedEntropy = "normalized_entropy"
        case calibration
        case auc
    }
}

/// Two configurations over the same mature cohorts, paired: each resample takes the same cohorts of
/// both, so that what was hard or easy for both cancels out.
public struct PairedComparison: Equatable, Sendable {
    public static let resamples = 2_000
    public static let confidence = 0.95
    /// With fewer pairs there is no interval: blocks of two out of less than this say nothing.
    public static let pairsMin = 5

    /// What no comparison on logs can tell; to be said with every one.
    public static let warning = """
        Logs cannot evaluate a different serving policy: the impressions in them were chosen by the \
        policy that served. A comparison says which configuration predicts those impressions better, \
        not what would have happened had another one chosen what to show.
        """

    public let first: String
    public let other: String
    /// Pairs of mature cohorts.
    public let pairs: Int
    /// Mature cohorts of the first configuration and of the other one that have no partner.
    public let unpaired: Int
    public let blockLength: Int
    public let seed: UInt64
    public let tasks: TaskTable<TaskDifferences>

    /// - Parameters:
    ///   - first: Name and mature cohorts, ascending and disjoint.
    ///   - other: Likewise.
    ///   - seed: of the resamples.
    public init(
        first: (name: String, series: [CohortSummary]),
        other: (name: String, series: [CohortSummary]),
        seed: UInt64
    ) {
        let paired = CohortPairs(first.series, other.series)
        self.first = first.name
        self.other = other.name
        self.seed = seed
        pairs = paired.pairs.count
        unpaired = paired.unpaired
        blockLength = CircularBlockBootstrap.blockLength(itemCount: max(pairs, 1))
        var multiplicities: [[Int]] = []
        if pairs >= Self.pairsMin {
            var bootstrap = CircularBlockBootstrap(itemCount: pairs, seed: seed)
            multiplicities = (0..<Self.resamples).map { _ in bootstrap.next() }
        }
        func differences(
            _ sums: (CohortPairs.Pair) -> (CohortSums, CohortSums)
        ) -> TaskDifferences {
            TaskDifferences(paired.pairs.map(sums), resamples: multiplicities)
        }
        tasks = TaskTable(
            ctr: differences { ($0.first.ctr, $0.other.ctr) },
            cvr: differences { ($0.first.cvr, $0.other.cvr) },
            ctcvr: differences { ($0.first.ctcvr, $0.other.ctcvr) }
        )
    }
}

extension TaskDifferences {
    /// - Parameter resamples: How often each pair is in each resample.
    init(_ pairs: [(first: CohortSums, other: CohortSums)], resamples: [[Int]]) {
        func total(_ multiplicities: [Int]?) -> (first: CohortSums, other: CohortSums) {
            var first = CohortSums()
            var other = CohortSums()
            for (index, pair) in pairs.enumerated() {
                let times = Double(multiplicities?[index] ?? 1)
                first.add(pair.first, times: times)
                other.add(pair.other, times: times)
            }
            return (first, other)
        }
        let whole = total(nil)
        let resampled = resamples.map { total($0) }
        func difference(_ figure: (CohortSums) -> Double?) -> FigureDifference {
            FigureDifference(
                first: figure(whole.first),
                other: figure(whole.other),
                resampled: resampled.map { (figure($0.first), figure($0.other)) }
            )
        }
        logLoss = difference(\.logLoss)
        normalizedEntropy = difference(\.normalizedEntropy)
        calibration = difference(\.calibration)
        auc = difference(\.auc)
    }
}

extension FigureDifference {
    fileprivate init(first: Double?, other: Double?, resampled: [(Double?, Double?)]) {
        self.first = first
        self.other = other
        guard let first, let other else { return }
        difference = other - first
        let differences = resampled.compactMap { first, other -> Double? in
            guard let first, let other else { return nil }
            return other - first
        }
        // A figure that most resamples leave undefined, for want of positives, has no interval.
        guard differences.count * 20 >= resampled.count * 19 else { return }
        let interval = CircularBlockBootstrap.interval(
            of: differences,
            confidence: PairedComparison.confidence
        )
        low = interval?.low
        high = interval?.high
    }
}

extension FigureDifference: Encodable {
    private enum CodingKeys: String, CodingKey { case first, other, difference, low, high }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(first, forKey: .first)
        try container.encode(other, forKey: .other)
        try container.encode(difference, forKey: .difference)
        try container.encode(low, forKey: .low)
        try container.encode(high, forKey: .high)
    }
}

extension PairedComparison: Encodable {
    private enum CodingKeys: String, CodingKey {
        case first, other, pairs, unpaired, resamples, confidence, seed, tasks
        case blockLength = "block_length"
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(first, forKey: .first)
        try container.encode(other, forKey: .other)
        try container.encode(pairs, forKey: .pairs)
        try container.encode(unpaired, forKey: .unpaired)
        try container.encode(blockLength, forKey: .blockLength)
        try container.encode(Self.resamples, forKey: .resamples)
        try container.encode(Self.confidence, forKey: .confidence)
        try container.encode(seed, forKey: .seed)
        try container.encode(tasks, forKey: .tasks)
    }
}
