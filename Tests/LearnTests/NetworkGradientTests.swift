import Events
import Learn
import Testing

/// The gradients of the production path, read off an SGD step, against differences of the loss.
@Suite("Network gradients")
struct NetworkGradientTests {
    static let paths = KernelPath.allCases.filter(\.isSupported)

    @Test(
        "every parameter moves by its rate times its gradient",
        arguments: NetworkShape.all,
        paths
    )
    func gradients(shape: NetworkShape, path: KernelPath) throws {
        // Long lists with repeats, an absent list, an empty one, absent values.
        let examples = [
            NetworkTestFeatures(
                category: 2,
                meanList: [3, 1, 3, 3, 6],
                sumList: [0, 2, 0],
                number: 0.7,
                bucket: 1
            ),
            NetworkTestFeatures(
                category: 5,
                meanList: [7],
                sumList: [],
                number: -1.3,
                bucket: 3
            ),
        ]
        for focal in [FocalLoss(gamma: 2, alpha: 0.25), FocalLoss(gamma: 0, alpha: nil)] {
            for (features, labels) in zip(examples + examples, networkTestLabels) {
                try check(shape, path, focal, features, labels)
            }
        }
    }

    private func check(
        _ shape: NetworkShape,
        _ path: KernelPath,
        _ focal: FocalLoss,
        _ features: NetworkTestFeatures,
        _ labels: Labels
    ) throws {
        let rates = OptimizerSettings(method: .sgd, embeddingRate: 2, denseRate: 1, wideRate: 0.5)
        var network = Network.test(
            shape.settings,
            optimizer: rates,
            loss: focal,
            kernelPath: path
        )
        var random = NetworkTestRandom(seed: 7)
        try network.randomize(&random)
        let state = network.copyState()
        let weights = (ctr: Float(3), ctcvr: Float(5))
        let words = features.words
        let prediction = network.train(
            features: words.span,
            labels: labels,
            ctrWeight: weights.ctr,
            ctcvrWeight: weights.ctcvr
        )
        #expect(prediction != nil)
        let after = network.copyState()

        func loss() -> Double {
            let prediction = network.predict(features: words.span)
            return ESMMLoss(focal).value(
                prediction,
                labels: labels,
                ctrWeight: weights.ctr,
                ctcvrWeight: weights.ctcvr
            ).loss
        }

        let h: Float = 0x1p-9
        try network.restore(state)
        let here = loss()
        for tensor in network.tensors {
            let rate =
                tensor.name.hasPrefix("embedding.")
                ? rates.embeddingRate
                : tensor.name.hasPrefix("wide.") ? rates.wideRate : rates.denseRate
            for index in tensor.range {
                let moved = state.parameters[index] - after.parameters[index]
                let gradient = Double(moved / rate)
                try network.restore(state.shifted(index, by: h))
                let right = (loss() - here) / Double(h)
                try network.restore(state.shifted(index, by: -h))
                let left = (here - loss()) / Double(h)
                // Where a ReLU bends in between, any slope between the two sides is one.
                let tolerance = 1e-3 + 1e-3 * abs(gradient)
                let isBetween =
                    gradient > min(left, right) - tolerance
                    && gradient < max(left, right) + tolerance
                #expect(
                    isBetween && abs(left - right) < 0.5,
                    "\(tensor.name)[\(index - tensor.range.lowerBound)]: \(gradient) is not between \(left) and \(right), \(labels)"
                )
            }
        }
    }

    @Test("every tensor learns, but for the gate of a single expert", arguments: NetworkShape.all)
    func everythingLearns(shape: NetworkShape) throws {
        var network = Network.test(shape.settings)
        var random = NetworkTestRandom(seed: 3)
        try network.randomize(&random)
        let before = network.copyState()
        for _ in 0..<20 {
            let isTrained = network.step(.random(&random), Labels(ctr: true, ctcvr: false))
            #expect(isTrained)
        }
        let after = network.copyState()
        for tensor in network.tensors {
            let isIdle = shape.settings.experts == 1 && tensor.name.hasPrefix("gate")
            #expect(
                (before.parameters[tensor.range] == after.parameters[tensor.range]) == isIdle,
                "\(tensor.name)"
            )
        }
    }

    @Test("a row that a list repeats gets one update, of the summed gradient")
    func repeatedRows() throws {
        // Under Adagrad two updates by g and one by 2g differ.
        let method = OptimizerSettings.Method.adagrad(
            initialAccumulator: 1e-6,
            epsilon: 0,
            accumulatorMax: 100
        )
        let settings = NetworkSettings(embeddingDimension: 3, experts: 1, expertLayers: [5])
        func trained(_ list: [UInt32]) throws -> (once: [Float], before: [Float], n: [Float]) {
            var network = Network.test(
                settings,
                optimizer: OptimizerSettings(method: method, embeddingRate: 1, denseRate: 1)
            )
            var random = NetworkTestRandom(seed: 11)
            try network.randomize(&random)
            let name = "embedding.basket.weight"
            let before = try network.tensor(name)
            let features = NetworkTestFeatures(
                category: 0,
                meanList: [],
                sumList: list,
                number: 0,
                bucket: 0
            )
            let isTrained = network.step(features, Labels(ctr: true, ctcvr: false))
            #expect(isTrained)
            let tensors = network.tensors
            let range = try #require(tensors.first { $0.name == name }).range
            return (
                try network.tensor(name), before,
                Array(network.copyState().optimizerState[range])
            )
        }
        let list: [UInt32] = [1, 3, 1]
        let (after, before, accumulators) = try trained(list)
        for column in 0..<3 {
            // Row 3 occurs once and shows the gradient of one occurrence.
            let single = (accumulators[3 * 3 + column] - 1e-6).squareRoot()
            let double = (accumulators[1 * 3 + column] - 1e-6).squareRoot()
            #expect(abs(double - 2 * single) < 1e-3 * double, "column \(column)")
            let step = (before[3 + column] - after[3 + column]).magnitude
            let expected = double / (1e-6 + double * double).squareRoot()
            #expect(abs(step - expected) < 1e-3)
            #expect(before[column] == after[column], "row 0 does not occur")
        }
    }
}

extension NetworkState {
    fileprivate func shifted(_ index: Int, by h: Float) -> NetworkState {
        var state = self
        state.parameters[index] += h
        return state
    }
}
