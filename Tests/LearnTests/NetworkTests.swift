import Events
import Learn
import StateCoding
import Testing

@Suite("Network")
struct NetworkTests {
    static let methods: [OptimizerSettings.Method] = [
        .sgd,
        .adagrad(initialAccumulator: 0.1, epsilon: 1e-8, accumulatorMax: 25),
        .ftrl(beta: 1, l1: 0.001, l2: 0.01),
    ]

    @Test("a fresh network predicts exactly its output biases", arguments: NetworkShape.all)
    func firstPrediction(shape: NetworkShape) {
        var network = Network.test(shape.settings)
        var random = NetworkTestRandom(seed: 1)
        for _ in 0..<20 {
            let features = NetworkTestFeatures.random(&random)
            let prediction = network.predict(features: features.words.span)
            #expect(prediction == Prediction(ctrLogit: -1.5, cvrLogit: -0.5))
        }
    }

    @Test("tensors have the names and shapes of the serving files")
    func tensorNames() {
        let network = Network.test(
            NetworkSettings(
                embeddingDimension: 3,
                experts: 2,
                expertLayers: [7, 5],
                towerLayers: [4]
            )
        )
        let shapes = Dictionary(
            uniqueKeysWithValues: network.tensors.map { ($0.name, $0.shape) }
        )
        var expected: [String: [Int]] = [
            "embedding.category.weight": [6, 3],
            "embedding.recent.weight": [8, 3],
            "embedding.basket.weight": [5, 3],
            "embedding.age.weight": [4, 3],
            "gate.ctr.weight": [2, 13],
            "gate.cvr.weight": [2, 13],
        ]
        for expert in 0..<2 {
            expected["expert.\(expert).0.weight"] = [7, 13]
            expected["expert.\(expert).0.bias"] = [7]
            expected["expert.\(expert).1.weight"] = [5, 7]
            expected["expert.\(expert).1.bias"] = [5]
        }
        for task in ["ctr", "cvr"] {
            expected["tower.\(task).0.weight"] = [4, 5]
            expected["tower.\(task).0.bias"] = [4]
            expected["tower.\(task).1.weight"] = [1, 4]
            expected["tower.\(task).1.bias"] = [1]
        }
        #expect(shapes == expected)
        let shared = Network.test(NetworkSettings(gates: .shared))
        let names = shared.tensors.map(\.name).filter { $0.hasPrefix("gate") }
        #expect(names == ["gate.shared.weight"])
    }

    @Test("tensors do not overlap, and their values are where they say")
    func tensorPlaces() throws {
        var network = Network.test(NetworkSettings(embeddingDimension: 3, expertLayers: [7]))
        var end = 0
        for tensor in network.tensors {
            #expect(tensor.range.lowerBound >= end)
            #expect(tensor.range.count == tensor.shape.reduce(1, *))
            end = tensor.range.upperBound
            try network.setValues(
                tensor.range.map { Float($0) },
                of: tensor.name
            )
        }
        let count = network.parameterCount
        #expect(end <= count)
        let state = network.copyState()
        for tensor in network.tensors {
            let values = try network.tensor(tensor.name)
            #expect(values == tensor.range.map { Float($0) })
            #expect(Array(state.parameters[tensor.range]) == values)
        }
        let none = network.values(of: "no such tensor")
        #expect(none == nil)
        #expect(throws: StateError.self) { try network.setValues([1], of: "no such tensor") }
        #expect(throws: StateError.self) { try network.setValues([1], of: "gate.ctr.weight") }
    }

    @Test("embeddings start normal, the missing row too; ReLU layers He-uniform")
    func startingValues() throws {
        let schema = FeatureSchema(fields: [
            FeatureField(name: "item", kind: .categorical(rows: 20_000))
        ])
        let network = Network(
            schema: schema,
            settings: NetworkSettings(),
            optimizer: OptimizerSettings(method: .sgd, embeddingRate: 1, denseRate: 1),
            loss: FocalLoss(),
            embeddingDeviation: 0.2,
            outputBiases: (0, 0),
            seed: 4
        )
        let values = try network.tensor("embedding.item.weight").map(Double.init)
        let count = Double(values.count)
        func moment(_ power: Int) -> Double {
            values.reduce(0) { sum, value in
                sum + (0..<power).reduce(1) { product, _ in product * value / 0.2 }
            } / count
        }
        // Within five standard errors.
        #expect(abs(moment(1)) < 5 / count.squareRoot())
        #expect(abs(moment(2) - 1) < 5 * (2 / count).squareRoot())
        #expect(abs(moment(4) - 3) < 5 * (96 / count).squareRoot())
        #expect(values.suffix(8).allSatisfy { $0 != 0 })

        let weights = try network.tensor("expert.1.0.weight")
        let limit = (6.0 / 8).squareRoot()
        #expect(weights.allSatisfy { abs(Double($0)) <= limit })
        let variance = weights.reduce(0) { $0 + Double($1 * $1) } / Double(weights.count)
        #expect(abs(variance / (limit * limit / 3) - 1) < 0.25)
    }

    @Test("one seed makes one network, another another", arguments: methods)
    func determinism(method: OptimizerSettings.Method) {
        func trained(seed: UInt64) -> NetworkState {
            var network = Network.test(
                NetworkSettings(embeddingDimension: 5),
                optimizer: OptimizerSettings(method: method, embeddingRate: 0.1, denseRate: 0.05),
                seed: seed
            )
            var random = NetworkTestRandom(seed: 2)
            for index in 0..<200 {
                _ = network.step(.random(&random), networkTestLabels[index % 5])
            }
            return network.copyState()
        }
        let first = trained(seed: 1)
        #expect(first == trained(seed: 1))
        #expect(first != trained(seed: 2))
    }

    @Test("a step that is not finite changes nothing and the next one counts", arguments: methods)
    func guardsUpdates(method: OptimizerSettings.Method) throws {
        var network = Network.test(
            NetworkSettings(embeddingDimension: 5),
            optimizer: OptimizerSettings(method: method, embeddingRate: 0.1, denseRate: 0.1)
        )
        var random = NetworkTestRandom(seed: 8)
        try network.randomize(&random)
        let good = NetworkTestFeatures.random(&random)
        let before = network.copyState()
        for number in [Float.nan, .infinity, -.infinity] {
            var bad = good
            bad.number = number
            let isTrained = network.step(bad, Labels(ctr: true, ctcvr: false))
            #expect(!isTrained, "\(number)")
        }
        for weight in [Float.nan, .infinity] {
            let prediction = network.train(
                features: good.words.span,
                labels: Labels(ctr: true, ctcvr: nil),
                ctrWeight: weight,
                ctcvrWeight: 1
            )
            #expect(prediction == nil, "\(weight)")
        }
        let skipped = network.copyState()
        #expect(skipped == before)
        let isTrained = network.step(good, Labels(ctr: true, ctcvr: false))
        #expect(isTrained)
        let after = network.copyState()
        #expect(after != before)
    }

    @Test("an infinite weight in the network skips the update")
    func guardsLogits() throws {
        var network = Network.test(NetworkSettings())
        try network.setValues([.infinity], of: "tower.cvr.1.bias")
        let before = network.copyState()
        var random = NetworkTestRandom(seed: 8)
        let isTrained = network.step(.random(&random), Labels(ctr: true, ctcvr: nil))
        #expect(!isTrained)
        let after = network.copyState()
        #expect(after == before)
    }

    @Test("huge finite logits still train")
    func hugeLogits() throws {
        var random = NetworkTestRandom(seed: 8)
        for logit: Float in [-3e38, -1e4, 1e4, 3e38] {
            var network = Network.test(NetworkSettings())
            try network.setValues([logit], of: "tower.ctr.1.bias")
            for labels in networkTestLabels {
                let isTrained = network.step(.random(&random), labels)
                #expect(isTrained, "\(logit) \(labels)")
            }
            let parameters = network.copyState().parameters
            #expect(parameters.allSatisfy { $0.isFinite })
        }
    }

    @Test("a restored network goes on to the bit", arguments: methods)
    func restores(method: OptimizerSettings.Method) throws {
        let optimizer = OptimizerSettings(method: method, embeddingRate: 0.1, denseRate: 0.05)
        let settings = NetworkSettings(embeddingDimension: 3, expertLayers: [9, 7])
        var network = Network.test(settings, optimizer: optimizer)
        var other = Network.test(settings, optimizer: optimizer, seed: 99)
        var random = NetworkTestRandom(seed: 3)
        for index in 0..<50 { _ = network.step(.random(&random), networkTestLabels[index % 5]) }
        try other.restore(network.copyState())
        for index in 0..<50 {
            let features = NetworkTestFeatures.random(&random)
            let prediction = network.predict(features: features.words.span)
            let otherPrediction = other.predict(features: features.words.span)
            #expect(prediction == otherPrediction)
            _ = network.step(features, networkTestLabels[index % 5])
            _ = other.step(features, networkTestLabels[index % 5])
        }
        let (state, otherState) = (network.copyState(), other.copyState())
        #expect(state == otherState)
    }

    @Test(
        "a copy into an earlier one is the whole state, and leaves what others hold of that alone"
    )
    func copyIntoCopy() {
        var random = NetworkTestRandom(seed: 77)
        var network = Network.test(
            NetworkSettings(),
            optimizer: OptimizerSettings(
                method: .adagrad(initialAccumulator: 0.1, epsilon: 0, accumulatorMax: 25),
                embeddingRate: 0.1,
                denseRate: 0.1
            )
        )
        var spare = network.emptyState
        network.copyState(into: &spare)
        let before = network.copyState()
        #expect(spare == before)
        // As a snapshot that is still being written holds it.
        let held = spare
        _ = network.step(.random(&random), Labels(ctr: true, ctcvr: true))
        network.copyState(into: &spare)
        let after = network.copyState()
        #expect(spare == after && after != before)
        #expect(held == before)
    }

    @Test("a state of another size is refused and changes nothing")
    func refusesOtherSizes() {
        var network = Network.test(NetworkSettings())
        let before = network.copyState()
        var short = before
        short.parameters.removeLast()
        #expect(throws: StateError.self) { try network.restore(short) }
        var long = before
        long.optimizerState.append(0)
        #expect(throws: StateError.self) { try network.restore(long) }
        let after = network.copyState()
        #expect(after == before)
    }

    @Test("lent parameters and optimizer state are those of the copy", arguments: methods)
    func lends(method: OptimizerSettings.Method) {
        let network = Network.test(
            NetworkSettings(),
            optimizer: OptimizerSettings(method: method, embeddingRate: 0.1, denseRate: 0.1)
        )
        let state = network.copyState()
        network.withParameters { span in
            #expect(span.count == state.parameters.count)
            #expect(span.indices.allSatisfy { span[$0] == state.parameters[$0] })
        }
        network.withOptimizerState { span in
            #expect(span.count == state.optimizerState.count)
            #expect(span.indices.allSatisfy { span[$0] == state.optimizerState[$0] })
        }
    }

    @Test("Adagrad's accumulator stops at its maximum")
    func accumulatorMaximum() {
        let method = OptimizerSettings.Method.adagrad(
            initialAccumulator: 0.01,
            epsilon: 0,
            accumulatorMax: 0.02
        )
        var network = Network.test(
            NetworkSettings(embeddingDimension: 3),
            optimizer: OptimizerSettings(method: method, embeddingRate: 0.1, denseRate: 0.1)
        )
        var random = NetworkTestRandom(seed: 3)
        for index in 0..<300 { _ = network.step(.random(&random), networkTestLabels[index % 5]) }
        network.withOptimizerState { span in
            #expect(span.indices.contains { span[$0] == 0.02 })
            #expect(span.indices.allSatisfy { span[$0] <= 0.02 })
        }
    }

    @Test("FTRL starts from the weights that are there")
    func ftrlStart() throws {
        // With β/α + λ₂ = 16, z and back is exact for weights of few bits.
        let optimizer = OptimizerSettings(
            method: .ftrl(beta: 1, l1: 0.5, l2: 0),
            embeddingRate: 0.0625,
            denseRate: 0.0625
        )
        var network = Network.test(NetworkSettings(embeddingDimension: 3), optimizer: optimizer)
        let name = "embedding.category.weight"
        let start = (0..<18).map { Float($0 - 9) / 8 }
        try network.setValues(start, of: name)
        let tensors = network.tensors
        let range = try #require(tensors.first { $0.name == name }).range
        let z = network.copyState().optimizerState[range]
        for (weight, z) in zip(start, z) {
            #expect(z == -(weight * 16) - (weight > 0 ? 0.5 : weight < 0 ? -0.5 : 0))
        }
    }

    @Test("FTRL's λ₁ makes weights exactly 0")
    func ftrlSparsity() throws {
        let optimizer = OptimizerSettings(
            method: .ftrl(beta: 1, l1: 0.5, l2: 0),
            embeddingRate: 0.1,
            denseRate: 0.1
        )
        var network = Network.test(NetworkSettings(), optimizer: optimizer)
        var random = NetworkTestRandom(seed: 3)
        for index in 0..<500 { _ = network.step(.random(&random), networkTestLabels[index % 5]) }
        let weights = try network.tensor("gate.ctr.weight")
        #expect(weights.contains(0))
    }

    @Test("the paths agree to rounding, and say which they are")
    func paths() {
        func trained(_ path: KernelPath) -> (NetworkState, String) {
            var network = Network.test(NetworkSettings(embeddingDimension: 5), kernelPath: path)
            var random = NetworkTestRandom(seed: 2)
            for index in 0..<100 {
                _ = network.step(.random(&random), networkTestLabels[index % 5])
            }
            return (network.copyState(), network.kernelPath)
        }
        let (portable, name) = trained(.portable)
        #expect(name == "portable")
        let (fastest, fastestName) = trained(.fastest)
        #expect(fastestName.hasPrefix(KernelPath.fastest.rawValue))
        for (a, b) in zip(portable.parameters, fastest.parameters) {
            #expect(abs(a - b) < 1e-4)
        }
    }

    @Test("long lists train like the sum of their rows")
    func longLists() throws {
        var network = Network.test(NetworkSettings(embeddingDimension: 3))
        var random = NetworkTestRandom(seed: 2)
        try network.randomize(&random)
        let before = try network.tensor("embedding.recent.weight")
        // 1,000 occurrences of row 0, 500 of row 1.
        let features = NetworkTestFeatures(
            category: 1,
            meanList: (0..<1500).map { $0 % 3 == 2 ? 1 : 0 },
            sumList: [],
            number: 0,
            bucket: 0
        )
        let isTrained = network.step(features, Labels(ctr: true, ctcvr: nil))
        #expect(isTrained)
        let after = try network.tensor("embedding.recent.weight")
        for column in 0..<3 {
            let first = after[column] - before[column]
            let second = after[3 + column] - before[3 + column]
            #expect(first != 0)
            #expect(abs(first - 2 * second) < 1e-6)
        }
        #expect(after[6...] == before[6...])
    }

    @Test(
        "with a linear part, too, an expected example is trained as it would be without that, to the bit",
        arguments: KernelPath.allCases.filter(\.isSupported)
    )
    func expectedWide(path: KernelPath) throws {
        let settings = NetworkSettings(embeddingDimension: 3, expertLayers: [7], wide: true)
        var one = Network.test(settings, kernelPath: path)
        var other = Network.test(settings, kernelPath: path)
        var random = NetworkTestRandom(seed: 4)
        for index in 0..<200 {
            let arriving = NetworkTestFeatures.random(&random)
            let trained = NetworkTestFeatures.random(&random)
            let labels = networkTestLabels[index % 5]
            other.expect(features: trained.words.span)
            #expect(
                one.predict(features: arriving.words.span)
                    == other.predict(features: arriving.words.span)
            )
            #expect(one.step(trained, labels) && other.step(trained, labels))
        }
        #expect(one.copyState() == other.copyState())
        #expect(try one.tensor("wide.price.weight").contains { $0 != 0 })
    }

    @Test("a row that a list repeats gets one update of the linear part, of the summed gradient")
    func repeatedWideRows() throws {
        // Under Adagrad two updates by g and one by 2g differ.
        let method = OptimizerSettings.Method.adagrad(
            initialAccumulator: 1e-6,
            epsilon: 0,
            accumulatorMax: 100
        )
        var network = Network.test(
            NetworkSettings(wide: true),
            optimizer: OptimizerSettings(
                method: method,
                embeddingRate: 1,
                denseRate: 1,
                wideRate: 0.5
            )
        )
        let features = NetworkTestFeatures(
            category: 0,
            meanList: [],
            sumList: [1, 3, 1],
            number: 2,
            bucket: 0
        )
        let prediction = network.train(
            features: features.words.span,
            labels: Labels(ctr: true, ctcvr: nil),
            ctrWeight: 1,
            ctcvrWeight: 1
        )
        let logit = try #require(prediction).ctrLogit
        let slope = ESMMLoss(FocalLoss()).value(
            Prediction(ctrLogit: logit, cvrLogit: -0.5),
            labels: Labels(ctr: true, ctcvr: nil),
            ctrWeight: 1,
            ctcvrWeight: 1
        ).ctrLogitGradient
        func step(_ factor: Double) -> Float {
            let gradient = slope * factor
            return Float(-0.5 * gradient / (gradient * gradient + 1e-6).squareRoot())
        }
        let basket = try network.tensor("wide.basket.weight")
        for (row, factor) in [0.0, 2, 0, 1, 0].enumerated() {
            #expect(abs(basket[2 * row] - step(factor)) < 1e-5, "row \(row)")
            #expect(basket[2 * row + 1] == 0, "CVR has no label")
        }
        #expect(abs(try network.tensor("wide.price.weight")[0] - step(2)) < 1e-5)
        let category = try network.tensor("wide.category.weight")
        #expect(abs(category[0] - step(1)) < 1e-5 && category[2...].allSatisfy { $0 == 0 })
    }

    @Test("words that do not fit the schema stop the program")
    func misfit() async {
        await #expect(processExitsWith: .failure) {
            var network = Network.test(NetworkSettings())
            let words: [UInt32] = [6, 0, 0, 0, 0]
            _ = network.predict(features: words.span)
        }
        await #expect(processExitsWith: .failure) {
            var network = Network.test(NetworkSettings())
            let words: [UInt32] = [0, 0, 0, 0, 0, 0]
            _ = network.predict(features: words.span)
        }
        await #expect(processExitsWith: .failure) {
            var network = Network.test(NetworkSettings())
            let words: [UInt32] = [0, 4_000_000_000, 0, 0, 0]
            _ = network.predict(features: words.span)
        }
    }
}
