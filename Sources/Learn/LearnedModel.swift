public import Events
public import StateCoding

/// What a model has learnt, with all that says what its numbers mean: read from a file or a snapshot.
public struct LearnedModel: Sendable {
    public let schema: FeatureSchema
    public let settings: LearnSettings
    public let statistics: NumericStatistics
    /// Without `optimizerState` where that was not kept.
    public let network: NetworkState

    /// Whether training can go on from it as if it had never stopped.
    public var hasOptimizerState: Bool {
        settings.optimizer.method.stateNames.isEmpty || !network.optimizerState.isEmpty
    }

    /// - Throws: `StateError` if the numbers are not as many as schema and settings say.
    public init(
        schema: FeatureSchema,
        settings: LearnSettings,
        statistics: NumericStatistics,
        network: NetworkState
    ) throws(StateError) {
        let count = NetworkTensors(schema: schema, settings: settings.network).parameterCount
        guard network.parameters.count == count else {
            throw StateError(
                "there are \(network.parameters.count) parameters, the network has \(count)"
            )
        }
        let stateCount = count * settings.optimizer.method.stateNames.count
        guard network.optimizerState.isEmpty || network.optimizerState.count == stateCount else {
            throw StateError(
                "there are \(network.optimizerState.count) numbers of optimizer state, "
                    + "the network has \(stateCount)"
            )
        }
        self.schema = schema
        self.settings = settings
        self.statistics = statistics
        self.network = network
    }
}

/// Which tensors a network has, and where: without memory for their values.
public struct NetworkTensors: Sendable {
    /// In the order in which they lie in the parameters.
    public let all: [Tensor]
    /// Of all tensors and of what lies between them.
    public let parameterCount: Int

    public init(schema: FeatureSchema, settings: NetworkSettings) {
        let layers = NetworkLayers(
            schema: schema,
            settings: settings,
            embeddingDeviation: 0,
            outputBiases: (ctr: 0, cvr: 0)
        )
        all = layers.layout.entries.map(\.tensor)
        parameterCount = layers.layout.parameterCount
    }
}

extension OptimizerSettings.Method {
    /// What the optimizer keeps of every parameter, in the order in which it lies in
    /// `NetworkState.optimizerState`.
    public var stateNames: [String] {
        switch self {
        case .sgd: []
        case .adagrad: ["accumulator"]
        case .ftrl: ["z", "n"]
        }
    }
}
