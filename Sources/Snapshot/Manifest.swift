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

    /// Whether an LZ4 frame in the snapshot's own directory could be this: it holds at most 255 times
    /// its size.
    var isPossible: Bool {
        name.hasSuffix(".lz4")
            && name.dropLast(4).utf8.allSatisfy {
                $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
            }
            && (0...1 << 50).contains(bytes) && (0...bytes * 255).contains(contentBytes)
    }
}

/// `manifest.json`: what a snapshot is (`Body`, for people and scripts) and which files it has.
public struct Manifest<Body: Codable & Sendable>: Codable, Sendable {
    public var formatVersion: Int
    public var files: [FileEntry]
    public var body: Body

    /// Whether it holds a sample of impressions, as all but those of format 2 do.
    public var hasSample: Bool { formatVersion >= 3 }

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

/// The version of the snapshot format that this program writes. It also reads 2, which has no sample of
/// impressions; 1 was never released.
public let snapshotFormatVersion = 3

/// The versions that this program reads.
let readableFormatVersions = 2...snapshotFormatVersion
