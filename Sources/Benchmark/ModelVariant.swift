public import ArgumentParser
import Configure
public import Learn

/// What a benchmark may change in a configured model.
struct ModelVariant: ParsableArguments {
    enum Method: String, CaseIterable, ExpressibleByArgument {
        case sgd, adagrad
    }

    @Option(help: "The optimizer, in place of the configured one.")
    var method: Method?

    @Option(help: "The learning rate of embeddings.")
    var embeddingRate: Float?

    @Option(help: "The learning rate of everything else.")
    var denseRate: Float?

    @Flag(help: "With a linear part beside the deep one.")
    var wide = false

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
        switch method {
        case nil: break
        case .sgd:
            learn.optimizer.method = .sgd
            learn.optimizer.embeddingRate = 0.3
            learn.optimizer.denseRate = 0.01
        case .adagrad:
            guard case .adagrad = learn.optimizer.method else {
                throw ValidationError("--method adagrad: the configuration's is another")
            }
        }
        if let embeddingRate { learn.optimizer.embeddingRate = embeddingRate }
        if let denseRate { learn.optimizer.denseRate = denseRate }
        if wide { learn.network.wide = true }
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

extension KernelPath: ExpressibleByArgument {}
