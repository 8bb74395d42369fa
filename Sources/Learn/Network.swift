public import Events
public import StateCoding

/// The network of one model with its optimizer: features → embeddings → experts mixed by gates →
/// a tower per task, beside it a linear part if the settings say so → ESMM head. It is owned by one
/// thread; nothing in it is allocated after `init`, but for what counts the rows of a list longer than
/// any before.
public struct Network: ~Copyable {
    var memory: NetworkMemory
    let method: OptimizerSettings.Method
    private var layers: NetworkLayers
    var expected = ExpectedExample()
    private let loss: ESMMLoss

    var layout: NetworkLayout { layers.layout }

    /// Two networks made with the same path signature and saved with the same state go on alike, to
    /// the bit.
    public let kernelPath: String

    /// A fresh network, which predicts exactly `outputBiases` for everything.
    ///
    /// Settings must be valid: sizes, rates, Adagrad's accumulator plus ε and FTRL's β positive.
    /// - Parameters:
    ///   - embeddingDeviation: standard deviation of the embeddings' normal starting values.
    ///   - outputBiases: the logits to start from.
    ///   - seed: determines all starting values.
    public init(
        schema: FeatureSchema,
        settings: NetworkSettings,
        optimizer: OptimizerSettings,
        loss: FocalLoss,
        embeddingDeviation: Float,
        outputBiases: (ctr: Float, cvr: Float),
        seed: UInt64,
        kernelPath: KernelPath = .fastest
    ) {
        self.init(
            NetworkLayers(
                schema: schema,
                settings: settings,
                embeddingDeviation: embeddingDeviation,
                outputBiases: outputBiases
            ),
            optimizer: optimizer,
            loss: loss,
            kernelPath: kernelPath
        )
        var random = SplitMix64(seed: seed)
        for entry in layers.layout.entries {
            memory.parameters.fill(entry.tensor.range, with: entry.start, from: &random)
            memory.resetOptimizerState(of: entry, method: method)
        }
    }

    /// A network that has learnt already and only predicts: it has no optimizer's state.
    /// - Parameter parameters: laid out as `tensors` says.
    /// - Throws: `StateError` if they are not as many as the network has; before anything is allocated.
    public init(
        schema: FeatureSchema,
        settings: NetworkSettings,
        loss: FocalLoss,
        parameters: [Float],
        kernelPath: KernelPath = .fastest
    ) throws(StateError) {
        let layers = NetworkLayers(
            schema: schema,
            settings: settings,
            embeddingDeviation: 0,
            outputBiases: (ctr: 0, cvr: 0)
        )
        guard parameters.count == layers.layout.parameterCount else {
            throw StateError(
                "there are \(parameters.count) parameters, the network has "
                    + "\(layers.layout.parameterCount)"
            )
        }
        self.init(
            layers,
            optimizer: OptimizerSettings(method: .sgd, embeddingRate: 1, denseRate: 1),
            loss: loss,
            kernelPath: kernelPath
        )
        memory.parameters.replace(at: 0, with: parameters)
    }

    private init(
        _ layers: NetworkLayers,
        optimizer: OptimizerSettings,
        loss: FocalLoss,
        kernelPath: KernelPath
    ) {
        precondition(kernelPath.isSupported, "this processor cannot run \(kernelPath.rawValue)")
        self.layers = layers
        self.loss = ESMMLoss(loss)
        self.method = optimizer.method
        self.kernelPath = kernelPath.signature
        memory = NetworkMemory(
            layout: layers.layout,
            rules: UpdateRules(optimizer),
            path: kernelPath.kernel
        )
    }

    /// Says which features will probably be trained next, as soon as that is known: then one pass over
    /// the weights serves the next prediction and that training. No result depends on it.
    public mutating func expect(features: Span<UInt32>) {
        expected.expect(features)
    }

    /// The logits for features encoded as `FeatureSchema` says, numbers standardised. Words that do
    /// not fit the schema are a programming error.
    public mutating func predict(features: Span<UInt32>) -> Prediction {
        layers.inputs.prefetch(memory, words: features)
        guard expected.isPending else {
            layers.inputs.forward(&memory, words: features)
            layers.mixture.forward(&memory)
            return logits()
        }
        let next = expected.words
        layers.inputs.prefetch(memory, words: next.span)
        layers.inputs.forward(&memory, words: features)
        memory.swapExamples()
        layers.inputs.forward(&memory, words: next.span)
        memory.swapExamples()
        layers.mixture.beginForwardPair(&memory)
        memory.swapExamples()
        layers.mixture.finishForward(&memory)
        expected.predicted(logits())
        memory.swapExamples()
        layers.mixture.finishForward(&memory)
        return logits()
    }

    /// What the towers and the linear part, whose inputs are there, make of the example at hand.
    private mutating func logits() -> Prediction {
        let ctr = layers.ctrTower.forward(&memory)
        let cvr = layers.cvrTower.forward(&memory)
        guard let wide = layers.inputs.wide?.logits(memory) else {
            return Prediction(ctrLogit: ctr, cvrLogit: cvr)
        }
        return Prediction(ctrLogit: ctr + wide.ctr, cvrLogit: cvr + wide.cvr)
    }

    /// The forward pass of what is to be trained, unless it was made ahead.
    private mutating func predictToTrain(_ features: Span<UInt32>) -> Prediction {
        let prediction = expected.prediction(for: features)
        expected.clear()
        guard let prediction else { return predict(features: features) }
        layers.inputs.prefetch(memory, words: features)
        memory.swapExamples()
        return prediction
    }

    /// One step on the summed gradient of the tasks that have a label, from a fresh forward pass.
    /// - Returns: what the forward pass predicted; nil if a logit, the loss or a logit gradient was
    ///   not finite: then no weight and no optimizer state has changed.
    public mutating func train(
        features: Span<UInt32>,
        labels: Labels,
        ctrWeight: Float,
        ctcvrWeight: Float
    ) -> Prediction? {
        let prediction = predictToTrain(features)
        let value = loss.value(
            prediction,
            labels: labels,
            ctrWeight: ctrWeight,
            ctcvrWeight: ctcvrWeight
        )
        let dCTR = Float(value.ctrLogitGradient)
        let dCVR = Float(value.cvrLogitGradient)
        guard prediction.ctrLogit.isFinite, prediction.cvrLogit.isFinite, value.loss.isFinite,
            dCTR.isFinite, dCVR.isFinite
        else { return nil }

        // Backward, each layer being updated as soon as the gradient has passed through it.
        memory.clearGradients()
        layers.ctrTower.backward(&memory, logitGradient: dCTR)
        layers.cvrTower.backward(&memory, logitGradient: dCVR)
        layers.mixture.backward(&memory)
        layers.inputs.wide?.setGradients(&memory, ctrLogit: dCTR, cvrLogit: dCVR)
        layers.inputs.backward(&memory, words: features)
        return prediction
    }
}
