public import Events

/// A folder of recorded events: `impressions*.jsonl`, `clicks*.jsonl` and `conversions*.jsonl`, plain or
/// compressed as `.jsonl.lz4`. Other files are ignored.
///
/// Each file is a partition, named as the file without its extensions and numbered within its role in
/// byte order of the names. Each line is a record, its number from 0 the offset, unless it carries
/// another (`RecordedLine`); offsets must increase. A blank line has a number but no record. Lines may end
/// in "\n" or "\r\n", the last one needs no end.
///
/// Files are read in pieces of 64 KiB; the memory per file is that and the longest record allowed.
public struct FileSource: RecordSource, ~Copyable {
    public let partitions: [Partition]
    public let startPositions: [Int64]
    /// The files' size as they lie there, compressed or not.
    public let bytesTotal: Int
    private let files: [FilePartition]

    /// Opens the files.
    /// - Parameters:
    ///   - recordBytesMax: longer records are handed over as `.tooLarge`.
    ///   - start: the first offset to hand over of each partition: empty at first, for all of the files
    ///     when resuming.
    /// - Throws: if the folder or a file cannot be read, there are no impressions, a file is there both
    ///   plain and compressed, or the files are not those of `start`.
    public init(
        folder: String,
        recordBytesMax: Int,
        start: [Partition: Int64] = [:]
    ) throws(SourceError) {
        let found = try Self.find(in: folder)
        try Self.check(found.map(\.partition), against: start, folder: folder)
        var files: [FilePartition] = []
        for (partition, path) in found {
            files.append(
                try FilePartition(
                    path: path,
                    recordBytesMax: recordBytesMax,
                    start: start[partition] ?? 0
                )
            )
        }
        self.files = files
        partitions = found.map(\.partition)
        startPositions = partitions.map { start[$0] ?? 0 }
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

    private static func find(
        in folder: String
    ) throws(SourceError) -> [(partition: Partition, path: String)] {
        let files = try namesInFolder(folder)
        var found: [(partition: Partition, path: String)] = []
        for role in Role.allCases {
            let named = files.filter { $0.hasPrefix(role.plural) }
                .compactMap { file in recordsName(of: file).map { (name: $0, file: file) } }
                .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            for (number, (name, file)) in named.enumerated() {
                if number > 0 && named[number - 1].name == name {
                    throw SourceError(
                        "\(folder): both \(name).jsonl and \(name).jsonl.lz4; remove one of them"
                    )
                }
                found.append(
                    (Partition(role: role, name: name, number: Int32(number)), "\(folder)/\(file)")
                )
            }
        }
        guard found.first?.partition.role == .impression else {
            throw SourceError("\(folder): no impressions*.jsonl or impressions*.jsonl.lz4")
        }
        return found
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
        against start: [Partition: Int64],
        folder: String
    ) throws(SourceError) {
        if start.isEmpty { return }
        if let added = partitions.first(where: { start[$0] == nil }) {
            throw SourceError(
                "\(folder): \(added.name) was not there when the run began; "
                    + "a run is resumed with the files it began with"
            )
        }
        let missing = start.keys.filter { !partitions.contains($0) }.map(\.name)
        if let name = missing.min() {
            throw SourceError(
                "\(folder): \(name) is missing; a run is resumed with the files it began with"
            )
        }
    }
}
