internal import Foundation
internal import StateCoding

/// A manifest's text ends in a checksum of all that stands before it, so that an altered position
/// is noticed like an altered weight.
public enum ManifestText {
    private static let seal = ",\n  \"manifest_checksum\" : \""

    public static func encode(_ manifest: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var text = Array(try encoder.encode(manifest))
        precondition(text.suffix(2) == Array("\n}".utf8), "a manifest is an object with members")
        text.removeLast(2)
        text += Array((seal + checksum(of: text) + "\"\n}\n").utf8)
        return text
    }

    /// - Throws: `ManifestDamage` for a text that is cut or altered, else as `JSONDecoder` does.
    public static func decode<Value: Decodable>(
        _ type: Value.Type,
        from text: [UInt8]
    ) throws -> Value {
        let tail = Array((seal + String(repeating: "0", count: 16) + "\"\n}\n").utf8)
        guard text.count > tail.count else { throw ManifestDamage(reason: "is too short") }
        let sealed = Array(text.dropLast(tail.count))
        guard
            Array(text.suffix(tail.count)) == Array((seal + checksum(of: sealed) + "\"\n}\n").utf8)
        else { throw ManifestDamage(reason: "does not match its own checksum") }
        return try JSONDecoder().decode(type, from: Data(text))
    }

    private static func checksum(of bytes: [UInt8]) -> String {
        var digest = Checksum()
        unsafe digest.update(bytes.span.bytes)
        return digest.text
    }
}

/// What is wrong with a manifest's text.
public struct ManifestDamage: Error, Sendable {
    public var reason: String
}
