internal import Foundation
internal import ONNXMessages

// Operators that treat every element alike.

enum UnaryOperator: String {
    case abs = "Abs"
    case exp = "Exp"
    case log = "Log"
    case neg = "Neg"
    case relu = "Relu"
    case sign = "Sign"

    func apply(_ value: TensorValue) throws(OperatorError) -> TensorValue {
        switch (self, value.elements) {
        case (.abs, .float(let values)):
            TensorValue(value.shape, .float(values.map { Swift.abs($0) }))
        case (.relu, .float(let values)):
            TensorValue(value.shape, .float(values.map { $0 < 0 ? 0 : $0 }))
        case (.abs, .double(let values)):
            TensorValue(value.shape, .double(values.map { Swift.abs($0) }))
        case (.exp, .double(let values)):
            TensorValue(value.shape, .double(values.map { Foundation.exp($0) }))
        case (.log, .double(let values)):
            TensorValue(value.shape, .double(values.map { Foundation.log($0) }))
        case (.neg, .double(let values)):
            TensorValue(value.shape, .double(values.map { -$0 }))
        case (.sign, .double(let values)):
            TensorValue(value.shape, .double(values.map { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }))
        default:
            throw OperatorError("is given \(value), which it is not used for")
        }
    }
}

enum BinaryOperator: String {
    case add = "Add"
    case div = "Div"
    case max = "Max"
    case min = "Min"
    case mul = "Mul"
    case sub = "Sub"

    func apply(_ a: TensorValue, _ b: TensorValue) throws(OperatorError) -> TensorValue {
        let broadcast = try Broadcast(a.shape, b.shape)
        switch (a.elements, b.elements) {
        case (.float(let first), .float(let second)):
            return TensorValue(broadcast.shape, .float(apply(broadcast, first, second)))
        case (.double(let first), .double(let second)):
            return TensorValue(broadcast.shape, .double(apply(broadcast, first, second)))
        default:
            throw OperatorError("is given \(a) and \(b), needs float or double")
        }
    }

    private func apply<Element: FloatingPoint & BitwiseCopyable>(
        _ broadcast: Broadcast,
        _ a: [Element],
        _ b: [Element]
    ) -> [Element] {
        switch self {
        case .add: broadcast.combine(a, b) { $0 + $1 }
        case .sub: broadcast.combine(a, b) { $0 - $1 }
        case .mul: broadcast.combine(a, b) { $0 * $1 }
        case .div: broadcast.combine(a, b) { $0 / $1 }
        // A NaN on either side stays one.
        case .max: broadcast.combine(a, b) { $1 > $0 || $1.isNaN ? $1 : $0 }
        case .min: broadcast.combine(a, b) { $1 < $0 || $1.isNaN ? $1 : $0 }
        }
    }
}

enum Comparison: String {
    case greater = "Greater"
    case greaterOrEqual = "GreaterOrEqual"
    case less = "Less"

    func apply(_ a: TensorValue, _ b: TensorValue) throws(OperatorError) -> TensorValue {
        let broadcast = try Broadcast(a.shape, b.shape)
        let result =
            switch (a.elements, b.elements) {
            case (.float(let first), .float(let second)): compare(broadcast, first, second)
            case (.double(let first), .double(let second)): compare(broadcast, first, second)
            case (.int64(let first), .int64(let second)): compare(broadcast, first, second)
            default: throw OperatorError("is given \(a) and \(b), needs two of one type")
            }
        return TensorValue(broadcast.shape, .bool(result))
    }

    private func compare<Element: Comparable & BitwiseCopyable>(
        _ broadcast: Broadcast,
        _ a: [Element],
        _ b: [Element]
    ) -> [Bool] {
        switch self {
        case .greater: broadcast.combine(a, b) { $0 > $1 }
        case .greaterOrEqual: broadcast.combine(a, b) { $0 >= $1 }
        case .less: broadcast.combine(a, b) { $0 < $1 }
        }
    }
}

extension TensorValue {
    /// Where: elements of the first where the condition holds, of the second elsewhere.
    static func chosen(
        _ condition: TensorValue,
        _ first: TensorValue,
        _ second: TensorValue
    ) throws(OperatorError) -> TensorValue {
        let isFirst = try condition.bools()
        let broadcast = try Broadcast(condition.shape, first.shape, second.shape)
        let elements: Elements =
            switch (first.elements, second.elements) {
            case (.float(let a), .float(let b)): .float(broadcast.choose(isFirst, a, b))
            case (.double(let a), .double(let b)): .double(broadcast.choose(isFirst, a, b))
            case (.int32(let a), .int32(let b)): .int32(broadcast.choose(isFirst, a, b))
            case (.int64(let a), .int64(let b)): .int64(broadcast.choose(isFirst, a, b))
            default: throw OperatorError("is given \(first) and \(second), needs two of one type")
            }
        return TensorValue(broadcast.shape, elements)
    }

    /// Clip: values within two bounds.
    func clipped(_ lower: TensorValue, _ upper: TensorValue) throws(OperatorError) -> TensorValue {
        guard lower.count == 1, upper.count == 1, lower.shape.isEmpty, upper.shape.isEmpty else {
            throw OperatorError("is given bounds \(lower) and \(upper), needs two numbers")
        }
        return try BinaryOperator.min.apply(BinaryOperator.max.apply(self, lower), upper)
    }

    func cast(to type: ONNXTensorProto.DataType) throws(OperatorError) -> TensorValue {
        switch (elements, type) {
        case (.bool(let values), .float): TensorValue(shape, .float(values.map { $0 ? 1 : 0 }))
        case (.bool(let values), .int32): TensorValue(shape, .int32(values.map { $0 ? 1 : 0 }))
        case (.float(let values), .double): TensorValue(shape, .double(values.map(Double.init)))
        case (.double(let values), .float): TensorValue(shape, .float(values.map { Float($0) }))
        default: throw OperatorError("is given \(self), which it is not used for")
        }
    }

    /// Softmax along the last axis.
    func softmax(axis: Int) throws(OperatorError) -> TensorValue {
        guard try Self.axis(axis, rank: shape.count) == shape.count - 1 else {
            throw OperatorError("is given axis \(axis) of \(self), needs the last")
        }
        var values = try floats()
        let size = shape[shape.count - 1]
        for start in stride(from: 0, to: values.count, by: Swift.max(size, 1)) {
            let range = start..<start + size
            let greatest = values[range].reduce(-.infinity) { Swift.max($0, $1) }
            var sum: Float = 0
            for index in range {
                values[index] = exp(values[index] - greatest)
                sum += values[index]
            }
            for index in range { values[index] /= sum }
        }
        return TensorValue(shape, .float(values))
    }
}
