public import Events
public import StateCoding

/// The learning end of the data path: predicts at arrival, scores what is final, trains what is due.
///
/// It has no clock and no randomness but its settings' seed: the same calls in the same order give
/// the same state, to the bit, on one kernel path.
public struct Learner: ~Copyable {
    public let calibration: Calibration
    public private(set) var counts = TrainingCounts()
    public private(set) var statistics: NumericStatistics
    public private(set) var metrics: Metrics
    public private(set) var network: Network

    /// - Parameters:
    ///   - maturity: click window + conversion window, milliseconds: when nothing more can become
    ///     known of an impression.
    ///   - kernelPath: what computes the network; the results of different paths differ in rounding.
    /// - Precondition: 0 < `baseCTCVR` < `baseCTR` < 1, γ ≥ 0, 0 < α < 1, `cohortWidth` > 0.
    public init(
        schema: FeatureSchema,
        settings: LearnSettings,
        maturity: Int64,
        kernelPath: KernelPath = .fastest
    ) {
        calibration = Calibration(settings.loss)
        statistics = NumericStatistics(schema: schema)
        metrics = Metrics(cohortWidth: settings.cohortWidth, maturity: maturity)
        let biases = calibration.outputBiases(ctr: settings.baseCTR, ctcvr: settings.baseCTCVR)
        network = Network(
            schema: schema,
            settings: settings.network,
            optimizer: settings.optimizer,
            loss: settings.loss,
            embeddingDeviation: settings.embeddingDeviation,
            outputBiases: (ctr: Float(biases.ctr), cvr: Float(biases.cvr)),
            seed: settings.seed,
            kernelPath: kernelPath
        )
    }

    /// Predicts for an impression that has just come, after replacing its raw numeric words by the
    /// standardised ones that will train.
    ///
    /// - Parameter features: the impression's words, as the schema encodes them.
    public mutating func arrive(features: inout MutableSpan<UInt32>) -> Prediction {
        statistics.standardiseAndLearn(&features)
        return network.predict(features: features.span)
    }

    /// Says which features, as `arrive` left them, will probably be trained next; nothing depends on it
    /// but the time that takes.
    public mutating func expect(features: Span<UInt32>) {
        network.expect(features: features)
    }

    /// Scores labels that are final against the prediction made at arrival.
    public mutating func score(_ example: Example) {
        metrics.score(example, calibration: calibration)
    }

    /// Trains one example: one step on the summed gradient of its tasks. A step that is not finite
    /// is skipped and counted.
    ///
    /// - Parameter features: the impression's words, as `arrive` left them.
    public mutating func train(_ example: Example, features: Span<UInt32>) {
        let prediction = network.train(
            features: features,
            labels: example.labels,
            ctrWeight: example.ctrWeight,
            ctcvrWeight: example.ctcvrWeight
        )
        guard prediction != nil else {
            counts.skippedUpdates += 1
            return
        }
        if example.labels.ctr != nil { counts.trainedCTR += 1 }
        if example.labels.ctcvr != nil { counts.trainedCTCVR += 1 }
    }

    /// The calibrated probabilities that a prediction stands for.
    public func probabilities(of prediction: Prediction) -> Probabilities {
        calibration.probabilities(of: prediction)
    }

    /// Predicts for an impression that is not part of the stream: nothing is learnt from it, and
    /// its raw numeric words are standardised by what the stream has shown so far.
    public mutating func predict(features: inout MutableSpan<UInt32>) -> Probabilities {
        statistics.standardise(&features)
        return probabilities(of: network.predict(features: features.span))
    }

    /// Every window that ends before `closedThrough` has closed: cohorts of impressions whose last
    /// window that was become mature.
    public mutating func matureThrough(_ closedThrough: Int64) {
        metrics.matureThrough(closedThrough)
    }
}

extension Learner {
    /// Everything that a snapshot needs, copied out.
    /// - Parameter spare: an earlier copy of the network that nobody needs any more.
    public func copyState(reusing spare: consuming NetworkState? = nil) -> LearnerState {
        var state = spare ?? network.emptyState
        network.copyState(into: &state)
        return LearnerState(
            network: state,
            statistics: statistics,
            metrics: metrics,
            counts: counts
        )
    }

    /// Goes on from a state that a learner of the same schema and settings left.
    ///
    /// - Throws: what does not fit, before anything is changed.
    public mutating func restore(_ state: LearnerState) throws(StateError) {
        guard state.statistics.names == statistics.names else {
            throw StateError("the state has numeric features that are not the configured ones")
        }
        guard state.metrics.hasSettings(of: metrics) else {
            throw StateError("the state has metrics of other cohorts or windows")
        }
        try network.restore(state.network)
        statistics = state.statistics
        metrics = state.metrics
        counts = state.counts
    }
    /// Takes over what another model has learnt, in place of a fresh start; what it has counted is not
    /// part of that.
    ///
    /// - Precondition: the learner is fresh, and made of the transplant's schema and settings.
    public mutating func take(_ transplant: Transplant) {
        network.take(transplant)
        statistics = transplant.statistics
    }

    /// Goes on with what was counted elsewhere.
    ///
    /// - Throws: `StateError` if the metrics are of other cohorts or windows; then nothing has changed.
    public mutating func restore(
        metrics: Metrics,
        counts: TrainingCounts
    ) throws(StateError) {
        guard metrics.hasSettings(of: self.metrics) else {
            throw StateError("the state has metrics of other cohorts or windows")
        }
        self.metrics = metrics
        self.counts = counts
    }
}
