public import Events
internal import StateCoding

/// The network of one model with its optimizer: features → embeddings → experts mixed by gates →
/// a tower per task → ESMM head. It is owned by one thread; nothing in it is allocated after `init`,
/// but for what counts the rows of a list longer than any before.
public struct Network: ~Copyable {
    var memory: NetworkMemory
    let layout: NetworkLayout
    let method: OptimizerSettings.Method
    private var inputs: FeatureInputs
    private let mixture: ExpertMixture
    private let ctrTower: TaskTower
    private let cvrTower: TaskTower
    private let loss: ESMMLoss

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
        precondition(kernelPath.isSupported, "this processor cannot run \(kernelPath.rawValue)")
        var layout = NetworkLayout()
        inputs = FeatureInputs(
            schema: schema,
            dimension: settings.embeddingDimension,
            deviation: embeddingDeviation,
            layout: &layout
        )
        mixture = ExpertMixture(settings: settings, input: inputs.output, layout: &layout)
        ctrTower = TaskTower(
            task: "ctr",
            settings: settings,
            input: mixture.output(task: 0),
            outputBias: outputBiases.ctr,
            layout: &layout
        )
        cvrTower = TaskTower(
            task: "cvr",
            settings: settings,
            input: mixture.output(task: 1),
            outputBias: outputBiases.cvr,
            layout: &layout
        )
        self.loss = ESMMLoss(loss)
        self.layout = layout
        self.method = optimizer.method
        self.kernelPath = kernelPath.signature
        memory = NetworkMemory(
            layout: layout,
            rules: UpdateRules(optimizer),
            path: kernelPath.kernel
        )

        var random = SplitMix64(seed: seed)
        for entry in layout.entries {
            memory.parameters.fill(entry.tensor.range, with: entry.start, from: &random)
            memory.resetOptimizerState(of: entry, method: method)
        }
    }

    /// The logits for features encoded as `FeatureSchema` says, numbers standardised. Words that do
    /// not fit the schema are a programming error.
    public mutating func predict(features: Span<UInt32>) -> Prediction {
        inputs.forward(&memory, words: features)
        mixture.forward(&memory)
        return Prediction(
            ctrLogit: ctrTower.forward(&memory),
            cvrLogit: cvrTower.forward(&memory)
        )
    }

    /// One step on the summed gradient of the tasks that have a label, from a fresh forward pass.
    /// - Returns: false if a logit, the loss or a logit gradient was not finite; then no weight and no
    ///   optimizer state has changed.
    public mutating func train(
        features: Span<UInt32>,
        labels: Labels,
        ctrWeight: Float,
        ctcvrWeight: Float
    ) -> Bool {
        inputs.prefetch(memory, words: features)
        let prediction = predict(features: features)
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
        else { return false }

        // Backward, each layer being updated as soon as the gradient has passed through it.
        memory.clearGradients()
        ctrTower.backward(&memory, logitGradient: dCTR)
        cvrTower.backward(&memory, logitGradient: dCVR)
        mixture.backward(&memory)
        inputs.backward(&memory, words: features)
        return true
    }
}
