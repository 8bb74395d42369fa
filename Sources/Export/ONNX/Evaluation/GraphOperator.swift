internal import ONNXMessages

/// What a node computes: one of the operators that exported models consist of, by ONNX's definition
/// of operator set 17.
enum GraphOperator {
    case unary(UnaryOperator)
    case binary(BinaryOperator)
    case compare(Comparison)
    case `where`
    case clip
    case cast(to: ONNXTensorProto.DataType)
    case gather
    case pad
    case concat(axis: Int)
    case squeeze
    case unsqueeze
    case reshape
    case reduceSum(keepsDimension: Bool)
    case softmax(axis: Int)
    case gemm(transposesB: Bool)
    case matMul

    init(_ node: ONNXNodeProto) throws(OperatorError) {
        guard node.domain.isEmpty else { throw OperatorError("is of domain \(node.domain)") }
        var attributes = try Attributes(node)
        if let unary = UnaryOperator(rawValue: node.opType) {
            self = .unary(unary)
        } else if let binary = BinaryOperator(rawValue: node.opType) {
            self = .binary(binary)
        } else if let comparison = Comparison(rawValue: node.opType) {
            self = .compare(comparison)
        } else {
            self = try Self.named(node.opType, &attributes)
        }
        try attributes.finish()
        guard inputCounts.contains(node.input.count) else {
            throw OperatorError("has \(node.input.count) inputs")
        }
    }

    private static func named(
        _ name: String,
        _ attributes: inout Attributes
    ) throws(OperatorError) -> GraphOperator {
        switch name {
        case "Where": return .where
        case "Clip": return .clip
        case "Cast":
            guard
                let type = ONNXTensorProto.DataType(
                    rawValue: attributes.take("to", default: 0)
                )
            else { throw OperatorError("casts to an unknown type") }
            return .cast(to: type)
        case "Gather":
            guard attributes.take("axis", default: 0) == 0 else {
                throw OperatorError("takes an axis that is not the first")
            }
            return .gather
        case "Pad": return .pad
        case "Concat": return .concat(axis: try attributes.take("axis"))
        case "Squeeze": return .squeeze
        case "Unsqueeze": return .unsqueeze
        case "Reshape": return .reshape
        case "ReduceSum":
            return .reduceSum(keepsDimension: attributes.take("keepdims", default: 1) != 0)
        case "Softmax": return .softmax(axis: attributes.take("axis", default: -1))
        case "Gemm": return .gemm(transposesB: attributes.take("transB", default: 0) != 0)
        case "MatMul": return .matMul
        default: throw OperatorError("is the operator \(name), which no exported model has")
        }
    }

    private var inputCounts: ClosedRange<Int> {
        switch self {
        case .unary, .cast, .softmax: 1...1
        case .binary, .compare, .gather, .squeeze, .unsqueeze, .reshape, .reduceSum, .matMul: 2...2
        case .where, .clip, .pad: 3...3
        case .gemm: 2...3
        case .concat: 1...Int.max
        }
    }

    /// - Parameter inputs: as many as the node has.
    func apply(_ inputs: [TensorValue]) throws(OperatorError) -> TensorValue {
        switch self {
        case .unary(let unary): try unary.apply(inputs[0])
        case .binary(let binary): try binary.apply(inputs[0], inputs[1])
        case .compare(let comparison): try comparison.apply(inputs[0], inputs[1])
        case .where: try .chosen(inputs[0], inputs[1], inputs[2])
        case .clip: try inputs[0].clipped(inputs[1], inputs[2])
        case .cast(let type): try inputs[0].cast(to: type)
        case .gather: try .gather(inputs[0], inputs[1])
        case .pad: try inputs[0].padded(inputs[1], value: inputs[2])
        case .concat(let axis): try .concatenated(inputs, axis: axis)
        case .squeeze: try inputs[0].squeezed(inputs[1])
        case .unsqueeze: try inputs[0].unsqueezed(inputs[1])
        case .reshape: try inputs[0].reshaped(inputs[1])
        case .reduceSum(let keeps): try inputs[0].summed(inputs[1], keepsDimension: keeps)
        case .softmax(let axis): try inputs[0].softmax(axis: axis)
        case .gemm(let transposesB):
            try .gemm(
                inputs[0],
                inputs[1],
                inputs.count > 2 ? inputs[2] : nil,
                transposesB: transposesB
            )
        case .matMul: try .matMul(inputs[0], inputs[1])
        }
    }
}

/// A node's attributes, all of which must be understood.
private struct Attributes {
    private var values: [String: Int] = [:]

    init(_ node: ONNXNodeProto) throws(OperatorError) {
        for attribute in node.attribute {
            guard attribute.type == .int, attribute.hasI,
                values.updateValue(Int(attribute.i), forKey: attribute.name) == nil
            else { throw OperatorError("has an attribute \(attribute.name) of an unknown kind") }
        }
    }

    mutating func take(_ name: String, default: Int) -> Int {
        values.removeValue(forKey: name) ?? `default`
    }

    mutating func take(_ name: String) throws(OperatorError) -> Int {
        guard let value = values.removeValue(forKey: name) else {
            throw OperatorError("lacks the attribute \(name)")
        }
        return value
    }

    func finish() throws(OperatorError) {
        if let name = values.keys.min() {
            throw OperatorError("has the attribute \(name), which no exported model has")
        }
    }
}
