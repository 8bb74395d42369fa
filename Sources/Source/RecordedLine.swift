/// How a recorded file's line says which record of a topic it was.
///
/// The line is the record's JSON object with two fields before all others, in exactly this form:
/// `{"_offset":123,"_timestamp":456,` and the rest of the object. -1 stands for a record without
/// timestamp. A line of any other form is an ordinary line.
public struct RecordedLine: Equatable, Sendable {
    public var offset: Int64
    /// Milliseconds since the epoch.
    public var timestamp: Int64?
    /// The length of `{"_offset":123,"_timestamp":456,`.
    public var prefixCount: Int

    /// No prefix is longer, bytes.
    public static let prefixBytesMax = 64

    /// Reads the prefix of a line; nil if it has none.
    public init?(_ line: Span<UInt8>) {
        var index = 0
        guard Self.skip(#"{"_offset":"#, line, &index), let offset = Self.number(line, &index),
            Self.skip(#","_timestamp":"#, line, &index)
        else { return nil }
        self.offset = offset
        if Self.skip("-1", line, &index) {
            timestamp = nil
        } else {
            guard let time = Self.number(line, &index) else { return nil }
            timestamp = time
        }
        guard Self.skip(",", line, &index) else { return nil }
        prefixCount = index
    }

    /// The prefix of a record's line, to be followed by its object without the opening brace.
    public static func prefix(offset: Int64, timestamp: Int64?) -> String {
        #"{"_offset":\#(offset),"_timestamp":\#(timestamp ?? -1),"#
    }

    private static func skip(
        _ text: StaticString,
        _ line: Span<UInt8>,
        _ index: inout Int
    ) -> Bool {
        guard line.count - index >= text.utf8CodeUnitCount else { return false }
        for position in 0..<text.utf8CodeUnitCount
        where unsafe line[index + position] != text.utf8Start[position] {
            return false
        }
        index += text.utf8CodeUnitCount
        return true
    }

    /// Digits that fit an Int64.
    private static func number(_ line: Span<UInt8>, _ index: inout Int) -> Int64? {
        var value: Int64 = 0
        let start = index
        while index < line.count, let digit = line[index].decimalDigit {
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowsToo) = product.addingReportingOverflow(digit)
            if overflows || overflowsToo { return nil }
            value = sum
            index += 1
        }
        return index > start ? value : nil
    }
}

extension UInt8 {
    fileprivate var decimalDigit: Int64? {
        self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9")
            ? Int64(self - UInt8(ascii: "0")) : nil
    }
}
