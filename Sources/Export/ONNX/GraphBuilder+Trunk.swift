internal import Learn
internal import ONNXMessages

extension GraphBuilder {
    /// The mixture of experts, one per task, [batch, outputs]: f^k(x) = Σ_i softmax(W_gk x)_i f_i(x).
    mutating func trunk(
        _ x: GraphValue,
        _ settings: NetworkSettings
    ) -> (ctr: GraphValue, cvr: GraphValue) {
        var outputs: [GraphValue] = []
        for expert in 0..<settings.experts {
            var value = x
            for layer in settings.expertLayers.indices {
                value = reluLayer("expert.\(expert).\(layer)", value)
            }
            outputs.append(value)
        }
        let size = settings.expertLayers[settings.expertLayers.count - 1]
        let shape = [0, Int64(settings.experts), Int64(size)]
        let experts = node(
            "Reshape",
            node("Concat", outputs, as: "experts.outputs", ["axis": 1]),
            constant(shape, as: "experts.shape"),
            as: "experts"
        )
        switch settings.gates {
        case .shared:
            let both = mixture("shared", x, experts)
            return (both, both)
        case .perTask:
            return (mixture("ctr", x, experts), mixture("cvr", x, experts))
        }
    }

    /// - Parameter experts: [batch, experts, outputs]
    private mutating func mixture(
        _ gate: String,
        _ x: GraphValue,
        _ experts: GraphValue
    ) -> GraphValue {
        let name = "gate.\(gate)"
        let logits = gemm(x, name, hasBias: false, as: "\(name).logits")
        let weights = node("Softmax", logits, as: name, ["axis": 1])
        let row = unsqueeze(weights, axis: 1, as: "\(name).row")
        let mixed = node("MatMul", row, experts, as: "mixture.\(gate).row")
        return squeeze(mixed, axis: 1, as: "mixture.\(gate)")
    }

    /// The logit of a task, [batch].
    mutating func tower(_ task: String, _ input: GraphValue, hiddenLayers: Int) -> GraphValue {
        var value = input
        for layer in 0..<hiddenLayers { value = reluLayer("tower.\(task).\(layer)", value) }
        let name = "tower.\(task).\(hiddenLayers)"
        let column = gemm(value, name, hasBias: true, as: "\(name).linear")
        return squeeze(column, axis: 1, as: "\(task).logit")
    }

    private mutating func reluLayer(_ name: String, _ input: GraphValue) -> GraphValue {
        node("Relu", gemm(input, name, hasBias: true, as: "\(name).linear"), as: name)
    }

    /// input Wᵀ + b, with the parameters of that name.
    private mutating func gemm(
        _ input: GraphValue,
        _ parameters: String,
        hasBias: Bool,
        as name: String
    ) -> GraphValue {
        var inputs = [input, GraphValue(name: "\(parameters).weight")]
        if hasBias { inputs.append(GraphValue(name: "\(parameters).bias")) }
        return node("Gemm", inputs, as: name, ["transB": 1])
    }
}
