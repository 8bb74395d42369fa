import Events
import Export
import Learn
import Testing

/// A model with random parameters and statistics.
struct ExportedModel: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var schema = ExportedModel.everyKind
    var network = NetworkSettings(
        embeddingDimension: 4,
        experts: 3,
        expertLayers: [16],
        towerLayers: [8]
    )
    var loss = FocalLoss()
    /// What the towers' last biases are.
    var logitBiases: (ctr: Float, cvr: Float) = (-1.5, -0.5)
    /// Greatest weight of the towers' last layers.
    var logitScale: Float = 1
    var longestList = 9

    /// A field of every kind, under names that the graph might use itself.
    static let everyKind = FeatureSchema(fields: [
        FeatureField(name: "user_id", kind: .categorical(rows: 50)),
        FeatureField(name: "x", kind: .list(rows: 20, pooling: .mean)),
        FeatureField(name: "gate.ctr", kind: .numeric(clip: 5)),
        FeatureField(name: "experts", kind: .categorical(rows: 1)),
        FeatureField(name: "ctr.logit", kind: .list(rows: 30, pooling: .sum)),
        FeatureField(name: "größe des Korbs", kind: .bucketed(boundaries: [-3, 0, 18, 40.5])),
        FeatureField(name: "double.1.0", kind: .numeric(clip: 0.5)),
        FeatureField(name: "axis.1", kind: .bucketed(boundaries: [7])),
        FeatureField(name: "always the same", kind: .numeric(clip: 3)),
    ])

    func scorer(seed: UInt64) throws -> NetworkScorer {
        var random = ExportRandom(seed: seed)
        let settings = LearnSettings(
            network: network,
            loss: loss,
            optimizer: OptimizerSettings(method: .sgd, embeddingRate: 0.1, denseRate: 0.1),
            baseCTR: 0.1,
            baseCTCVR: 0.01,
            embeddingDeviation: 0.1,
            seed: 1,
            cohortWidth: 1000
        )
        let layout = Network(
            schema: schema,
            settings: network,
            optimizer: settings.optimizer,
            loss: loss,
            embeddingDeviation: 0,
            outputBiases: logitBiases,
            seed: 1
        )
        let last = "\(network.towerLayers.count)."
        var parameters = [Float](repeating: 0, count: layout.parameterCount)
        for tensor in layout.tensors {
            var limit = tensor.shape.count == 1 ? 0.3 : 1.5 / Float(tensor.shape[1]).squareRoot()
            if tensor.name.hasPrefix("embedding.") { limit = 1 }
            for task in ["ctr", "cvr"] where tensor.name.hasPrefix("tower.\(task).\(last)") {
                limit *= logitScale
                if tensor.shape.count == 1 { limit = 0 }
            }
            for index in tensor.range {
                parameters[index] = limit > 0 ? .random(in: -limit..<limit, using: &random) : 0
            }
            if tensor.name == "tower.ctr.\(last)bias" {
                parameters[tensor.range.lowerBound] = logitBiases.ctr
            }
            if tensor.name == "tower.cvr.\(last)bias" {
                parameters[tensor.range.lowerBound] = logitBiases.cvr
            }
        }
        return NetworkScorer(
            try ServingModel(
                schema: schema,
                settings: settings,
                statistics: statistics(&random),
                parameters: parameters
            )
        )
    }

    /// Learnt from numbers around 50; a field "always the same" has no variance.
    private func statistics(_ random: inout ExportRandom) -> NumericStatistics {
        var statistics = NumericStatistics(schema: schema)
        for _ in 0..<100 {
            var impression = RawImpression.random(schema, longestList: 1, using: &random)
            for (index, field) in schema.fields.enumerated() {
                guard case .numeric = field.kind else { continue }
                let number = Float.random(in: 20..<80, using: &random)
                impression.values[index] = .number(field.name == "always the same" ? 7 : number)
            }
            var words = impression.words(schema)
            var span = words.mutableSpan
            statistics.standardiseAndLearn(&span)
        }
        return statistics
    }

    func impressions(
        _ count: Int,
        longestList: Int? = nil,
        using random: inout ExportRandom
    ) -> [RawImpression] {
        (0..<count).map { _ in
            .random(schema, longestList: longestList ?? self.longestList, using: &random)
        }
    }

    func batch(_ impressions: [RawImpression]) -> ImpressionBatch {
        var batch = ImpressionBatch()
        for impression in impressions { batch.append(impression.words(schema)) }
        return batch
    }
}
