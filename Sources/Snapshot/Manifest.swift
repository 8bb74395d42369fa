internal import Foundation
internal import StateCoding

/// A file of a snapshot, as the manifest vouches for it.
public struct FileEntry: Codable, Equatable, Sendable {
    public var name: String
    /// Size on disk.
    public var bytes: Int
    /// Size of the content, before compression.
    public var contentBytes: Int
    /// XXH3-64 of the file, 16 hexadecimal digits.
    public var checksum: String

    enum CodingKeys: String, CodingKey {
        case name, bytes, checksum
        case contentBytes = "content_bytes"
    }
}

/// `manifest.json`: what a snapshot is (`Body`, for people and scripts) and which files it has.
public struct Manifest<Body: Codable & Sendable>: Codable, Sendable {
    public var formatVersion: Int
    public var files: [FileEntry]
    public var body: Body

    private enum CodingKeys: String, CodingKey {
        case formatVersion = "format_version"
        case files
    }

    init(files: [FileEntry], body: Body) {
        formatVersion = snapshotFormatVersion
        self.files = files
        self.body = body
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        formatVersion = try container.decode(Int.self, forKey: .formatVersion)
        files = try container.decode([FileEntry].self, forKey: .files)
        body = try Body(from: decoder)
    }

    /// The body's keys stand beside the manifest's own.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(formatVersion, forKey: .formatVersion)
        try container.encode(files, forKey: .files)
        try body.encode(to: encoder)
    }
}

/// The version of the snapshot format that this program writes and reads. 1 was never released.
public let snapshotFormatVersion = 2

/// The manifest's text ends in a checksum of all that stands before it, so that an altered position
/// is noticed like an altered weight.
enum ManifestText {
    private static let seal = ",\n  \"manifest_checksum\" : \""

    static func encode(_ manifest: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        var text = Array(try encoder.encode(manifest))
        precondition(text.suffix(2) == Array("\n}".utf8), "a manifest is an object with members")
        text.removeLast(2)
        text += Array((seal + checksum(of: text) + "\"\n}\n").utf8)
        return text
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from text: [UInt8]) throws -> Value {
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

struct ManifestDamage: Error {
    var reason: String
}
