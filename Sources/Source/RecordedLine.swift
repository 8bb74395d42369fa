/// How a recorded file's line says which record of a topic it was, and what the record held.
///
/// Every form begins with the record's offset and timestamp, in exactly this way, -1 standing for a
/// record without timestamp; a line of any other form is an ordinary line:
///
/// | line | record |
/// |---|---|
/// | `{"_offset":5,"_timestamp":1,"a":7}` | the object `{"a":7}` |
/// | `{"_offset":5,"_timestamp":1,"_null":true}` | a null value (tombstone) |
/// | `{"_offset":5,"_timestamp":-1,"_corrupt":3}` | a corrupt batch that held offsets 5, 6 and 7 |
/// | `{"_offset":5,"_timestamp":1,"_base64":"…"}` | any other payload, byte for byte |
///
/// The object's own bytes follow the prefix, so that it has the same hash as the topic's record.
public struct RecordedLine: Equatable, Sendable {
    public enum Content: Equatable, Sendable {
        /// The payload is "{" and what follows the prefix.
        case object
        case null
        case corrupt(offsetCount: Int64)
        /// The payload's base64 follows the prefix, and `"}` follows that.
        case base64
    }

    public var offset: Int64
    /// Milliseconds since the epoch.
    public var timestamp: Int64?
    public var content: Content
    /// The length of `{"_offset":123,"_timestamp":456,`, with `"_base64":"` where that follows.
    public var prefixCount: Int

    /// No prefix is longer, bytes; nor is a line without a payload.
    public static let prefixBytesMax = 96

    /// Reads a line, or a line's beginning; nil if it has no prefix.
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
        content = Self.content(line, &index)
        prefixCount = index
    }

    /// What follows offset and timestamp; `index` moves on to the payload.
    private static func content(_ line: Span<UInt8>, _ index: inout Int) -> Content {
        if skip(#""_base64":""#, line, &index) { return .base64 }
        var end = index
        if skip(#""_null":true}"#, line, &end), end == line.count { return .null }
        end = index
        if skip(#""_corrupt":"#, line, &end), let count = number(line, &end), count > 0,
            skip("}", line, &end), end == line.count
        {
            return .corrupt(offsetCount: count)
        }
        return .object
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

extension RecordedLine {
    /// The prefix of a record's line, to be followed by its object without the opening brace.
    public static func prefix(offset: Int64, timestamp: Int64?) -> String {
        #"{"_offset":\#(offset),"_timestamp":\#(timestamp ?? -1),"#
    }

    /// Appends the line of a record that holds a payload, with its end.
    public static func append(
        _ header: RecordHeader,
        payload: Span<UInt8>,
        to lines: inout [UInt8]
    ) {
        lines += prefix(offset: header.offset, timestamp: header.timestamp).utf8
        if isPlain(payload) {
            for index in 1..<payload.count { lines.append(payload[index]) }
            lines.append(UInt8(ascii: "\n"))
        } else {
            lines += #""_base64":""#.utf8
            Base64.append(payload, to: &lines)
            lines += "\"}\n".utf8
        }
    }

    /// Appends the line of a null value, with its end.
    public static func appendNull(_ header: RecordHeader, to lines: inout [UInt8]) {
        lines += prefix(offset: header.offset, timestamp: header.timestamp).utf8
        lines += "\"_null\":true}\n".utf8
    }

    /// Appends the line of a corrupt batch, with its end.
    public static func appendCorrupt(_ header: RecordHeader, to lines: inout [UInt8]) {
        lines += prefix(offset: header.offset, timestamp: header.timestamp).utf8
        lines += "\"_corrupt\":\(header.offsetCount)}\n".utf8
    }

    /// Whether a payload can stand in its line as it is: one line of UTF-8 that looks like an object with
    /// at least one field, the first of which is not one of ours.
    private static func isPlain(_ payload: Span<UInt8>) -> Bool {
        guard payload.count > 2, payload[0] == UInt8(ascii: "{"),
            payload[payload.count - 1] == UInt8(ascii: "}")
        else { return false }
        var name = 1
        while payload[name] == UInt8(ascii: " ") { name += 1 }
        guard payload[name] == UInt8(ascii: "\""), payload[name + 1] != UInt8(ascii: "_") else {
            return false
        }
        for index in 0..<payload.count where payload[index] < 0x20 { return false }
        return (try? UTF8Span(validating: payload)) != nil
    }
}

extension UInt8 {
    fileprivate var decimalDigit: Int64? {
        self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9")
            ? Int64(self - UInt8(ascii: "0")) : nil
    }
}
