public import Events

/// A folder of recorded events: `impressions*.jsonl`, `clicks*.jsonl` and `conversions*.jsonl`, plain or
/// compressed as `.jsonl.lz4`. Other files are ignored.
///
/// Each file is a partition, named as the file without its extensions and numbered within its role in
/// byte order of the names. Each line is a record, its number from 0 the offset, unless it carries
/// another (`RecordedLine`); offsets must increase. A blank line has a number but no record. Lines may end
/// in "\n" or "\r\n", the last one needs no end.
///
/// In a folder that `TopicRecorder` wrote, the files are those that its manifest lists, read as far as
/// they are complete; their numbers are the topics' partition numbers.
///
/// Files are read in pieces of 64 KiB; the memory per file is that and the longest record allowed, a third
/// more where it is in base64.
public struct FileSource: RecordSource, ~Copyable {
    public let partitions: [Partition]
    public let startPositions: [Int64]
    /// The files' size as they lie there, compressed or not.
    public let bytesTotal: Int
    private let files: [FilePartition]

    /// Opens the files.
    /// - Parameters:
    ///   - recordBytesMax: longer records are handed over as `.tooLarge`.
    ///   - resume: where to go on in each partition: empty at first, for all of the files when resuming.
    /// - Throws: if the folder or a file cannot be read, there are no impressions, a file is there both
    ///   plain and compressed, or the files are not those of `resume`. A file whose content is another
    ///   than was read before is noticed when it is first fetched from.
    public init(
        folder: String,
        recordBytesMax: Int,
        resume: [Partition: ResumePoint] = [:]
    ) throws(SourceError) {
        let found = try Self.find(in: folder)
        try Self.check(found.map(\.partition), against: resume, folder: folder)
        var files: [FilePartition] = []
        for file in found {
            files.append(
                try FilePartition(
                    path: file.path,
                    byteCountMax: file.byteCountMax,
                    recordBytesMax: recordBytesMax,
                    resume: resume[file.partition] ?? ResumePoint(position: 0)
                )
            )
        }
        self.files = files
        partitions = found.map(\.partition)
        startPositions = partitions.map { resume[$0]?.position ?? 0 }
        bytesTotal = files.reduce(0) { $0 + $1.file.byteCount }
    }

    /// How much of `bytesTotal` has been read.
    public var bytesRead: Int { files.reduce(0) { $0 + $1.file.bytesRead } }

    public var fractionRead: Double? {
        bytesTotal == 0 ? 1 : Double(bytesRead) / Double(bytesTotal)
    }

    /// Hands over up to 256 records; none only at the end of the file.
    /// - Throws: if the file cannot be read, is damaged, or its offsets do not increase. The records before
    ///   have been handed over then.
    public mutating func fetch(
        partition index: Int,
        into receive: RecordReceiver
    ) throws(SourceError) {
        try files[index].file.fetch(into: receive)
    }

    public func isAtEnd(partition index: Int) -> Bool { files[index].file.isAtEnd }

    /// One file to be read.
    private struct Found {
        var partition: Partition
        var path: String
        /// As far as it is read.
        var byteCountMax = Int.max
    }

    private static func find(in folder: String) throws(SourceError) -> [Found] {
        let files = try recordFiles(in: folder)
        let extents = try extents(folder: folder, files: files)
        var found: [Found] = []
        for role in Role.allCases {
            let named = files.filter { $0.hasPrefix(role.plural) }
                .compactMap { file in recordsName(of: file).map { (name: $0, file: file) } }
                .filter { extents == nil || extents?[$0.file] != nil }
                .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            for (number, (name, file)) in named.enumerated() {
                if number > 0 && named[number - 1].name == name {
                    throw SourceError(
                        "\(folder): both \(name).jsonl and \(name).jsonl.lz4; remove one of them"
                    )
                }
                found.append(
                    Found(
                        partition: Partition(role: role, name: name, number: Int32(number)),
                        path: "\(folder)/\(file)",
                        byteCountMax: extents?[file] ?? .max
                    )
                )
            }
        }
        guard found.first?.partition.role == .impression else {
            throw SourceError("\(folder): no impressions*.jsonl or impressions*.jsonl.lz4")
        }
        return found
    }

    /// The names of all files of records in a folder, in no order.
    static func recordFiles(in folder: String) throws(SourceError) -> [String] {
        try namesInFolder(folder).filter { file in
            recordsName(of: file) != nil && Role.allCases.contains { file.hasPrefix($0.plural) }
        }
    }

    /// How far a recording made each file complete; nil in a folder that no recording made. A file that
    /// no recording has completed yet is left out.
    private static func extents(
        folder: String,
        files: [String]
    ) throws(SourceError) -> [String: Int]? {
        guard let manifest = try RecordManifest.read(folder: folder) else { return nil }
        let complete = manifest.files.filter { $0.complete != nil }
        guard !complete.isEmpty else {
            throw SourceError(
                "\(folder): its recording did not come to the end; run freshet record again, "
                    + "which continues it"
            )
        }
        let known = Set(manifest.files.map(\.file))
        if let stranger = files.filter({ !known.contains($0) }).min() {
            throw SourceError(
                "\(folder): \(stranger) is not of the recording that \(RecordManifest.name) "
                    + "describes; remove the one or the other"
            )
        }
        var extents: [String: Int] = [:]
        for file in complete {
            let bytes = Int(file.complete?.bytes ?? 0)
            guard files.contains(file.file) else {
                throw SourceError("\(folder): \(file.file), which was recorded there, is missing")
            }
            let length = try FileDescriptor(reading: "\(folder)/\(file.file)").byteCount
            guard length >= bytes else {
                throw SourceError(
                    "\(folder)/\(file.file): \(length) bytes long, but \(bytes) were recorded; "
                        + "it was cut or replaced"
                )
            }
            extents[file.file] = bytes
        }
        return extents
    }

    /// A file's name without its extensions; nil if it is no file of records.
    private static func recordsName(of file: String) -> String? {
        for ending in [".jsonl", ".jsonl.lz4"] where file.hasSuffix(ending) {
            return String(file.dropLast(ending.count))
        }
        return nil
    }

    /// Positions are only good for the files they were taken in.
    private static func check(
        _ partitions: [Partition],
        against resume: [Partition: ResumePoint],
        folder: String
    ) throws(SourceError) {
        if resume.isEmpty { return }
        if let added = partitions.first(where: { resume[$0] == nil }) {
            throw SourceError(
                "\(folder): \(added.name) was not there when the run began; "
                    + "a run is resumed with the files it began with"
            )
        }
        let missing = resume.keys.filter { !partitions.contains($0) }.map(\.name)
        if let name = missing.min() {
            throw SourceError(
                "\(folder): \(name) is missing; a run is resumed with the files it began with"
            )
        }
    }
}
