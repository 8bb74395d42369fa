/// One value for each task.
public struct TaskTable<Value> {
    /// p(click), over all impressions.
    public var ctr: Value
    /// p(conversion | click), over clicked impressions.
    public var cvr: Value
    /// p(click and conversion), over all impressions.
    public var ctcvr: Value

    public init(ctr: Value, cvr: Value, ctcvr: Value) {
        self.ctr = ctr
        self.cvr = cvr
        self.ctcvr = ctcvr
    }

    public func map<Other>(_ transform: (Value) -> Other) -> TaskTable<Other> {
        TaskTable<Other>(ctr: transform(ctr), cvr: transform(cvr), ctcvr: transform(ctcvr))
    }
}

extension TaskTable: Equatable where Value: Equatable {}
extension TaskTable: Sendable where Value: Sendable {}
extension TaskTable: Encodable where Value: Encodable {}
extension TaskTable: Decodable where Value: Decodable {}

/// How good the predictions of one task were. A figure is nil, in JSON null, where the scored
/// impressions do not define it.
public struct TaskFigures: Equatable, Sendable, Codable {
    /// Area under the ROC curve, ties counting half; nil without both labels.
    public var auc: Double?
    /// Mean log loss, nats.
    public var logLoss: Double?
    /// Mean log loss over the entropy of the empirical rate (He et al., ADKDD 2014): below 1 beats
    /// the constant. nil without both labels.
    public var normalizedEntropy: Double?
    /// Σ predicted / Σ actual; nil without positives.
    public var calibration: Double?
    /// Scored impressions, unweighted; everything else is weighted.
    public var count: Int

    public init(count: Int) {
        self.count = count
    }

    private enum CodingKeys: String, CodingKey {
        case auc
        case logLoss = "log_loss"
        case normalizedEntropy = "normalized_entropy"
        case calibration
        case count
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(auc, forKey: .auc)
        try container.encode(logLoss, forKey: .logLoss)
        try container.encode(normalizedEntropy, forKey: .normalizedEntropy)
        try container.encode(calibration, forKey: .calibration)
        try container.encode(count, forKey: .count)
    }
}

/// Predictions of about the same size, and what came of them.
public struct ReliabilityGroup: Equatable, Sendable, Encodable {
    public var weight = 0.0
    /// Σ predicted
    public var predicted = 0.0
    /// Σ actual
    public var actual = 0.0

    public init() {}
}

/// What is kept of a mature cohort for reports over time.
public struct CohortSummary: Equatable, Sendable, Encodable {
    /// Groups of a reliability table, at most.
    public static let groupsMax = 10

    /// Impression times from `start` up to but without `end`, milliseconds.
    public var start: Int64
    public var end: Int64
    public var figures: TaskTable<TaskFigures>
    public var reliability: TaskTable<[ReliabilityGroup]>

    public init(
        start: Int64,
        end: Int64,
        figures: TaskTable<TaskFigures>,
        reliability: TaskTable<[ReliabilityGroup]>
    ) {
        self.start = start
        self.end = end
        self.figures = figures
        self.reliability = reliability
    }
}

/// The figures of a run, encoded as
/// `{"ctr": {"auc", …}, "cvr": {…}, "ctcvr": {…}, "mature": …, "immature": {…}, "all": {…}}`.
public struct MetricsReport: Equatable, Sendable {
    /// Of mature cohorts, all of whose windows have closed; of everything scored if there are none.
    public var figures: TaskTable<TaskFigures>
    /// False if no cohort is mature yet, so that `figures` include immature ones.
    public var mature: Bool
    /// Of the cohorts whose windows are still open, apart: labels that come late are missing in them.
    public var immature: TaskTable<TaskFigures>
    /// Of everything scored.
    public var all: TaskTable<TaskFigures>

    public init(
        figures: TaskTable<TaskFigures>,
        mature: Bool,
        immature: TaskTable<TaskFigures>,
        all: TaskTable<TaskFigures>
    ) {
        self.figures = figures
        self.mature = mature
        self.immature = immature
        self.all = all
    }
}

extension MetricsReport: Codable {
    private enum CodingKeys: String, CodingKey { case mature, immature, all }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        figures = try TaskTable(from: decoder)
        mature = try container.decode(Bool.self, forKey: .mature)
        immature = try container.decode(TaskTable<TaskFigures>.self, forKey: .immature)
        all = try container.decode(TaskTable<TaskFigures>.self, forKey: .all)
    }

    public func encode(to encoder: any Encoder) throws {
        try figures.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(mature, forKey: .mature)
        try container.encode(immature, forKey: .immature)
        try container.encode(all, forKey: .all)
    }
}
