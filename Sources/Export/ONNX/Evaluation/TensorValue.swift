internal import ONNXMessages

/// Why an operator cannot be applied to what it is given.
struct OperatorError: Error {
    var reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// A dense tensor, row-major, that the evaluator computes with.
struct TensorValue {
    enum Elements {
        case float([Float])
        case double([Double])
        case int32([Int32])
        case int64([Int64])
        case bool([Bool])
    }

    let shape: [Int]
    let elements: Elements

    init(_ shape: [Int], _ elements: Elements) {
        self.shape = shape
        self.elements = elements
        precondition(count == shape.reduce(1, *))
    }

    var count: Int {
        switch elements {
        case .float(let values): values.count
        case .double(let values): values.count
        case .int32(let values): values.count
        case .int64(let values): values.count
        case .bool(let values): values.count
        }
    }

    var type: ONNXTensorProto.DataType {
        switch elements {
        case .float: .float
        case .double: .double
        case .int32: .int32
        case .int64: .int64
        case .bool: .bool
        }
    }

    func reshaped(_ shape: [Int]) -> TensorValue { TensorValue(shape, elements) }
}

extension TensorValue: CustomStringConvertible {
    /// "float [256, 8]"
    var description: String { "\(type) \(shape)" }
}

// What operators ask of their inputs.
extension TensorValue {
    func floats() throws(OperatorError) -> [Float] {
        guard case .float(let values) = elements else {
            throw OperatorError("is given \(self), needs float")
        }
        return values
    }

    func bools() throws(OperatorError) -> [Bool] {
        guard case .bool(let values) = elements else {
            throw OperatorError("is given \(self), needs bool")
        }
        return values
    }

    /// Row indices, of either integer type.
    func indices() throws(OperatorError) -> [Int] {
        switch elements {
        case .int32(let values): values.map(Int.init)
        case .int64(let values): values.map(Int.init)
        case .float, .double, .bool: throw OperatorError("is given \(self), needs integers")
        }
    }

    /// The single axis that a vector holds, counted from the front.
    func axis(rank: Int) throws(OperatorError) -> Int {
        let axes = try indices()
        guard axes.count == 1 else { throw OperatorError("is given \(axes.count) axes, needs one") }
        return try Self.axis(axes[0], rank: rank)
    }

    static func axis(_ axis: Int, rank: Int) throws(OperatorError) -> Int {
        guard axis >= -rank, axis < rank else {
            throw OperatorError("is given axis \(axis) of \(rank)")
        }
        return axis < 0 ? axis + rank : axis
    }

    /// Sizes before, at and behind an axis.
    func split(at axis: Int) -> (outer: Int, size: Int, inner: Int) {
        (shape[..<axis].reduce(1, *), shape[axis], shape[(axis + 1)...].reduce(1, *))
    }

    /// Elements that a tensor, or all that are alive at a time, may have: no claim of a file makes
    /// the evaluator allocate more.
    static let countMax = 1 << 26

    @discardableResult
    static func checkedCount(_ shape: [Int]) throws(OperatorError) -> Int {
        // As if no dimension were 0, so that no part of the shape is too large either.
        var bound = 1
        for size in shape {
            let (product, overflows) = bound.multipliedReportingOverflow(by: max(size, 1))
            guard size >= 0, !overflows, product <= countMax else {
                throw OperatorError("would make a tensor \(shape), too large")
            }
            bound = product
        }
        return shape.contains(0) ? 0 : bound
    }
}
