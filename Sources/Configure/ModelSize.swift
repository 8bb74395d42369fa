public import Events
public import Learn

/// How many numbers a model consists of.
public struct ModelSize: Equatable, Sendable {
    /// More parameters than this (32 GiB of them) are refused.
    public static let parametersMax = 1 << 33

    /// Rows and columns of all embedding tables, multiplied and summed.
    public var embeddingParameters: Int
    /// Of the linear part: 2 columns for every row of an embedding table and for every number.
    public var wideParameters: Int
    /// Inputs of the trunk: the embedding dimension per embedded field, 1 per numeric one.
    public var trunkInputs: Int
    /// Weights and biases of experts, gates and towers.
    public var denseParameters: Int

    public var parameters: Int { embeddingParameters + wideParameters + denseParameters }

    public init(schema: FeatureSchema, network: NetworkSettings) {
        let dimension = network.embeddingDimension
        embeddingParameters = 0
        wideParameters = 0
        trunkInputs = 0
        for field in schema.fields {
            let isEmbedded = field.rows > 0
            trunkInputs += isEmbedded ? dimension : 1
            embeddingParameters += isEmbedded ? (field.rows + 1) * dimension : 0
            // A number has one row, and `rows` of 0.
            wideParameters += network.wide ? (field.rows + 1) * 2 : 0
        }
        let expert = ModelSize.layers([trunkInputs] + network.expertLayers)
        let gateCount = network.gates == .perTask ? 2 : 1
        let mixed = network.expertLayers.last ?? trunkInputs
        let tower = ModelSize.layers([mixed] + network.towerLayers + [1])
        denseParameters =
            network.experts * expert + gateCount * network.experts * trunkInputs + 2 * tower
    }

    /// Numbers that the optimizer keeps beside each parameter.
    public static func optimizerStates(_ method: OptimizerSettings.Method) -> Int {
        switch method {
        case .sgd: 0
        case .adagrad: 1
        case .ftrl: 2
        }
    }

    /// Weights and biases of dense layers between these widths.
    private static func layers(_ widths: [Int]) -> Int {
        zip(widths, widths.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 + $1.1 }
    }
}
