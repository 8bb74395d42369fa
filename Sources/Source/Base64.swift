/// Base64 with padding (RFC 4648), in buffers that are there already.
enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )
    private static let padding = UInt8(ascii: "=")
    private static let invalid: UInt8 = 64

    /// The digit by character, `invalid` where it is none.
    private static let digits: [UInt8] = {
        var digits = [UInt8](repeating: invalid, count: 256)
        for (digit, character) in alphabet.enumerated() {
            digits[Int(character)] = UInt8(digit)
        }
        return digits
    }()

    /// The length of the text of `byteCount` bytes.
    static func textCount(byteCount: Int) -> Int { (byteCount + 2) / 3 * 4 }

    /// The number of bytes that a text stands for of which only the length and the end are known.
    static func byteCount(textCount: Int, end: some BidirectionalCollection<UInt8>) -> Int {
        max(0, textCount / 4 * 3 - end.reversed().prefix { $0 == padding }.count)
    }

    static func append(_ bytes: Span<UInt8>, to text: inout [UInt8]) {
        var index = 0
        while index < bytes.count {
            let count = min(3, bytes.count - index)
            var group: UInt32 = 0
            for place in 0..<3 {
                group = group << 8 | (place < count ? UInt32(bytes[index + place]) : 0)
            }
            for place in 0..<4 {
                text.append(
                    place <= count
                        ? alphabet[Int(group >> (18 - 6 * UInt32(place)) & 63)] : padding
                )
            }
            index += 3
        }
    }

    /// Replaces the text in `range` by its bytes, at the range's start.
    /// - Returns: where the bytes are; nil if the text is no base64, exactly as `append` writes it.
    static func decode(_ range: Range<Int>, in buffer: inout [UInt8]) -> Range<Int>? {
        guard range.count % 4 == 0 else { return nil }
        var written = range.lowerBound
        for start in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
            let isLast = start + 4 == range.upperBound
            let padded =
                isLast ? buffer[start..<start + 4].reversed().prefix { $0 == padding }.count : 0
            guard padded <= 2 else { return nil }
            var group: UInt32 = 0
            for place in 0..<4 {
                let digit = place < 4 - padded ? digits[Int(buffer[start + place])] : 0
                guard digit != invalid else { return nil }
                group = group << 6 | UInt32(digit)
            }
            // What the padding cuts off must be nothing.
            guard padded == 0 || group & (padded == 1 ? 0xff : 0xffff) == 0 else { return nil }
            for place in 0..<3 - padded {
                buffer[written] = UInt8(truncatingIfNeeded: group >> (16 - 8 * UInt32(place)))
                written += 1
            }
        }
        return range.lowerBound..<written
    }
}
