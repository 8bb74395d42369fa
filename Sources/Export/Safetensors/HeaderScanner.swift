/// Reads a safetensors header, JSON whose nesting is known: so nothing here recurses, and nothing is
/// allocated but for what is there.
struct HeaderScanner {
    private let bytes: [UInt8]
    private var next = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// An object; `member` reads the value of each key.
    mutating func object(
        _ member: (String, inout HeaderScanner) throws(SafetensorsFlaw) -> Void
    ) throws(SafetensorsFlaw) {
        try expect("{")
        if skip("}") { return }
        repeat {
            let key = try text()
            try expect(":")
            try member(key, &self)
        } while skip(",")
        try expect("}")
    }

    /// An object of texts.
    mutating func texts() throws(SafetensorsFlaw) -> [(key: String, value: String)] {
        var texts: [(key: String, value: String)] = []
        var keys: Set<String> = []
        try object { (key, scanner) throws(SafetensorsFlaw) in
            guard keys.insert(key).inserted else {
                throw SafetensorsFlaw("has \(key.quoted) twice in __metadata__")
            }
            texts.append((key, try scanner.text()))
        }
        return texts
    }

    /// What is said of a tensor.
    mutating func tensor(name: String) throws(SafetensorsFlaw) -> SafetensorsTensor {
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        try object { (key, scanner) throws(SafetensorsFlaw) in
            switch key {
            case "dtype" where type == nil: type = try scanner.text()
            case "shape" where shape == nil: shape = try scanner.integers()
            case "data_offsets" where offsets == nil: offsets = try scanner.integers()
            default: throw SafetensorsFlaw("says \(key.quoted) of \(name.quoted)")
            }
        }
        guard let type, let shape, let offsets else {
            throw SafetensorsFlaw("does not say dtype, shape and data_offsets of \(name.quoted)")
        }
        guard type == "F32" else {
            throw SafetensorsFlaw("says that \(name.quoted) is \(type.quoted), expected F32")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw SafetensorsFlaw("has data_offsets of \(name.quoted) that are no range")
        }
        var size = 4
        for length in shape {
            let (product, isTooLarge) = size.multipliedReportingOverflow(by: length)
            guard !isTooLarge else {
                throw SafetensorsFlaw("has a shape of \(name.quoted) that is too large")
            }
            size = product
        }
        guard size == offsets[1] - offsets[0] else {
            throw SafetensorsFlaw(
                "gives \(name.quoted) \(offsets[1] - offsets[0]) bytes, its shape is \(shape)"
            )
        }
        return SafetensorsTensor(name: name, shape: shape, bytes: offsets[0]..<offsets[1])
    }

    /// Refuses anything but space after the end.
    mutating func end() throws(SafetensorsFlaw) {
        skipSpace()
        guard next == bytes.count else { throw flaw("nothing more") }
    }

    private mutating func integers() throws(SafetensorsFlaw) -> [Int] {
        try expect("[")
        var integers: [Int] = []
        if skip("]") { return integers }
        repeat { integers.append(try integer()) } while skip(",")
        try expect("]")
        return integers
    }

    /// A whole number of at most 18 digits, not negative.
    private mutating func integer() throws(SafetensorsFlaw) -> Int {
        skipSpace()
        let digits = bytes[next...].prefix(19).prefix {
            (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0
        }
        guard (1...18).contains(digits.count),
            digits.count == 1 || digits.first != UInt8(ascii: "0")
        else { throw flaw("a whole number") }
        next += digits.count
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private mutating func text() throws(SafetensorsFlaw) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while next < bytes.count, bytes[next] != UInt8(ascii: "\"") {
            guard bytes[next] >= 0x20 else { throw flaw("text without control characters") }
            if bytes[next] == UInt8(ascii: "\\") {
                next += 1
                text += String(try escaped()).utf8
            } else {
                text.append(bytes[next])
                next += 1
            }
        }
        try expect("\"")
        guard let valid = String(validating: text, as: UTF8.self) else { throw flaw("UTF-8 text") }
        return valid
    }

    /// What follows a backslash.
    private mutating func escaped() throws(SafetensorsFlaw) -> Unicode.Scalar {
        guard next < bytes.count else { throw flaw("an escaped character") }
        let letter = bytes[next]
        next += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw flaw("an escaped character")
        }
        var code = try codeUnit()
        if 0xD800..<0xDC00 ~= code, bytes[next...].starts(with: Array("\\u".utf8)) {
            next += 2
            let low = try codeUnit()
            guard 0xDC00..<0xE000 ~= low else { throw flaw("the second half of a character") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw flaw("a whole character") }
        return scalar
    }

    private mutating func codeUnit() throws(SafetensorsFlaw) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard next < bytes.count,
                let digit = Character(Unicode.Scalar(bytes[next])).hexDigitValue
            else { throw flaw("four hexadecimal digits") }
            code = code << 4 + UInt32(digit)
            next += 1
        }
        return code
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsFlaw) {
        guard skip(character) else { throw flaw("'\(character)'") }
    }

    private mutating func skip(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard next < bytes.count, bytes[next] == UInt8(ascii: character) else { return false }
        next += 1
        return true
    }

    private mutating func skipSpace() {
        while next < bytes.count {
            switch bytes[next] {
            case 0x20, 0x09, 0x0A, 0x0D: next += 1
            default: return
            }
        }
    }

    private func flaw(_ expected: String) -> SafetensorsFlaw {
        SafetensorsFlaw("is not JSON as expected: at byte \(next) there is not \(expected)")
    }
}
