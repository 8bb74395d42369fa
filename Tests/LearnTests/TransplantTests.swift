import Events
import Learn
import StateCoding
import Testing

@Suite("What one model has learnt goes over to another")
struct TransplantTests {
    static let methods: [OptimizerSettings.Method] = [
        .sgd, .adagrad(initialAccumulator: 0.01, epsilon: 1e-6, accumulatorMax: 25),
        .ftrl(beta: 1, l1: 0.001, l2: 0.01),
    ]

    private static func settings(
        _ method: OptimizerSettings.Method = methods[1],
        _ change: (inout LearnSettings) -> Void = { _ in }
    ) -> LearnSettings {
        var settings = LearnSettings(
            network: NetworkSettings(
                embeddingDimension: 3,
                experts: 2,
                expertLayers: [5, 4],
                towerLayers: [3]
            ),
            loss: FocalLoss(),
            optimizer: OptimizerSettings(
                method: method,
                embeddingRate: 0.05,
                denseRate: 0.02,
                warmAccumulator: 0.5
            ),
            baseCTR: 0.3,
            baseCTCVR: 0.1,
            embeddingDeviation: 0.1,
            seed: 3,
            cohortWidth: 1_000
        )
        change(&settings)
        return settings
    }

    private static func learner(
        _ settings: LearnSettings,
        schema: FeatureSchema = networkTestSchema
    ) -> Learner {
        Learner(schema: schema, settings: settings, maturity: 1_000)
    }

    /// Trains on random impressions of `networkTestSchema`.
    private static func train(
        _ learner: inout Learner,
        steps: Int,
        _ random: inout NetworkTestRandom
    ) {
        for _ in 0..<steps {
            var words = NetworkTestFeatures.random(&random).words
            var span = words.mutableSpan
            let prediction = learner.arrive(features: &span)
            let example = Example(
                time: 0,
                impressionTime: 0,
                labels: networkTestLabels.randomElement(using: &random)!,
                ctrWeight: 1,
                ctcvrWeight: 1,
                prediction: prediction
            )
            learner.train(example, features: span.span)
        }
    }

    private static func model(
        _ learner: borrowing Learner,
        _ settings: LearnSettings,
        withState: Bool = true,
        schema: FeatureSchema = networkTestSchema
    ) throws -> LearnedModel {
        var network = learner.network.copyState()
        if !withState { network.optimizerState = [] }
        return try LearnedModel(
            schema: schema,
            settings: settings,
            statistics: learner.statistics,
            network: network
        )
    }

    private static func predict(_ learner: inout Learner, _ words: [UInt32]) -> Probabilities {
        var words = words
        var span = words.mutableSpan
        return learner.predict(features: &span)
    }

    @Test(
        "to the same configuration: training goes on as in the source, to the bit",
        arguments: methods,
        [false, true]
    )
    func same(method: OptimizerSettings.Method, wide: Bool) throws {
        let settings = Self.settings(method) { $0.network.wide = wide }
        var random = NetworkTestRandom(seed: 7)
        var source = Self.learner(settings)
        Self.train(&source, steps: 300, &random)
        var target = Self.learner(settings)
        let transplant = try Transplant(
            of: Self.model(source, settings),
            to: networkTestSchema,
            settings: settings
        )
        #expect(transplant.keepsPredictions)
        #expect(transplant.state == .kept)
        #expect(transplant.fields.allSatisfy { $0.fate == .kept })
        target.take(transplant)
        #expect(target.network.copyState() == source.network.copyState())
        var other = random
        Self.train(&source, steps: 200, &random)
        Self.train(&target, steps: 200, &other)
        #expect(target.network.copyState() == source.network.copyState())
        #expect(target.statistics == source.statistics)
    }

    @Test(
        "renamed and in another order, fields are found by their first names",
        arguments: methods,
        [false, true]
    )
    func renamed(method: OptimizerSettings.Method, wide: Bool) throws {
        let settings = Self.settings(method) { $0.network.wide = wide }
        var random = NetworkTestRandom(seed: 8)
        var source = Self.learner(settings)
        Self.train(&source, steps: 300, &random)
        let fields = networkTestSchema.fields
        let schema = FeatureSchema(fields: [
            FeatureField(name: "cost", kind: .numeric(clip: 7), was: "price"),
            fields[4], fields[2], fields[0],
            FeatureField(name: "seen", kind: fields[1].kind, was: "recent"),
        ])
        let transplant = try Transplant(
            of: Self.model(source, settings),
            to: schema,
            settings: settings
        )
        #expect(transplant.keepsPredictions)
        #expect(
            transplant.fields.map(\.fate) == [
                .renamed(from: "price"), .kept, .kept, .kept, .renamed(from: "recent"),
            ]
        )
        var target = Self.learner(settings, schema: schema)
        target.take(transplant)
        #expect(
            target.network.values(of: "embedding.seen.weight")
                == source.network.values(of: "embedding.recent.weight")
        )
        #expect(target.statistics.moments == source.statistics.moments)
        for _ in 0..<100 {
            let one = NetworkTestFeatures.random(&random)
            let words =
                [one.number.bitPattern, one.bucket, UInt32(one.sumList.count)] + one.sumList
                + [one.category, UInt32(one.meanList.count)] + one.meanList
            let (before, after) = (
                Self.predict(&source, one.words), Self.predict(&target, words)
            )
            // The same sums, in another order.
            #expect(abs(before.ctr - after.ctr) < 1e-6)
            #expect(abs(before.ctcvr - after.ctcvr) < 1e-6)
        }
    }

    @Test(
        "new fields change no prediction, and learn from then on",
        arguments: methods,
        [false, true]
    )
    func added(method: OptimizerSettings.Method, wide: Bool) throws {
        let settings = Self.settings(method) { $0.network.wide = wide }
        var random = NetworkTestRandom(seed: 9)
        var source = Self.learner(settings)
        Self.train(&source, steps: 300, &random)
        let schema = FeatureSchema(
            fields: networkTestSchema.fields + [
                FeatureField(name: "ad", kind: .categorical(rows: 6)),
                FeatureField(name: "seconds", kind: .numeric(clip: 5)),
            ]
        )
        let transplant = try Transplant(
            of: Self.model(source, settings),
            to: schema,
            settings: settings
        )
        #expect(transplant.fields.suffix(2).map(\.fate) == [.new, .new])
        #expect(transplant.keepsPredictions)
        var target = Self.learner(settings, schema: schema)
        target.take(transplant)
        for _ in 0..<100 {
            let words = NetworkTestFeatures.random(&random).words
            let more = words + [.random(in: 0...6, using: &random), Float(3).bitPattern]
            // At the end of the inputs zeros do not even change the rounding.
            #expect(Self.predict(&source, words) == Self.predict(&target, more))
        }
        let inputs = 3 * 4 + 1
        func newColumns(_ learner: borrowing Learner) throws -> [Float] {
            let weights = try learner.network.tensor("expert.0.0.weight")
            return (0..<5).flatMap { row in
                weights[(row * (inputs + 4) + inputs)..<((row + 1) * (inputs + 4))]
            }
        }
        #expect(try newColumns(target).allSatisfy { $0 == 0 })
        for _ in 0..<50 {
            let words = NetworkTestFeatures.random(&random).words
            let more =
                words + [
                    .random(in: 0...6, using: &random),
                    Float.random(in: -2...2, using: &random).bitPattern,
                ]
            Self.step(&target, more, Labels(ctr: true, ctcvr: true))
        }
        let moved = try newColumns(target)
        #expect(moved.contains { $0 != 0 } && moved.allSatisfy(\.isFinite))
        for name in ["wide.ad.weight", "wide.seconds.weight"] where wide {
            #expect(try target.network.tensor(name).contains { $0 != 0 })
        }
    }

    private static func step(_ learner: inout Learner, _ words: [UInt32], _ labels: Labels) {
        var words = words
        var span = words.mutableSpan
        let prediction = learner.arrive(features: &span)
        learner.train(
            Example(
                time: 0,
                impressionTime: 0,
                labels: labels,
                ctrWeight: 1,
                ctcvrWeight: 1,
                prediction: prediction
            ),
            features: span.span
        )
    }

    @Test("without the optimizer's state, accumulators start as configured and weights stay")
    func warmAccumulators() throws {
        for method in Self.methods.dropFirst() {
            let settings = Self.settings(method)
            var random = NetworkTestRandom(seed: 10)
            var source = Self.learner(settings)
            Self.train(&source, steps: 200, &random)
            let schema = FeatureSchema(
                fields: networkTestSchema.fields + [
                    FeatureField(name: "ad", kind: .categorical(rows: 6))
                ]
            )
            let transplant = try Transplant(
                of: Self.model(source, settings, withState: false),
                to: schema,
                settings: settings
            )
            #expect(transplant.state == .warm)
            var target = Self.learner(settings, schema: schema)
            target.take(transplant)
            let state = target.network.copyState()
            let sums = state.optimizerState.suffix(state.parameters.count)
            func sum(_ name: String, _ index: Int) throws -> Float {
                let tensor = try #require(target.network.tensors.first { $0.name == name })
                return sums[sums.startIndex + tensor.range.lowerBound + index]
            }
            #expect(try sum("embedding.recent.weight", 4) == 0.5)
            #expect(try sum("tower.ctr.0.weight", 0) == 0.5)
            #expect(try sum("expert.1.0.weight", 12) == 0.5)
            // What is new starts as ever: a new table, and the columns of it.
            let start: Float = if case .adagrad = method { 0.01 } else { 0 }
            #expect(try sum("embedding.ad.weight", 0) == start)
            #expect(try sum("expert.1.0.weight", 13) == start)
            // A step of nothing leaves the weights: z means the weight that is there.
            let before = target.network.values(of: "tower.ctr.0.weight")!
            var words = NetworkTestFeatures.random(&random).words + [2]
            var span = words.mutableSpan
            _ = target.arrive(features: &span)
            let none = Example(
                time: 0,
                impressionTime: 0,
                labels: Labels(ctr: true, ctcvr: nil),
                ctrWeight: 1e-20,
                ctcvrWeight: 1e-20,
                prediction: Prediction(ctrLogit: 0, cvrLogit: 0)
            )
            target.train(none, features: span.span)
            for (old, new) in zip(before, target.network.values(of: "tower.ctr.0.weight")!) {
                #expect(abs(old - new) <= 1e-6 * max(abs(old), 1))
            }
        }
    }

    @Test("state of another method is not taken, and that of other FTRL rates keeps the weights")
    func otherOptimizer() throws {
        let ftrl = Self.settings(Self.methods[2])
        var random = NetworkTestRandom(seed: 11)
        var source = Self.learner(ftrl)
        Self.train(&source, steps: 200, &random)
        let model = try Self.model(source, ftrl)
        let adagrad = Self.settings(Self.methods[1])
        let toAdagrad = try Transplant(of: model, to: networkTestSchema, settings: adagrad)
        #expect(toAdagrad.state == .warm)
        #expect(
            try Transplant(of: model, to: networkTestSchema, settings: Self.settings(.sgd)).state
                == .kept
        )

        let other = Self.settings(.ftrl(beta: 3, l1: 0.1, l2: 0)) { $0.optimizer.denseRate = 0.5 }
        let toOther = try Transplant(of: model, to: networkTestSchema, settings: other)
        #expect(toOther.state == .kept)
        var target = Self.learner(other)
        target.take(toOther)
        #expect(target.network.copyState().parameters == source.network.copyState().parameters)
        let count = target.network.parameterCount
        #expect(
            target.network.copyState().optimizerState.suffix(count)
                == source.network.copyState().optimizerState.suffix(count)
        )
        // One step moves no weight further than the gradient can.
        let before = target.network.copyState().parameters
        Self.train(&target, steps: 1, &random)
        let after = target.network.copyState().parameters
        #expect(zip(before, after).allSatisfy { abs($0 - $1) < 0.2 })
    }

    @Test("what cannot go over starts fresh, and is listed with its reason")
    func resets() throws {
        let settings = Self.settings()
        var random = NetworkTestRandom(seed: 12)
        var source = Self.learner(settings)
        Self.train(&source, steps: 200, &random)
        let model = try Self.model(source, settings)
        let fields = networkTestSchema.fields
        let schema = FeatureSchema(fields: [
            FeatureField(name: "category", kind: .categorical(rows: 6)),
            FeatureField(name: "recent", kind: .categorical(rows: 7)),
            fields[3],
            FeatureField(name: "age", kind: .bucketed(boundaries: [18, 41])),
        ])
        let transplant = try Transplant(of: model, to: schema, settings: settings)
        #expect(
            transplant.fields.map(\.fate) == [
                .reset(reason: "it has 6 rows, had 5"),
                .reset(reason: "it is categorical, was a list"), .kept,
                .reset(reason: "its buckets are others"),
            ]
        )
        #expect(transplant.dropped == ["basket"])
        #expect(!transplant.keepsPredictions)
        #expect(transplant.denseResetKey == nil)
        var target = Self.learner(settings, schema: schema)
        let fresh = target.network.values(of: "embedding.category.weight")
        target.take(transplant)
        #expect(target.network.values(of: "embedding.category.weight") == fresh)
        #expect(
            target.network.values(of: "tower.cvr.1.bias")
                == source.network.values(of: "tower.cvr.1.bias")
        )
        let prediction = Self.predict(&target, [1, 1, Float(3).bitPattern, 2])
        #expect(prediction.ctr > 0 && prediction.ctr < 1 && prediction.ctcvr <= prediction.ctr)
    }

    static let denseChanges: [(String, @Sendable (inout LearnSettings) -> Void)] = [
        ("model.experts.count", { $0.network.experts = 3 }),
        ("model.experts.layers", { $0.network.expertLayers = [5, 5] }),
        ("model.gates", { $0.network.gates = .shared }),
        ("model.towers.layers", { $0.network.towerLayers = [4] }),
    ]

    @Test(
        "dense layers of another size start fresh as a whole, tables stay",
        arguments: denseChanges
    )
    func dense(key: String, change: @Sendable (inout LearnSettings) -> Void) throws {
        let settings = Self.settings()
        var random = NetworkTestRandom(seed: 13)
        var source = Self.learner(settings)
        Self.train(&source, steps: 100, &random)
        let other = Self.settings(Self.methods[1], change)
        let transplant = try Transplant(
            of: Self.model(source, settings),
            to: networkTestSchema,
            settings: other
        )
        #expect(transplant.denseResetKey == key)
        var target = Self.learner(other)
        let fresh = target.network.values(of: "tower.ctr.0.weight")
        target.take(transplant)
        #expect(target.network.values(of: "tower.ctr.0.weight") == fresh)
        #expect(
            target.network.values(of: "embedding.basket.weight")
                == source.network.values(of: "embedding.basket.weight")
        )
        // Fresh towers predict the base rates.
        let prediction = Self.predict(&target, NetworkTestFeatures.random(&random).words)
        #expect(abs(prediction.ctr - 0.3) < 1e-5)
    }

    @Test("another width of the embeddings resets tables only")
    func dimension() throws {
        let settings = Self.settings()
        let source = Self.learner(settings)
        let wide = Self.settings(Self.methods[1]) { $0.network.embeddingDimension = 4 }
        let transplant = try Transplant(
            of: Self.model(source, settings),
            to: networkTestSchema,
            settings: wide
        )
        #expect(transplant.fields[3].fate == .kept)
        #expect(
            transplant.fields[0].fate == .reset(reason: "its embedding has 4 columns, had 3")
        )
        var target = Self.learner(wide)
        target.take(transplant)
        #expect(
            target.network.values(of: "tower.ctr.0.weight")
                == source.network.values(of: "tower.ctr.0.weight")
        )
    }

    @Test(
        "a linear part may be new: the deep part goes over and predicts as before",
        arguments: methods
    )
    func newWide(method: OptimizerSettings.Method) throws {
        let settings = Self.settings(method)
        let wide = Self.settings(method) { $0.network.wide = true }
        var random = NetworkTestRandom(seed: 14)
        var source = Self.learner(settings)
        Self.train(&source, steps: 200, &random)
        var target = Self.learner(wide)
        let transplant = try Transplant(
            of: Self.model(source, settings),
            to: networkTestSchema,
            settings: wide
        )
        #expect(transplant.keepsPredictions && transplant.addsWide && !transplant.dropsWide)
        #expect(transplant.denseResetKey == nil)
        target.take(transplant)
        for _ in 0..<50 {
            let words = NetworkTestFeatures.random(&random).words
            #expect(Self.predict(&source, words) == Self.predict(&target, words))
        }
        Self.train(&target, steps: 50, &random)
        #expect(try target.network.tensor("wide.basket.weight").contains { $0 != 0 })

        // The other way round something is lost, and that is said.
        let dropping = try Transplant(
            of: Self.model(target, wide),
            to: networkTestSchema,
            settings: settings
        )
        #expect(!dropping.keepsPredictions && dropping.dropsWide && !dropping.addsWide)
        var deep = Self.learner(settings)
        deep.take(dropping)
        for name in ["embedding.basket.weight", "expert.1.0.weight", "tower.cvr.1.bias"] {
            #expect(deep.network.values(of: name) == target.network.values(of: name))
        }
    }

    @Test("nothing in common is an error, and so are numbers of another network")
    func refusals() throws {
        let settings = Self.settings()
        let model = try Self.model(Self.learner(settings), settings)
        let schema = FeatureSchema(fields: [FeatureField(name: "x", kind: .numeric(clip: 5))])
        let error = #expect(throws: StateError.self) {
            try Transplant(of: model, to: schema, settings: settings)
        }
        #expect(error?.description.contains("nothing in common") == true)
        #expect(throws: StateError.self) {
            try LearnedModel(
                schema: schema,
                settings: settings,
                statistics: NumericStatistics(schema: schema),
                network: model.network
            )
        }
        var cut = model.network
        cut.optimizerState.removeLast()
        #expect(throws: StateError.self) {
            try LearnedModel(
                schema: networkTestSchema,
                settings: settings,
                statistics: model.statistics,
                network: cut
            )
        }
    }
}
