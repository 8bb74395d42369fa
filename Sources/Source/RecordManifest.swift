internal import Events
internal import Foundation

/// `record.json` in a folder of recorded topics: which files there are, how far each is written, and how
/// far all of them are complete.
///
/// It is replaced whole after its files are durable. What a crash leaves behind the lengths it states
/// is cut off by the next recording, and read by nobody.
struct RecordManifest: Codable {
    static let name = "record.json"
    private static let formatVersion = 1

    /// One topic partition's file.
    struct File: Codable {
        var file: String
        /// The plural of the role.
        var role: String
        var topic: String
        var partition: Int32
        /// As far as a recording came to the ends that it set out for; nil before the first did.
        var complete: Extent?
        /// As far as the file is durable.
        var written: Extent
    }

    /// How far a file goes.
    struct Extent: Codable {
        /// The next offset to be recorded.
        var position: Int64
        /// The file's length.
        var bytes: Int64
        /// XXH3-64 of the last record's payload, hexadecimal; absent where it had none.
        var lastRecordHash: String?

        private enum CodingKeys: String, CodingKey {
            case position, bytes
            case lastRecordHash = "last_record_hash"
        }

        init(position: Int64, bytes: Int64 = 0, lastPayloadHash: UInt64? = nil) {
            self.position = position
            self.bytes = bytes
            lastRecordHash = lastPayloadHash.map { String($0, radix: 16) }
        }

        var resumePoint: ResumePoint {
            ResumePoint(
                position: position,
                lastPayloadHash: lastRecordHash.flatMap { UInt64($0, radix: 16) }
            )
        }
    }

    private var format = Self.formatVersion
    var isCompressed: Bool
    var files: [File] = []

    private enum CodingKeys: String, CodingKey {
        case format, files
        case isCompressed = "compressed"
    }

    init(isCompressed: Bool) {
        self.isCompressed = isCompressed
    }

    /// Reads a folder's manifest; nil if it has none.
    static func read(folder: String) throws(SourceError) -> RecordManifest? {
        let path = "\(folder)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let manifest: RecordManifest
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            manifest = try JSONDecoder().decode(RecordManifest.self, from: data)
        } catch {
            throw SourceError(
                "\(path): cannot be read as the manifest of a record; bring it back, or record "
                    + "into a new folder"
            )
        }
        guard manifest.format == formatVersion else {
            throw SourceError("\(path): format \(manifest.format), this version reads only 1")
        }
        for file in manifest.files where !manifest.isSound(file) {
            throw SourceError("\(path): impossible values for \(file.file)")
        }
        return manifest
    }

    func write(folder: String) throws(SourceError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else {
            preconditionFailure("a manifest has only texts and integers")
        }
        try OutputFile("\(folder)/\(Self.name)").replace(with: Array(data) + Array("\n".utf8))
    }

    private func isSound(_ file: File) -> Bool {
        guard let role = Role.allCases.first(where: { $0.plural == file.role }),
            file.file == fileName(role: role, number: file.partition)
        else { return false }
        return [file.written, file.complete ?? file.written].allSatisfy {
            $0.position >= 0 && $0.bytes >= 0 && $0.bytes <= file.written.bytes
                && $0.position <= file.written.position
        }
    }

    /// The role, and the partition's number with zeros before it: names sort as the partitions do.
    func fileName(role: Role, number: Int32) -> String {
        let digits = String(number)
        return "\(role.plural)-\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits)"
            + (isCompressed ? ".jsonl.lz4" : ".jsonl")
    }
}

extension RecordManifest.File {
    /// The topic partition; nil if the role is none.
    var topicPartition: Partition? {
        Role.allCases.first { $0.plural == role }.map {
            Partition(role: $0, name: topic, number: partition)
        }
    }
}
