/// output = W input + b, W [outputs, inputs], then ReLU if it has one. Several layers that share
/// their input are one `DenseLayer`, their weights stacked.
struct DenseLayer {
    enum Activation {
        case linear, relu
    }

    let weights: Matrix
    let bias: Matrix?
    let activation: Activation
    let input: Vector
    let output: Vector

    func forward(_ memory: inout NetworkMemory) { memory.forward(self) }

    /// dW = dOutput inputᵀ, db = dOutput, dInput += Wᵀ dOutput
    func backward(_ memory: inout NetworkMemory) { memory.backward(self) }
}

extension DenseLayer {
    /// A ReLU layer whose `names` are stacked: one expert's or tower's layer, or those of all experts.
    static func relu(
        _ names: [String],
        outputs: Int,
        input: Vector,
        output: Vector? = nil,
        layout: inout NetworkLayout
    ) -> DenseLayer {
        DenseLayer(
            weights: layout.addMatrix(
                names.map { $0 + ".weight" },
                shape: [outputs, input.count],
                part: .dense,
                start: .heUniform(inputs: input.count)
            ),
            bias: layout.addStackedBias(names, outputs: outputs, start: 0),
            activation: .relu,
            input: input,
            output: output ?? layout.addVector(names.count * outputs)
        )
    }

    /// The last layer of a tower: weights start at 0, so that the first logit is the bias.
    static func logit(
        _ name: String,
        bias: Float,
        input: Vector,
        layout: inout NetworkLayout
    ) -> DenseLayer {
        DenseLayer(
            weights: layout.addMatrix(
                [name + ".weight"],
                shape: [1, input.count],
                part: .dense,
                start: .constant(0)
            ),
            bias: layout.addStackedBias([name], outputs: 1, start: bias),
            activation: .linear,
            input: input,
            output: layout.addVector(1)
        )
    }

    /// The gates' logits, without bias. They start small: experts mixed nearly evenly.
    static func gates(
        _ names: [String],
        experts: Int,
        input: Vector,
        layout: inout NetworkLayout
    ) -> DenseLayer {
        DenseLayer(
            weights: layout.addMatrix(
                names.map { $0 + ".weight" },
                shape: [experts, input.count],
                part: .dense,
                start: .uniform(limit: 0.1 * (6 / Float(input.count)).squareRoot())
            ),
            bias: nil,
            activation: .linear,
            input: input,
            output: layout.addVector(names.count * experts)
        )
    }
}

extension NetworkLayout {
    fileprivate mutating func addStackedBias(
        _ names: [String],
        outputs: Int,
        start: Float
    ) -> Matrix {
        let stack = addMatrix(
            names.map { $0 + ".bias" },
            shape: [outputs],
            part: .dense,
            start: .constant(start)
        )
        return Matrix(offset: stack.offset, rows: 1, columns: stack.count)
    }
}
