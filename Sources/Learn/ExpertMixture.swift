/// The trunk, MMoE (Ma et al., KDD 2018, equations 6 to 8):
///
///     f^k(x) = Σ_i g^k(x)_i f_i(x),   g^k(x) = softmax(W_gk x)
///
/// with experts f_i of ReLU layers and a gate g^k per task, or one for both.
struct ExpertMixture {
    /// The first layer of every expert, stacked: nearly all of the network's work.
    private let firstLayers: DenseLayer
    private let gates: DenseLayer
    /// The experts' further layers, in the order in which they run.
    private let deepLayers: [DenseLayer]
    /// The experts' outputs f_i, one after the other.
    private let experts: Vector
    private let expertCount: Int
    /// f^k by gate.
    private let mixtures: [Vector]

    init(settings: NetworkSettings, input: Vector, layout: inout NetworkLayout) {
        precondition(settings.experts > 0, "the trunk needs an expert")
        precondition(!settings.expertLayers.isEmpty, "an expert needs a layer")
        expertCount = settings.experts
        let names = (0..<settings.experts).map { "expert.\($0)" }
        firstLayers = .relu(
            names.map { $0 + ".0" },
            outputs: settings.expertLayers[0],
            input: input,
            layout: &layout
        )
        let tasks = settings.gates.names
        gates = .gates(
            tasks.map { "gate." + $0 },
            experts: settings.experts,
            input: input,
            layout: &layout
        )

        var deepLayers: [DenseLayer] = []
        var inputs = firstLayers.output
        var inputSize = settings.expertLayers[0]
        for (level, outputSize) in settings.expertLayers.enumerated().dropFirst() {
            let outputs = layout.addVector(settings.experts * outputSize)
            for (expert, name) in names.enumerated() {
                deepLayers.append(
                    .relu(
                        ["\(name).\(level)"],
                        outputs: outputSize,
                        input: inputs.part(expert, size: inputSize),
                        output: outputs.part(expert, size: outputSize),
                        layout: &layout
                    )
                )
            }
            (inputs, inputSize) = (outputs, outputSize)
        }
        self.deepLayers = deepLayers
        experts = inputs
        var mixtures: [Vector] = []
        for _ in tasks { mixtures.append(layout.addVector(inputSize)) }
        self.mixtures = mixtures
    }

    /// f^k, the input of the tower of task k.
    func output(task: Int) -> Vector { mixtures[min(task, mixtures.count - 1)] }

    func forward(_ memory: inout NetworkMemory) {
        firstLayers.forward(&memory)
        gates.forward(&memory)
        finishForward(&memory)
    }

    /// The first step of `forward` for the example at hand and for the expected one, together.
    func beginForwardPair(_ memory: inout NetworkMemory) {
        memory.forwardPair(firstLayers)
        memory.forwardPair(gates)
    }

    /// The rest of `forward`.
    func finishForward(_ memory: inout NetworkMemory) {
        for layer in deepLayers { layer.forward(&memory) }
        for (task, mixture) in mixtures.enumerated() {
            let gate = gates.output.part(task, size: expertCount)
            memory.softmax(gate)
            memory.mix(experts, gate: gate, to: mixture)
        }
    }

    /// dg^k_i = f_i · df^k,   df_i = Σ_k g^k_i df^k
    func backward(_ memory: inout NetworkMemory) {
        for (task, mixture) in mixtures.enumerated() {
            let gate = gates.output.part(task, size: expertCount)
            memory.mixBackward(experts, gate: gate, from: mixture)
            memory.softmaxBackward(gate)
        }
        for layer in deepLayers.reversed() { layer.backward(&memory) }
        gates.backward(&memory)
        firstLayers.backward(&memory)
    }
}
