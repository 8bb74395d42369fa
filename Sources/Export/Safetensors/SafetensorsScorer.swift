public import Learn
internal import StateCoding

/// Scores by the model in a safetensors file, as whoever loads that file would.
public final class SafetensorsScorer: Scorer {
    private let scorer: NetworkScorer

    public init(_ model: SafetensorsModel) throws(ExportError) {
        do throws(StateError) {
            scorer = NetworkScorer(
                try ServingModel(
                    schema: model.learned.schema,
                    settings: model.learned.settings,
                    statistics: model.learned.statistics,
                    parameters: model.learned.network.parameters
                )
            )
        } catch {
            throw ExportError("\(model.path): \(error)")
        }
    }

    public func score(_ impressions: ImpressionBatch) throws(ExportError) -> [Probabilities] {
        try scorer.score(impressions)
    }
}
