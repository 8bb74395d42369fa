internal import Learn
internal import ONNXMessages

/// A value of the graph: an input, an initializer or a node's output.
struct GraphValue: Equatable {
    let name: String
}

/// Collects the nodes of a graph and the constants that they need, every value under a name of its
/// own. The network's parameters are initializers that are added later, under their tensors' names.
struct GraphBuilder {
    private(set) var graph = ONNXGraphProto()
    private var names: Set<String> = []
    private var constants: [String: GraphValue] = [:]

    /// - Parameter names: those of inputs, outputs and parameters, which nothing else may have.
    init(reserving names: Set<String>) {
        self.names = names
    }

    /// A node's output.
    ///
    /// - Parameter name: what it is called, unless another value is called so already.
    mutating func node(
        _ operation: String,
        _ inputs: GraphValue...,
        as name: String,
        _ attributes: KeyValuePairs<String, Int> = [:]
    ) -> GraphValue {
        node(operation, inputs, as: name, attributes)
    }

    mutating func node(
        _ operation: String,
        _ inputs: [GraphValue],
        as name: String,
        _ attributes: KeyValuePairs<String, Int> = [:]
    ) -> GraphValue {
        let output = value(name)
        add(operation, inputs, to: output, attributes)
        return output
    }

    mutating func cast(
        _ value: GraphValue,
        to type: ONNXTensorProto.DataType,
        as name: String
    ) -> GraphValue {
        node("Cast", value, as: name, ["to": type.rawValue])
    }

    /// Adds a dimension of size 1.
    mutating func unsqueeze(_ value: GraphValue, axis: Int, as name: String) -> GraphValue {
        node("Unsqueeze", value, constant([Int64(axis)], as: "axis.\(axis)"), as: name)
    }

    /// Removes a dimension of size 1.
    mutating func squeeze(_ value: GraphValue, axis: Int, as name: String) -> GraphValue {
        node("Squeeze", value, constant([Int64(axis)], as: "axis.\(axis)"), as: name)
    }

    mutating func sum(
        _ value: GraphValue,
        axis: Int,
        keepingDimension keeps: Bool = false,
        as name: String
    ) -> GraphValue {
        let axis = constant([Int64(axis)], as: "axis.\(axis)")
        return node("ReduceSum", value, axis, as: name, ["keepdims": keeps ? 1 : 0])
    }

    /// An input of the graph.
    mutating func input(
        _ name: String,
        _ type: ONNXTensorProto.DataType,
        dimensions: [String],
        description: String
    ) -> GraphValue {
        graph.input.append(ONNXValueInfoProto(name, type, dimensions, description))
        return GraphValue(name: name)
    }

    /// Makes a value an output of the graph, float [batch].
    mutating func output(_ value: GraphValue, _ name: String, description: String) {
        let type = ONNXTensorProto.DataType.float
        add("Cast", [value], to: GraphValue(name: name), ["to": type.rawValue])
        graph.output.append(ONNXValueInfoProto(name, type, ["batch"], description))
    }

    mutating func describe(_ name: String, _ description: String) {
        graph.name = name
        graph.docString = description
    }

    private mutating func add(
        _ operation: String,
        _ inputs: [GraphValue],
        to output: GraphValue,
        _ attributes: KeyValuePairs<String, Int>
    ) {
        var node = ONNXNodeProto()
        node.name = output.name
        node.opType = operation
        node.input = inputs.map(\.name)
        node.output = [output.name]
        node.attribute = attributes.map { ONNXAttributeProto($0.key, $0.value) }
        graph.node.append(node)
    }

    private mutating func value(_ name: String) -> GraphValue {
        var unique = name
        var next = 2
        while !names.insert(unique).inserted {
            unique = "\(name).\(next)"
            next += 1
        }
        return GraphValue(name: unique)
    }
}

// Constants. Equal ones are one initializer.
extension GraphBuilder {
    mutating func constant(_ value: Double) -> GraphValue {
        constant(.double, [], [value], as: "double.\(value)", key: value.bitPattern)
    }

    mutating func constant(_ value: Float) -> GraphValue {
        constant(.float, [], [value], as: "float.\(value)", key: value.bitPattern)
    }

    mutating func constant(_ value: Int64) -> GraphValue {
        constant(.int64, [], [value], as: "int64.\(value)", key: value)
    }

    mutating func constant(_ value: Int32) -> GraphValue {
        constant(.int32, [], [value], as: "int32.\(value)", key: value)
    }

    /// A vector of the given name.
    mutating func constant(_ values: [Int64], as name: String) -> GraphValue {
        constant(.int64, [values.count], values, as: name, key: name)
    }

    /// A vector of the given name.
    mutating func constant(_ values: [Float], as name: String) -> GraphValue {
        constant(.float, [values.count], values, as: name, key: name)
    }

    private mutating func constant<Element: BitwiseCopyable>(
        _ type: ONNXTensorProto.DataType,
        _ shape: [Int],
        _ values: [Element],
        as name: String,
        key: some CustomStringConvertible
    ) -> GraphValue {
        let key = "\(type) \(shape) \(key)"
        if let known = constants[key] { return known }
        let value = value(name)
        graph.initializer.append(
            ONNXTensorProto(name: value.name, type: type, shape: shape, values: values)
        )
        constants[key] = value
        return value
    }
}

extension ONNXAttributeProto {
    fileprivate init(_ name: String, _ value: Int) {
        self.init()
        self.name = name
        type = .int
        i = Int64(value)
    }
}

extension ONNXValueInfoProto {
    fileprivate init(
        _ name: String,
        _ type: ONNXTensorProto.DataType,
        _ dimensions: [String],
        _ description: String
    ) {
        self.init()
        self.name = name
        docString = description
        self.type.tensorType.elemType = Int32(type.rawValue)
        self.type.tensorType.shape.dim = dimensions.map { name in
            var dimension = ONNXTensorShapeProto.Dimension()
            dimension.dimParam = name
            return dimension
        }
    }
}
