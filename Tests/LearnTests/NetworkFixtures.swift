import Events
import Learn
import Testing

/// Seeded numbers for tests (SplitMix64).
struct NetworkTestRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `count` numbers, uniform in (−limit, limit).
    mutating func floats(_ count: Int, limit: Float = 1) -> [Float] {
        (0..<count).map { _ in Float.random(in: -limit..<limit, using: &self) }
    }
}

/// One value of each field of `networkTestSchema`, encoded and in the clear.
struct NetworkTestFeatures {
    var category: UInt32
    var meanList: [UInt32]
    var sumList: [UInt32]
    var number: Float
    var bucket: UInt32

    var words: [UInt32] {
        [category, UInt32(meanList.count)] + meanList + [UInt32(sumList.count)] + sumList
            + [number.bitPattern, bucket]
    }
}

/// A field of every kind; tables of 6, 8, 5 and 4 rows, the missing one included.
let networkTestSchema = FeatureSchema(fields: [
    FeatureField(name: "category", kind: .categorical(rows: 5)),
    FeatureField(name: "recent", kind: .list(rows: 7, pooling: .mean)),
    FeatureField(name: "basket", kind: .list(rows: 4, pooling: .sum)),
    FeatureField(name: "price", kind: .numeric(clip: 5)),
    FeatureField(name: "age", kind: .bucketed(boundaries: [18, 40])),
])

extension NetworkTestFeatures {
    /// Absent values, empty lists and lists with repeats among them.
    static func random(_ random: inout NetworkTestRandom) -> Self {
        func list(_ rows: UInt32) -> [UInt32] {
            switch Int.random(in: 0..<8, using: &random) {
            case 0: []
            case 1: [rows]
            default:
                (0..<Int.random(in: 1...9, using: &random)).map { _ in
                    UInt32.random(in: 0..<rows, using: &random)
                }
            }
        }
        return Self(
            category: .random(in: 0...5, using: &random),
            meanList: list(7),
            sumList: list(4),
            number: .random(in: 0..<10, using: &random) < 1
                ? 0 : .random(in: -2..<2, using: &random),
            bucket: .random(in: 0...3, using: &random)
        )
    }
}

/// Every combination of labels that the join can emit.
let networkTestLabels = [
    Labels(ctr: false, ctcvr: false),
    Labels(ctr: true, ctcvr: nil),
    Labels(ctr: nil, ctcvr: true),
    Labels(ctr: nil, ctcvr: false),
    Labels(ctr: true, ctcvr: true),
]

/// A shape of network by the name that shows in test results.
struct NetworkShape: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var settings: NetworkSettings

    static let all = [
        NetworkShape(
            testDescription: "odd sizes",
            settings: NetworkSettings(
                embeddingDimension: 3,
                experts: 3,
                expertLayers: [7],
                towerLayers: [5]
            )
        ),
        NetworkShape(
            testDescription: "shared gate, no tower layer",
            settings: NetworkSettings(
                embeddingDimension: 1,
                experts: 2,
                expertLayers: [9],
                gates: .shared,
                towerLayers: []
            )
        ),
        NetworkShape(
            testDescription: "single expert",
            settings: NetworkSettings(
                embeddingDimension: 8,
                experts: 1,
                expertLayers: [17],
                towerLayers: [9]
            )
        ),
        NetworkShape(
            testDescription: "deep experts and towers",
            settings: NetworkSettings(
                embeddingDimension: 4,
                experts: 2,
                expertLayers: [11, 8, 7],
                towerLayers: [6, 3]
            )
        ),
        NetworkShape(
            testDescription: "deep experts, shared gate",
            settings: NetworkSettings(
                embeddingDimension: 2,
                experts: 3,
                expertLayers: [5, 9],
                gates: .shared,
                towerLayers: [8]
            )
        ),
        NetworkShape(
            testDescription: "a linear part beside the deep one",
            settings: NetworkSettings(
                embeddingDimension: 3,
                experts: 2,
                expertLayers: [7],
                towerLayers: [5],
                wide: true
            )
        ),
    ]
}

extension Network {
    static func test(
        _ settings: NetworkSettings,
        optimizer: OptimizerSettings = OptimizerSettings(
            method: .sgd,
            embeddingRate: 0.1,
            denseRate: 0.1
        ),
        loss: FocalLoss = FocalLoss(),
        seed: UInt64 = 1,
        kernelPath: KernelPath = .fastest
    ) -> Network {
        Network(
            schema: networkTestSchema,
            settings: settings,
            optimizer: optimizer,
            loss: loss,
            embeddingDeviation: 0.1,
            outputBiases: (ctr: -1.5, cvr: -0.5),
            seed: seed,
            kernelPath: kernelPath
        )
    }

    /// Gives every tensor random values, those of the towers' last layers too, so that every gradient
    /// differs from 0.
    mutating func randomize(_ random: inout NetworkTestRandom) throws {
        for tensor in tensors {
            let limit = tensor.shape.count == 1 ? 0.3 : 1.5 / Float(tensor.shape[1]).squareRoot()
            try setValues(random.floats(tensor.range.count, limit: limit), of: tensor.name)
        }
    }

    /// The values of a tensor that must be there.
    func tensor(_ name: String) throws -> [Float] {
        let values = values(of: name)
        return try #require(values, "no tensor \(name)")
    }

    /// A step on which both tasks weigh 1.
    mutating func step(_ features: NetworkTestFeatures, _ labels: Labels) -> Bool {
        train(features: features.words.span, labels: labels, ctrWeight: 1, ctcvrWeight: 1) != nil
    }
}
