extension [UInt8] {
    mutating func append(text: String) {
        var text = text
        text.withUTF8 { unsafe append(contentsOf: $0) }
    }

    /// Appends a finite number, as the shortest text that reads back as the same.
    mutating func append(number: Double) { append(text: number.description) }

    /// Appends UTF-8 as a JSON string.
    mutating func append(jsonString text: ArraySlice<UInt8>) {
        append(UInt8(ascii: "\""))
        var start = text.startIndex
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
                continue
            }
            append(contentsOf: text[start..<index])
            start = index + 1
            append(UInt8(ascii: "\\"))
            if byte < 0x20 {
                append(text: byte < 0x10 ? "u000" : "u00")
                append(text: String(byte, radix: 16))
            } else {
                append(byte)
            }
        }
        append(contentsOf: text[start...])
        append(UInt8(ascii: "\""))
    }
}
