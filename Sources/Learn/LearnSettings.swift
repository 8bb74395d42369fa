/// The network's shape: embeddings → experts mixed by gates → towers.
public struct NetworkSettings: Equatable, Sendable {
    public enum Gates: String, CaseIterable, Sendable {
        /// One softmax gate per task (MMoE).
        case perTask = "per_task"
        /// One gate for all tasks (one-gate MoE).
        case shared

        /// One per gate, as in the tensors' names.
        var names: [String] {
            switch self {
            case .perTask: ["ctr", "cvr"]
            case .shared: ["shared"]
            }
        }
    }

    /// Columns of every embedding table.
    public var embeddingDimension: Int
    /// 1 is a shared bottom.
    public var experts: Int
    /// Outputs of each ReLU layer of an expert.
    public var expertLayers: [Int]
    public var gates: Gates
    /// Outputs of each ReLU layer of a tower, before its one linear output.
    public var towerLayers: [Int]
    /// Whether every field also adds to the logits directly: a linear part beside the deep one.
    public var wide: Bool

    public init(
        embeddingDimension: Int = 8,
        experts: Int = 4,
        expertLayers: [Int] = [64],
        gates: Gates = .perTask,
        towerLayers: [Int] = [32],
        wide: Bool = false
    ) {
        self.embeddingDimension = embeddingDimension
        self.experts = experts
        self.expertLayers = expertLayers
        self.gates = gates
        self.towerLayers = towerLayers
        self.wide = wide
    }
}

/// Focal loss FL(t, p) = −α_t (1−p_t)^γ ln p_t (Lin et al., ICCV 2017).
public struct FocalLoss: Equatable, Sendable {
    /// γ; 0 is log loss.
    public var gamma: Double
    /// Weight of positives, 1 − α that of negatives; nil: both weights are 1.
    public var alpha: Double?

    public init(gamma: Double = 2, alpha: Double? = 0.25) {
        self.gamma = gamma
        self.alpha = alpha
    }
}

/// How parameters move.
public struct OptimizerSettings: Equatable, Sendable {
    public enum Method: Equatable, Sendable {
        /// w −= η g
        case sgd
        /// n += g², w −= η g / √(n + ε); n starts at `initialAccumulator`, stops at `accumulatorMax`.
        case adagrad(initialAccumulator: Float, epsilon: Float, accumulatorMax: Float)
        /// FTRL-Proximal (McMahan et al., KDD 2013); α is the part's rate.
        case ftrl(beta: Float, l1: Float, l2: Float)
    }

    public var method: Method
    public var embeddingRate: Float
    public var denseRate: Float
    /// Of the linear part, if the network has one.
    public var wideRate: Float
    /// What n starts as for parameters that come from elsewhere without it; at most Adagrad's
    /// `accumulatorMax`. SGD has no n.
    public var warmAccumulator: Float

    public init(
        method: Method,
        embeddingRate: Float,
        denseRate: Float,
        wideRate: Float = 0.05,
        warmAccumulator: Float = 1
    ) {
        self.method = method
        self.embeddingRate = embeddingRate
        self.denseRate = denseRate
        self.wideRate = wideRate
        self.warmAccumulator = warmAccumulator
    }
}

/// Everything that determines a learner before it has seen an event.
public struct LearnSettings: Equatable, Sendable {
    public var network: NetworkSettings
    public var loss: FocalLoss
    public var optimizer: OptimizerSettings
    /// Calibrated CTR that a fresh model predicts.
    public var baseCTR: Double
    /// Calibrated CTCVR that a fresh model predicts.
    public var baseCTCVR: Double
    /// Standard deviation of the embeddings' starting values.
    public var embeddingDeviation: Float
    public var seed: UInt64
    /// Width of a metrics cohort, milliseconds of impression time.
    public var cohortWidth: Int64

    public init(
        network: NetworkSettings,
        loss: FocalLoss,
        optimizer: OptimizerSettings,
        baseCTR: Double,
        baseCTCVR: Double,
        embeddingDeviation: Float,
        seed: UInt64,
        cohortWidth: Int64
    ) {
        self.network = network
        self.loss = loss
        self.optimizer = optimizer
        self.baseCTR = baseCTR
        self.baseCTCVR = baseCTCVR
        self.embeddingDeviation = embeddingDeviation
        self.seed = seed
        self.cohortWidth = cohortWidth
    }
}
