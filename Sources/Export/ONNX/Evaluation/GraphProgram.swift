internal import ONNXMessages

/// A graph made ready to run: names resolved to slots, constants read, order checked.
struct GraphProgram {
    private struct Step {
        var name: String
        var operation: GraphOperator
        var inputs: [Int]
        var output: Int
        /// Slots that nothing needs from here on.
        var finished: [Int]
    }

    /// The file, for errors.
    private let path: String
    /// What is in every slot before the first step: the constants.
    private var slots: [TensorValue?] = []
    private var steps: [Step] = []
    private let inputs: [Int]
    private let outputs: [Int]

    /// - Parameters:
    ///   - inputs: names of the graph's inputs, in the order in which `run` is given their values.
    ///   - outputs: names of the values that `run` returns.
    /// - Throws: if the graph does not hold together.
    init(
        _ graph: ONNXGraphProto,
        constants: [(name: String, value: TensorValue)],
        inputs: [String],
        outputs: [String],
        path: String
    ) throws(ExportError) {
        self.path = path
        func damaged(_ reason: String) -> ExportError { ExportError("\(path): \(reason)") }
        var slotsByName: [String: Int] = [:]
        func define(_ name: String, _ slot: Int) throws(ExportError) {
            guard !name.isEmpty else { throw damaged("a value has no name") }
            guard slotsByName.updateValue(slot, forKey: name) == nil else {
                throw damaged("two values are called \(name)")
            }
        }
        func slot(_ name: String, _ user: String) throws(ExportError) -> Int {
            guard let slot = slotsByName[name] else {
                throw damaged("\(user) needs \(name), which nothing before it gives")
            }
            return slot
        }

        for (name, value) in constants {
            try define(name, slots.count)
            slots.append(value)
        }
        for name in inputs {
            try define(name, slots.count)
            slots.append(nil)
        }
        for node in graph.node {
            do throws(OperatorError) {
                let operation = try GraphOperator(node)
                guard node.output.count == 1 else {
                    throw OperatorError("has \(node.output.count) outputs")
                }
                let step = Step(
                    name: "node \(node.name) (\(node.opType))",
                    operation: operation,
                    inputs: [],
                    output: slots.count,
                    finished: []
                )
                steps.append(step)
            } catch {
                throw damaged("node \(node.name) \(error.reason)")
            }
            let last = steps.count - 1
            for name in node.input {
                steps[last].inputs.append(try slot(name, steps[last].name))
            }
            try define(node.output[0], slots.count)
            slots.append(nil)
        }
        self.inputs = try inputs.map { name throws(ExportError) in try slot(name, "the model") }
        self.outputs = try outputs.map { name throws(ExportError) in try slot(name, "the model") }
        noteLastUses()
    }

    private mutating func noteLastUses() {
        var needed = Set(outputs)
        needed.formUnion(slots.indices.filter { slots[$0] != nil })
        for index in steps.indices.reversed() {
            let used = Set(steps[index].inputs + [steps[index].output])
            steps[index].finished = used.filter { needed.insert($0).inserted }
        }
    }

    /// - Parameter values: one per input, in their order.
    /// - Returns: one per output, in their order.
    /// - Throws: if an operator cannot be applied, naming the node.
    func run(_ values: [TensorValue]) throws(ExportError) -> [TensorValue] {
        var slots = slots
        var aliveCount = 0
        for (slot, value) in zip(inputs, values) {
            slots[slot] = value
            aliveCount += value.count
        }
        for step in steps {
            do throws(OperatorError) {
                var operands: [TensorValue] = []
                for slot in step.inputs {
                    guard let value = slots[slot] else { throw OperatorError("lacks an input") }
                    operands.append(value)
                }
                let result = try step.operation.apply(operands)
                aliveCount += result.count
                guard aliveCount <= TensorValue.countMax else {
                    throw OperatorError("needs too much memory")
                }
                slots[step.output] = result
            } catch {
                throw ExportError("\(path): \(step.name) \(error.reason)")
            }
            for slot in step.finished {
                aliveCount -= slots[slot]?.count ?? 0
                slots[slot] = nil
            }
        }
        var results: [TensorValue] = []
        for slot in outputs {
            guard let value = slots[slot] else {
                throw ExportError("\(path): an output is given by nothing")
            }
            results.append(value)
        }
        return results
    }
}
