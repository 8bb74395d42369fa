internal import Events
internal import ONNXMessages

/// Turns impressions, encoded as the schema says, into the inputs of an exported model.
struct ONNXInputs {
    private enum Field {
        case row
        case list
        case number
        /// A number in each bucket, then one for the missing row.
        case bucket([Float])
    }

    let names: [String]
    private let fields: [Field]

    init(_ schema: FeatureSchema) {
        names = schema.fields.map(\.name)
        fields = schema.fields.map { field in
            switch field.kind {
            case .categorical: .row
            case .list: .list
            case .numeric: .number
            case .bucketed(let boundaries): .bucket(Self.representatives(boundaries))
            }
        }
    }

    /// Bucket i starts at boundary i − 1; the first one ends just below boundary 0.
    private static func representatives(_ boundaries: [Float]) -> [Float] {
        let first = boundaries.first.map(\.nextDown) ?? 0
        return [first] + boundaries + [-NumericInput.missingMagnitude]
    }

    /// - Throws: if the graph's inputs are not one per field, of its type.
    func check(_ graph: ONNXGraphProto, path: String) throws(ExportError) {
        var found: [String: ONNXValueInfoProto] = [:]
        for input in graph.input { found[input.name] = input }
        guard graph.input.count == names.count, found.count == names.count else {
            let unknown = Set(found.keys).subtracting(names).sorted()
            throw ExportError(
                "\(path): has \(graph.input.count) inputs, the features are \(names.count)"
                    + (unknown.isEmpty
                        ? "" : "; not among them: \(unknown.joined(separator: ", "))")
            )
        }
        for (name, field) in zip(names, fields) {
            guard let input = found[name] else {
                throw ExportError("\(path): has no input for feature \(name)")
            }
            let (type, rank): (ONNXTensorProto.DataType, Int) =
                switch field {
                case .row: (.int64, 1)
                case .list: (.int64, 2)
                case .number, .bucket: (.float, 1)
                }
            guard input.isTensor(type, rank: rank) else {
                throw ExportError("\(path): input \(name) is not of the feature's type")
            }
        }
    }

    /// The inputs' values for impressions that lie at `ranges` in `words`.
    func values(_ words: [UInt32], _ ranges: ArraySlice<Range<Int>>) -> [TensorValue] {
        var positions = ranges.map(\.lowerBound)
        return fields.map { field in
            switch field {
            case .row:
                let rows = advance(&positions) { Int64(words[$0]) }
                return TensorValue([rows.count], .int64(rows))
            case .list:
                return lists(words, &positions)
            case .number:
                let numbers = advance(&positions) { Self.number(words[$0]) }
                return TensorValue([numbers.count], .float(numbers))
            case .bucket(let representatives):
                let numbers = advance(&positions) { representatives[Int(words[$0])] }
                return TensorValue([numbers.count], .float(numbers))
            }
        }
    }

    private func advance<Value>(_ positions: inout [Int], _ value: (Int) -> Value) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(positions.count)
        for index in positions.indices {
            values.append(value(positions[index]))
            positions[index] += 1
        }
        return values
    }

    private func lists(_ words: [UInt32], _ positions: inout [Int]) -> TensorValue {
        let longest = positions.reduce(0) { max($0, Int(words[$1])) }
        var rows = [Int64](repeating: -1, count: positions.count * longest)
        for index in positions.indices {
            let start = positions[index] + 1
            let length = Int(words[start - 1])
            for element in 0..<length {
                rows[index * longest + element] = Int64(words[start + element])
            }
            positions[index] = start + length
        }
        return TensorValue([positions.count, longest], .int64(rows))
    }

    /// A number of the magnitude that means absence is moved to its neighbour.
    private static func number(_ word: UInt32) -> Float {
        let number = Float(bitPattern: word)
        guard number.isFinite else { return -NumericInput.missingMagnitude }
        return min(max(number, -NumericInput.magnitudeMax), NumericInput.magnitudeMax)
    }
}

extension ONNXValueInfoProto {
    /// Whether it is a tensor whose dimensions are all open.
    func isTensor(_ type: ONNXTensorProto.DataType, rank: Int) -> Bool {
        let tensor = self.type.tensorType
        return tensor.elemType == Int32(type.rawValue) && tensor.shape.dim.count == rank
            && tensor.shape.dim.allSatisfy { if case .dimParam = $0.value { true } else { false } }
    }
}
