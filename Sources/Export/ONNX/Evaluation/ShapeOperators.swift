// Operators that move elements, or sum them along an axis.
extension TensorValue {
    /// Rows of a table [rows, …] by their indices, negative ones counted from the end.
    static func gather(
        _ table: TensorValue,
        _ indices: TensorValue
    ) throws(OperatorError) -> TensorValue {
        let (values, rows) = (try table.floats(), try indices.indices())
        guard let tableRows = table.shape.first else { throw OperatorError("needs a table") }
        let size = table.shape.dropFirst().reduce(1, *)
        let shape = indices.shape + table.shape.dropFirst()
        var result: [Float] = []
        result.reserveCapacity(try checkedCount(shape))
        for index in rows {
            let row = index < 0 ? index + tableRows : index
            guard row >= 0, row < tableRows else {
                throw OperatorError("is given row \(index) of a table of \(tableRows)")
            }
            result.append(values, row * size..<(row + 1) * size)
        }
        return TensorValue(shape, .float(result))
    }

    /// Pad, of integer matrices: by rows and columns before, then by rows and columns behind.
    func padded(_ pads: TensorValue, value: TensorValue) throws(OperatorError) -> TensorValue {
        guard case .int64(let values) = elements, shape.count == 2,
            case .int64(let value) = value.elements, value.count == 1
        else { throw OperatorError("is given \(self) and \(value), needs integers") }
        let pads = try pads.indices()
        guard pads.count == 4, pads.allSatisfy({ (0...Self.countMax).contains($0) }) else {
            throw OperatorError("is given the pads \(pads)")
        }
        let shape = [shape[0] + pads[0] + pads[2], shape[1] + pads[1] + pads[3]]
        var result = [Int64](repeating: value[0], count: try Self.checkedCount(shape))
        let columns = self.shape[1]
        for row in 0..<self.shape[0] {
            for column in 0..<columns {
                result[(row + pads[0]) * shape[1] + pads[1] + column] =
                    values[row * columns + column]
            }
        }
        return TensorValue(shape, .int64(result))
    }

    static func concatenated(_ parts: [TensorValue], axis: Int) throws(OperatorError) -> TensorValue
    {
        let axis = try Self.axis(axis, rank: parts[0].shape.count)
        var shape = parts[0].shape
        shape[axis] = 0
        var values: [[Float]] = []
        for part in parts {
            var expected = shape
            guard part.shape.count == shape.count else {
                throw OperatorError("cannot join \(parts[0]) and \(part)")
            }
            expected[axis] = part.shape[axis]
            guard part.shape == expected else {
                throw OperatorError("cannot join \(parts[0]) and \(part)")
            }
            values.append(try part.floats())
            // The parts exist, so their sum does not overflow.
            shape[axis] += part.shape[axis]
        }
        var result: [Float] = []
        result.reserveCapacity(try checkedCount(shape))
        let sizes = parts.map { $0.shape[axis...].reduce(1, *) }
        for outer in 0..<shape[..<axis].reduce(1, *) {
            for (values, size) in zip(values, sizes) {
                result.append(values, outer * size..<(outer + 1) * size)
            }
        }
        return TensorValue(shape, .float(result))
    }

    func unsqueezed(_ axes: TensorValue) throws(OperatorError) -> TensorValue {
        let axis = try axes.axis(rank: shape.count + 1)
        var shape = shape
        shape.insert(1, at: axis)
        return reshaped(shape)
    }

    func squeezed(_ axes: TensorValue) throws(OperatorError) -> TensorValue {
        let axis = try axes.axis(rank: shape.count)
        guard shape[axis] == 1 else { throw OperatorError("cannot drop axis \(axis) of \(self)") }
        var shape = shape
        shape.remove(at: axis)
        return reshaped(shape)
    }

    /// 0 keeps a dimension as it is.
    func reshaped(_ target: TensorValue) throws(OperatorError) -> TensorValue {
        var shape = try target.indices()
        for axis in shape.indices where shape[axis] == 0 {
            guard axis < self.shape.count else {
                throw OperatorError("cannot give \(self) the shape \(shape)")
            }
            shape[axis] = self.shape[axis]
        }
        guard try Self.checkedCount(shape) == count else {
            throw OperatorError("cannot give \(self) the shape \(shape)")
        }
        return reshaped(shape)
    }

    func summed(_ axes: TensorValue, keepsDimension: Bool) throws(OperatorError) -> TensorValue {
        let axis = try axes.axis(rank: shape.count)
        let sizes = split(at: axis)
        var shape = shape
        if keepsDimension { shape[axis] = 1 } else { shape.remove(at: axis) }
        try Self.checkedCount(shape)
        switch elements {
        case .float(let values):
            return TensorValue(shape, .float(Self.sums(values, sizes, zero: 0) { $0 + $1 }))
        case .int32(let values):
            return TensorValue(shape, .int32(Self.sums(values, sizes, zero: 0) { $0 &+ $1 }))
        case .double, .int64, .bool:
            throw OperatorError("is given \(self), needs float or int32")
        }
    }

    @inline(__always)
    private static func sums<Element>(
        _ values: [Element],
        _ sizes: (outer: Int, size: Int, inner: Int),
        zero: Element,
        add: (Element, Element) -> Element
    ) -> [Element] {
        var result = [Element](repeating: zero, count: sizes.outer * sizes.inner)
        var output = result.mutableSpan
        for outer in 0..<sizes.outer {
            for index in 0..<sizes.size {
                let start = (outer * sizes.size + index) * sizes.inner
                let source = values.span.extracting(start..<start + sizes.inner)
                let target = outer * sizes.inner
                for inner in source.indices {
                    output[target + inner] = add(output[target + inner], source[inner])
                }
            }
        }
        return result
    }
}

extension [Float] {
    /// Appends a part of other values, without a slice of them, which would count references.
    @inline(__always)
    fileprivate mutating func append(_ values: [Float], _ range: Range<Int>) {
        unsafe values.withUnsafeBufferPointer {
            unsafe append(contentsOf: UnsafeBufferPointer(rebasing: $0[range]))
        }
    }
}
