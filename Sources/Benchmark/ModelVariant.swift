public import ArgumentParser
import Configure
public import Learn

/// What a benchmark may change in a configured model.
struct ModelVariant: ParsableArguments {
    enum Method: String, CaseIterable, ExpressibleByArgument {
        case sgd, adagrad
    }

    @Option(help: "The optimizer, in place of the configured one, with rates that suit it.")
    var method: Method?

    @Option(help: "The learning rate of embeddings.")
    var embeddingRate: Float?

    @Option(help: "The learning rate of everything else.")
    var denseRate: Float?

    @Flag(inversion: .prefixedNo, help: "A linear part beside the deep one.")
    var wide: Bool?

    @Option(help: "The learning rate of the linear part.")
    var wideRate: Float?

    @Option(help: "Standard deviation of the embeddings' starting values.")
    var embeddingDeviation: Float?

    @Option(help: "Adagrad: what the accumulator starts at.")
    var initialAccumulator: Float?

    @Option(help: "How many experts there are.")
    var experts: Int?

    @Option(help: "The focal loss' gamma.")
    var gamma: Double?

    @Option(help: "The seed of the starting values.")
    var seed: UInt64?

    @Option(help: "What computes the network.")
    var path = KernelPath.fastest

    func apply(to configuration: inout Configuration) throws {
        var learn = configuration.learn
        if let wide { learn.network.wide = wide }
        if let method { learn.tune(method) }
        if let embeddingRate { learn.optimizer.embeddingRate = embeddingRate }
        if let denseRate { learn.optimizer.denseRate = denseRate }
        if let wideRate { learn.optimizer.wideRate = wideRate }
        if let embeddingDeviation { learn.embeddingDeviation = embeddingDeviation }
        if let experts { learn.network.experts = experts }
        if let gamma { learn.loss.gamma = gamma }
        if let seed { learn.seed = seed }
        if let initialAccumulator,
            case .adagrad(_, let epsilon, let accumulatorMax) = learn.optimizer.method
        {
            learn.optimizer.method = .adagrad(
                initialAccumulator: initialAccumulator,
                epsilon: epsilon,
                accumulatorMax: accumulatorMax
            )
        }
        configuration.learn = learn
        guard path.isSupported else {
            throw ValidationError("--path \(path.rawValue): this processor cannot run it")
        }
    }
}

extension LearnSettings {
    /// The settings that ranked best on the standard job of seed 2, first on 100,000 impressions, then on
    /// 300,000; other seeds report.
    mutating func tune(_ method: ModelVariant.Method) {
        switch (method, network.wide) {
        case (.sgd, _):
            optimizer.method = .sgd
            optimizer.embeddingRate = 10
            optimizer.denseRate = 0.05
            optimizer.wideRate = 0.05
            embeddingDeviation = 0.1
        case (.adagrad, false):
            optimizer.method = .adagrad(startingAt: 3e-4)
            optimizer.embeddingRate = 0.2
            optimizer.denseRate = 0.025
            embeddingDeviation = 0.01
        case (.adagrad, true):
            // From a high start rare ids take small steps first, which the linear part needs.
            optimizer.method = .adagrad(startingAt: 0.2)
            optimizer.embeddingRate = 1
            optimizer.denseRate = 0.05
            optimizer.wideRate = 0.06
            embeddingDeviation = 0.03
        }
    }
}

extension OptimizerSettings.Method {
    fileprivate static func adagrad(startingAt initialAccumulator: Float) -> Self {
        .adagrad(initialAccumulator: initialAccumulator, epsilon: 1e-10, accumulatorMax: 25)
    }
}

extension KernelPath: ExpressibleByArgument {}
