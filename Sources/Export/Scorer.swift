public import Learn

/// What gives impressions their calibrated probabilities: a snapshot's network, or an export of it
/// read back from its files.
public protocol Scorer: AnyObject {
    /// One result per impression, in their order.
    func score(_ impressions: ImpressionBatch) throws(ExportError) -> [Probabilities]
}

/// Scores by the learner's own network.
public final class NetworkScorer: Scorer {
    private var model: ServingModel
    private var features: [UInt32] = []

    public init(_ model: consuming ServingModel) {
        self.model = model
    }

    public func score(_ impressions: ImpressionBatch) throws(ExportError) -> [Probabilities] {
        features = impressions.words
        var results: [Probabilities] = []
        results.reserveCapacity(impressions.count)
        var span = features.mutableSpan
        for range in impressions.ranges {
            var one = span._mutatingExtracting(range)
            results.append(model.predict(features: &one))
        }
        return results
    }

    /// Lends the model.
    public func withModel<Result, Failure: Error>(
        _ body: (borrowing ServingModel) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(model)
    }
}
