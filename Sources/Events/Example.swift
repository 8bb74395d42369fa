/// The logits that the model gave an impression when it arrived, before anything was known of it.
public struct Prediction: Equatable, Sendable, BitwiseCopyable {
    public var ctrLogit: Float
    public var cvrLogit: Float

    public init(ctrLogit: Float, cvrLogit: Float) {
        self.ctrLogit = ctrLogit
        self.cvrLogit = cvrLogit
    }
}

/// Labels of one impression: those that this example trains, or that have just become final.
/// nil: not this time.
public struct Labels: Equatable, Sendable, BitwiseCopyable {
    /// The impression was clicked.
    public var ctr: Bool?
    /// The impression was clicked and converted.
    public var ctcvr: Bool?

    public init(ctr: Bool?, ctcvr: Bool?) {
        self.ctr = ctr
        self.ctcvr = ctcvr
    }
}

/// An impression's labels with what belongs to them, as they go to training or to scoring.
public struct Example: Equatable, Sendable, BitwiseCopyable {
    /// The time it carries: of the closing window, or stream time.
    public var time: Int64
    public var impressionTime: Int64
    public var labels: Labels
    /// Weights per task of this example, the impression's own weight included.
    public var ctrWeight: Float
    public var ctcvrWeight: Float
    /// What the model predicted when the impression arrived.
    public var prediction: Prediction

    public init(
        time: Int64,
        impressionTime: Int64,
        labels: Labels,
        ctrWeight: Float,
        ctcvrWeight: Float,
        prediction: Prediction
    ) {
        self.time = time
        self.impressionTime = impressionTime
        self.labels = labels
        self.ctrWeight = ctrWeight
        self.ctcvrWeight = ctcvrWeight
        self.prediction = prediction
    }
}
