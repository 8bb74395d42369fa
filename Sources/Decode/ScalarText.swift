/// The decimal text of an integer, without an allocation.
struct DecimalText {
    private var digits = InlineArray<20, UInt8>(repeating: 0)
    private var start = 20

    init(magnitude: UInt64, isNegative: Bool) {
        var rest = magnitude
        repeat {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        if isNegative {
            start -= 1
            digits[start] = UInt8(ascii: "-")
        }
    }

    @inline(__always)
    func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(digits.span.extracting(start..<20))
    }
}

extension JSONObjectReader {
    /// Lends the text that identifies a string or an integer: 712 and "712" have the same.
    /// nil if the value is neither.
    @inline(__always)
    func withText<Result>(of value: JSONValue, _ body: (Span<UInt8>) -> Result) -> Result? {
        switch value {
        case .string(let text):
            withBytes(of: text, body)
        case .signed(let integer):
            DecimalText(magnitude: integer.magnitude, isNegative: integer < 0).withBytes(body)
        case .unsigned(let integer):
            DecimalText(magnitude: integer, isNegative: false).withBytes(body)
        case .absent, .null, .boolean, .object, .double, .list:
            nil
        }
    }
}
