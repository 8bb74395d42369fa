/// What turns a task's mixture of experts into its logit: ReLU layers, then one linear output.
struct TaskTower {
    private let layers: [DenseLayer]
    /// One number.
    private let logit: Vector

    init(
        task: String,
        settings: NetworkSettings,
        input: Vector,
        outputBias: Float,
        layout: inout NetworkLayout
    ) {
        var layers: [DenseLayer] = []
        var input = input
        for (level, outputs) in settings.towerLayers.enumerated() {
            let layer = DenseLayer.relu(
                ["tower.\(task).\(level)"],
                outputs: outputs,
                input: input,
                layout: &layout
            )
            layers.append(layer)
            input = layer.output
        }
        let last = DenseLayer.logit(
            "tower.\(task).\(layers.count)",
            bias: outputBias,
            input: input,
            layout: &layout
        )
        layers.append(last)
        self.layers = layers
        logit = last.output
    }

    func forward(_ memory: inout NetworkMemory) -> Float {
        // By index: iterating would copy each layer.
        for index in layers.indices { layers[index].forward(&memory) }
        return memory.activations[logit.offset]
    }

    func backward(_ memory: inout NetworkMemory, logitGradient: Float) {
        memory.gradients[logit.offset] = logitGradient
        for index in layers.indices.reversed() { layers[index].backward(&memory) }
    }
}
