import Events
import Export
import Foundation
import Learn
import Testing

@Suite("Agreement with onnxruntime")
struct OnnxruntimeTests {
    static let models = [
        ExportedModel(testDescription: "every kind of field"),
        ExportedModel(
            testDescription: "one expert, no tower layer, log loss",
            network: NetworkSettings(
                embeddingDimension: 1,
                experts: 1,
                expertLayers: [5],
                towerLayers: []
            ),
            loss: FocalLoss(gamma: 0, alpha: nil)
        ),
        ExportedModel(
            testDescription: "eight experts of three layers, deep towers",
            network: NetworkSettings(
                embeddingDimension: 8,
                experts: 8,
                expertLayers: [33, 20, 7],
                towerLayers: [12, 5, 3]
            ),
            loss: FocalLoss(gamma: 2, alpha: nil)
        ),
        ExportedModel(
            testDescription: "shared gate, two layers",
            network: NetworkSettings(
                embeddingDimension: 3,
                experts: 2,
                expertLayers: [9, 6],
                gates: .shared,
                towerLayers: [4]
            ),
            loss: FocalLoss(gamma: 0, alpha: 0.9)
        ),
        ExportedModel(
            testDescription: "one expert, shared gate, γ between 0 and 1",
            network: NetworkSettings(
                embeddingDimension: 2,
                experts: 1,
                expertLayers: [8, 8],
                gates: .shared,
                towerLayers: [8]
            ),
            loss: FocalLoss(gamma: 0.5, alpha: 0.25)
        ),
        ExportedModel(
            testDescription: "numbers alone",
            schema: FeatureSchema(fields: [
                FeatureField(name: "price", kind: .numeric(clip: 5)),
                FeatureField(name: "age", kind: .bucketed(boundaries: [18, 40])),
            ])
        ),
        ExportedModel(
            testDescription: "one list of hundreds",
            schema: FeatureSchema(fields: [
                FeatureField(name: "recent", kind: .list(rows: 1000, pooling: .mean))
            ]),
            longestList: 400
        ),
        ExportedModel(
            testDescription: "every kind of field, with a linear part",
            network: NetworkSettings(
                embeddingDimension: 4,
                experts: 2,
                expertLayers: [9],
                towerLayers: [5],
                wide: true
            )
        ),
        ExportedModel(
            testDescription: "one number, with a linear part",
            schema: FeatureSchema(fields: [FeatureField(name: "wide", kind: .numeric(clip: 5))]),
            network: NetworkSettings(expertLayers: [5], towerLayers: [], wide: true)
        ),
        ExportedModel(testDescription: "logits around 60", logitBiases: (60, -1), logitScale: 20),
        ExportedModel(
            testDescription: "logits around -60",
            logitBiases: (-60, -60),
            logitScale: 20
        ),
        ExportedModel(testDescription: "logits of ±60", logitBiases: (0, 0), logitScale: 60),
    ]

    @Test("onnxruntime, our evaluator and the learner's network agree", arguments: models)
    func agrees(model: ExportedModel) throws {
        let seed: UInt64 = 11
        var random = ExportRandom(seed: seed)
        let scorer = try model.scorer(seed: seed)
        let batches = [
            model.impressions(1, using: &random),
            model.impressions(1000, using: &random),
            model.impressions(50, longestList: 0, using: &random),
            model.impressions(1, longestList: 0, using: &random),
            model.impressions(7, longestList: 700, using: &random),
            model.impressions(1000, using: &random),
        ]
        let folder = try OnnxruntimeFolder()
        #expect(try folder.write(scorer) == ["model.onnx"])
        let evaluator = try ONNXScorer(directory: folder.path, schema: model.schema)

        let expected = try scorer.score(model.batch(batches.flatMap { $0 }))
        let runtime = try folder.outputs(batches, model.schema)
        let evaluated = try batches.flatMap { try evaluator.score(model.batch($0)) }
        let alone = try batches[1].prefix(40).flatMap { try evaluator.score(model.batch([$0])) }
        #expect(alone[...] == evaluated[1...40], "who else is in a batch makes no difference")
        let worst = try greatestDifference(runtime, expected)
        #expect(worst <= 1e-5, "seed \(seed)")
        #expect(try greatestDifference(evaluated, expected) <= 1e-5, "seed \(seed)")
        #expect(try greatestDifference(evaluated, runtime) <= 1e-5, "seed \(seed)")
        // The comparison means something: predictions differ from each other.
        #expect(Set(expected.map(\.ctcvr)).count > expected.count / 10)
    }

    @Test("parameters beyond the threshold lie in a file of their own")
    func externalData() throws {
        let seed: UInt64 = 12
        var random = ExportRandom(seed: seed)
        let model = ExportedModel(testDescription: "")
        let scorer = try model.scorer(seed: seed)
        let folder = try OnnxruntimeFolder()
        let writer = ONNXModelWriter(externalDataThreshold: 1000)
        #expect(try folder.write(scorer, writer) == ["model.onnx", "model.onnx.data"])

        let impressions = model.impressions(500, using: &random)
        let expected = try scorer.score(model.batch(impressions))
        let runtime = try folder.outputs([impressions], model.schema)
        let evaluator = try ONNXScorer(directory: folder.path, schema: model.schema)
        #expect(try greatestDifference(runtime, expected) <= 1e-5, "seed \(seed)")
        let evaluated = try evaluator.score(model.batch(impressions))
        #expect(try greatestDifference(evaluated, expected) <= 1e-5, "seed \(seed)")
    }

    @Test("metadata properties are what was given, in onnxruntime and in our evaluator")
    func metadata() throws {
        let model = ExportedModel(testDescription: "")
        let folder = try OnnxruntimeFolder()
        let properties = [("model_id", "0000000001-ab"), ("hash", "xxh64"), ("größe", "\"1\"\n")]
        try folder.write(
            try model.scorer(seed: 1),
            ONNXModelWriter(metadata: properties.map { (key: $0.0, value: $0.1) })
        )
        let scorer = try ONNXScorer(directory: folder.path, schema: model.schema)
        #expect(scorer.metadata.map(\.key) == properties.map(\.0))
        #expect(scorer.metadata.map(\.value) == properties.map(\.1))
        _ = try folder.outputs([[]], model.schema)
        let data = try Data(contentsOf: folder.url.appendingPathComponent("metadata.json"))
        let read = try JSONDecoder().decode([String: String].self, from: data)
        #expect(read == Dictionary(uniqueKeysWithValues: properties))
    }
}
