import Configure
import Events
import Join
import Learn
import Testing

@Suite("Estimates")
struct EstimateTests {
    private let fields = FeatureSchema(fields: [
        FeatureField(name: "user", kind: .categorical(rows: 100)),
        FeatureField(name: "recent", kind: .list(rows: 50, pooling: .mean)),
        FeatureField(name: "age", kind: .bucketed(boundaries: [20, 40])),
        FeatureField(name: "price", kind: .numeric(clip: 5)),
    ])

    @Test("the parameters are counted by hand")
    func parameters() {
        var configuration = Configuration(schema: fields)
        configuration.learn.network.embeddingDimension = 4
        configuration.learn.network.experts = 2
        configuration.learn.network.expertLayers = [10, 6]
        configuration.learn.network.towerLayers = [5]
        let size = ModelSize(schema: fields, network: configuration.learn.network)
        // Tables have a row more than values can take; 2 boundaries make 3 buckets.
        #expect(size.embeddingParameters == 4 * (101 + 51 + 4))
        #expect(size.trunkInputs == 4 * 3 + 1)
        let experts = 2 * (13 * 10 + 10 + 10 * 6 + 6)
        let gates = 2 * (2 * 13)
        let towers = 2 * (6 * 5 + 5 + 5 + 1)
        #expect(size.denseParameters == experts + gates + towers)
        configuration.learn.network.gates = .shared
        let shared = ModelSize(schema: fields, network: configuration.learn.network)
        #expect(shared.denseParameters == size.denseParameters - 2 * 13)
        // A linear part has 2 columns for every row, and for the number.
        #expect(shared.wideParameters == 0)
        configuration.learn.network.wide = true
        let wide = ModelSize(schema: fields, network: configuration.learn.network)
        #expect(wide.wideParameters == 2 * (101 + 51 + 4 + 1))
        #expect(wide.parameters == shared.parameters + wide.wideParameters)
    }

    @Test("the optimizer's state is 0, 1 or 2 numbers beside each parameter")
    func optimizer() {
        var configuration = Configuration(schema: fields)
        let adagrad = ResourceEstimate(configuration)
        #expect(adagrad.modelBytes == adagrad.model.parameters * 8)
        configuration.learn.optimizer.method = .sgd
        #expect(ResourceEstimate(configuration).modelBytes == adagrad.modelBytes / 2)
        configuration.learn.optimizer.method = .ftrl(beta: 1, l1: 0, l2: 0)
        #expect(ResourceEstimate(configuration).modelBytes == adagrad.modelBytes / 2 * 3)
    }

    @Test("the network that is built has the parameters and states that were counted")
    func network() {
        var learn = Configuration(schema: fields).learn
        for (gates, method, wide) in [
            (NetworkSettings.Gates.perTask, OptimizerSettings.Method.sgd, false),
            (.shared, .adagrad(initialAccumulator: 1, epsilon: 0, accumulatorMax: 2), true),
            (.perTask, .ftrl(beta: 1, l1: 0, l2: 0), false),
        ] {
            learn.network = NetworkSettings(
                embeddingDimension: 3,
                experts: 2,
                expertLayers: [7, 5],
                gates: gates,
                towerLayers: [4, 2],
                wide: wide
            )
            learn.optimizer.method = method
            let network = Network(
                schema: fields,
                settings: learn.network,
                optimizer: learn.optimizer,
                loss: learn.loss,
                embeddingDeviation: 0,
                outputBiases: (ctr: 0, cvr: 0),
                seed: 1
            )
            let size = ModelSize(schema: fields, network: learn.network)
            let built = network.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
            #expect(built == size.parameters)
            // Matrices start at cache lines: up to 15 floats lie between one and the next.
            let padding = network.parameterCount - built
            #expect((0..<16 * network.tensors.count).contains(padding))
            let states = ModelSize.optimizerStates(method)
            #expect(network.optimizerStateCount == network.parameterCount * states)
        }
    }

    @Test("open impressions wait for clicks, and clicked ones for conversions")
    func load() throws {
        var configuration = Configuration(schema: fields)
        configuration.join.clickWindow = 10_000
        configuration.join.conversionWindow = 100_000
        configuration.join.closedMemory = 20_000
        let stream = ResourceEstimate.Stream(rate: 50, ctr: 0.1)
        let join = try #require(ResourceEstimate(configuration, stream: stream).join)
        #expect(join.load.openImpressions == 45 * 10 + 5 * 100)
        #expect(join.load.openClicked == 5 * 100)
        #expect(join.load.placesInLine == 50 * 10)
        #expect(join.load.conversionWindows == 5 * 100)
        #expect(join.load.closedIDs == 50 * 20)
        #expect(join.load.knownClicks == 5 * 100 + 5 * 20)
        #expect(join.load.featureWords == 1 + 11 + 1 + 1)
        #expect(!join.dropsImpressions && !join.forgetsEarly)
    }

    @Test("the limits bound the estimate, which says so")
    func limits() throws {
        var configuration = Configuration(schema: fields)
        configuration.join.openImpressionsMax = 10
        configuration.join.closedIDsMax = 20
        // The windows are shorter than what the limit leaves of them: nothing is ever remembered.
        let flood = ResourceEstimate.Stream(rate: 1e9, ctr: 1)
        let dropping = try #require(ResourceEstimate(configuration, stream: flood).join)
        #expect(dropping.load.openImpressions == 10 && dropping.load.closedIDs == 0)
        #expect(dropping.dropsImpressions && !dropping.forgetsEarly)

        configuration.join.openImpressionsMax = 1_000_000
        configuration.join.conversionWindow = 0
        let stream = ResourceEstimate.Stream(rate: 1, ctr: 0)
        let forgetting = try #require(ResourceEstimate(configuration, stream: stream).join)
        #expect(forgetting.load.openImpressions == 600 && forgetting.load.closedIDs == 20)
        #expect(!forgetting.dropsImpressions && forgetting.forgetsEarly)
    }
}
