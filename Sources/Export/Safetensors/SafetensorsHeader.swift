/// One tensor of a safetensors file.
public struct SafetensorsTensor: Equatable, Sendable {
    public let name: String
    /// Row-major.
    public let shape: [Int]
    /// Where its values are, from the first byte after the header.
    public let bytes: Range<Int>
}

/// The header of a safetensors file: what tensors it has, and text about them.
///
/// ```
/// 8 bytes   the header's length, little-endian
/// header    {"__metadata__": {"key": "text", …},
///            "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
///           padded with spaces, so that the values begin at a multiple of 8
/// values    little-endian, tensor after tensor, without a gap
/// ```
struct SafetensorsHeader: Equatable {
    var metadata: [(key: String, value: String)]
    /// In the order of their values.
    var tensors: [SafetensorsTensor]

    /// A longer header is refused, as by the format's own library.
    static let bytesMax = 100_000_000

    var valueBytes: Int { tensors.last?.bytes.upperBound ?? 0 }

    static func == (left: Self, right: Self) -> Bool {
        left.tensors == right.tensors && left.metadata.map(\.key) == right.metadata.map(\.key)
            && left.metadata.map(\.value) == right.metadata.map(\.value)
    }
}

/// Why a header was refused.
struct SafetensorsFlaw: Error {
    var reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

// Writing

extension SafetensorsHeader {
    /// The header with its length before it.
    var encoded: [UInt8] {
        var text = "{"
        if !metadata.isEmpty {
            let pairs = metadata.map { "\(jsonText($0.key)):\(jsonText($0.value))" }
            text += "\"__metadata__\":{\(pairs.joined(separator: ","))}"
        }
        for tensor in tensors {
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            text += text.utf8.count > 1 ? "," : ""
            text += "\(jsonText(tensor.name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],"
            text += "\"data_offsets\":[\(tensor.bytes.lowerBound),\(tensor.bytes.upperBound)]}"
        }
        text += "}"
        text += String(repeating: " ", count: (8 - text.utf8.count % 8) % 8)
        return unsafe withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) {
            unsafe Array($0)
        } + Array(text.utf8)
    }
}

private func jsonText(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case _ where scalar.value < 0x20:
            let digits = String(scalar.value, radix: 16)
            quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

// Reading

extension SafetensorsHeader {
    /// - Parameters:
    ///   - json: the header without its length.
    ///   - valueBytes: what the file has after it.
    init(_ json: [UInt8], valueBytes: Int) throws(SafetensorsFlaw) {
        var scanner = HeaderScanner(json)
        metadata = []
        tensors = []
        var names: Set<String> = []
        try scanner.object { (key, scanner) throws(SafetensorsFlaw) in
            guard names.insert(key).inserted else {
                throw SafetensorsFlaw("names \(key.quoted) twice")
            }
            if key == "__metadata__" {
                metadata = try scanner.texts()
            } else {
                tensors.append(try scanner.tensor(name: key))
            }
        }
        try scanner.end()
        try check(valueBytes: valueBytes)
    }

    /// The values of all tensors are the file's, each byte of exactly one.
    private mutating func check(valueBytes: Int) throws(SafetensorsFlaw) {
        tensors.sort {
            ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
        }
        var end = 0
        for tensor in tensors {
            guard tensor.bytes.lowerBound == end else {
                throw SafetensorsFlaw(
                    "says that \(tensor.name.quoted) begins at \(tensor.bytes.lowerBound), where "
                        + "those before it end at \(end)"
                )
            }
            end = tensor.bytes.upperBound
        }
        guard end == valueBytes else {
            throw SafetensorsFlaw("describes \(end) bytes of values, but \(valueBytes) follow it")
        }
    }
}

extension String {
    /// As errors show it, whatever it is.
    var quoted: String {
        let shown = unicodeScalars.prefix(60).map { $0.value < 0x20 ? " " : String($0) }.joined()
        return "\"\(shown)\(unicodeScalars.count > 60 ? "…" : "")\""
    }
}
