import Configure
import Events
import Export
import Foundation
import Learn
import Pipeline
import TestSupport

/// A small model that has learnt from random impressions: every kind of field, names that need
/// escaping among them.
struct TrainedModel {
    let configuration: Configuration
    let state: LearnerState
    let random: SeededGenerator

    /// - Parameter more: further lines of the configuration.
    init(_ more: String = "", wide: Bool = false, steps: Int = 400, seed: UInt64 = 1) throws {
        configuration = try Configuration(
            yaml: """
                features:
                  - {name: user, kind: categorical, rows: 40}
                  - {name: 'a "quoted" näme', kind: list, rows: 20}
                  - {name: price, kind: numeric}
                  - {name: basket, kind: list, rows: 9, pooling: sum}
                  - {name: weird.weight, kind: numeric, clip: 2}
                  - {name: age, kind: bucketed, buckets: [25, 45]}
                model:
                  {embedding_dimension: 3, experts: {count: 2, layers: [5, 4]}, towers: {layers: [3]}, wide: \(wide)}
                base_rates: {ctr: 0.3, ctcvr: 0.1}
                \(more)
                """
        )
        var random = SeededGenerator(seed: seed)
        var learner = Learner(
            schema: configuration.schema,
            settings: configuration.learn,
            maturity: 1_000
        )
        for step in 0..<steps {
            Self.train(&learner, at: step, schema: configuration.schema, &random)
        }
        state = learner.copyState()
        self.random = random
    }

    /// One step on an impression with random features and labels.
    static func train(
        _ learner: inout Learner,
        at step: Int,
        schema: FeatureSchema,
        _ random: inout SeededGenerator
    ) {
        var words = schema.randomWords(&random)
        var span = words.mutableSpan
        let prediction = learner.arrive(features: &span)
        let isClicked = Bool.random(using: &random)
        let example = Example(
            time: Int64(step),
            impressionTime: Int64(step),
            labels: Labels(ctr: isClicked, ctcvr: isClicked && Bool.random(using: &random)),
            ctrWeight: 1,
            ctcvrWeight: 1,
            prediction: prediction
        )
        learner.train(example, features: span.span)
    }

    func serving() throws -> ServingModel {
        try ServingModel(
            schema: configuration.schema,
            settings: configuration.learn,
            statistics: state.statistics,
            parameters: state.network.parameters
        )
    }

    /// The metadata that an export gives the file.
    var metadata: [(key: String, value: String)] {
        let entries = configuration.canonical.map {
            ConfigurationEntry(key: $0.key, value: $0.value)
        }
        return [
            (SafetensorsMetadata.modelID, "0000000001-00ff"),
            (SafetensorsMetadata.configuration, SafetensorsMetadata.text(of: entries)),
            ("hash", "xxh64"), ("line\nbreak", "\u{1}\t\\\"ü😀"),
        ]
    }

    /// Writes the model into a folder.
    /// - Returns: the file's path.
    func write(to folder: TemporaryFolder, withOptimizer: Bool) throws -> String {
        let path = folder.path("model.safetensors")
        _ = try SafetensorsWriter().write(
            serving(),
            optimizerState: withOptimizer ? state.network.optimizerState : nil,
            metadata: metadata,
            to: path
        )
        return path
    }
}

extension FeatureSchema {
    /// An impression with random features, numbers raw; absent ones and empty lists among them.
    func randomWords(_ random: inout SeededGenerator) -> [UInt32] {
        var words: [UInt32] = []
        for field in fields {
            func row() -> UInt32 { .random(in: 0...field.missingRow, using: &random) }
            switch field.kind {
            case .categorical, .bucketed: words.append(row())
            case .list:
                let count = Int.random(in: 0...5, using: &random)
                words.append(UInt32(count))
                for _ in 0..<count { words.append(row()) }
            case .numeric:
                let isAbsent = Int.random(in: 0..<8, using: &random) == 0
                let number = Float.random(in: -30...70, using: &random)
                words.append((isAbsent ? .nan : number).bitPattern)
            }
        }
        return words
    }
}
