public import Events
internal import LZ4

/// Writes the records of topics to a folder that `FileSource` reads: a file per topic partition, in which
/// each line is a `RecordedLine`.
///
/// A folder that was recorded to before is continued. Nothing of it is ever lost: a crash leaves the
/// history as it was when the last recording came to its end, and `record.json` says how far that is.
public struct TopicRecorder: ~Copyable {
    /// Lines are collected up to this many bytes per partition, then written as one LZ4 frame.
    private static let pieceBytes = 128 << 10
    /// Bytes of lines between two points from which a recording can be continued.
    private static let checkpointBytes = 64 << 20

    private let folder: String
    private var manifest: RecordManifest
    private var lanes: [Lane] = []
    private var encoder = LZ4FrameEncoder()
    private var bytesSinceCheckpoint = 0
    /// Records taken, per role in the order of `Role.allCases`.
    public private(set) var recordCounts = Role.allCases.map { _ in 0 }

    /// A partition's lines that wait to be written.
    private struct Lane {
        var partition: Partition
        /// Index of its file in the manifest.
        var file: Int
        var position: Int64
        var lastPayloadHash: UInt64?
        var lines: [UInt8] = []
        var isDirty = false
    }

    /// Opens the folder, which must be there.
    /// - Parameter isCompressed: whether new files are LZ4; nil leaves it as the folder has it, and
    ///   compresses in a new one.
    /// - Throws: when the folder holds files that no recording made, or files of the other kind.
    public init(folder: String, isCompressed: Bool?) throws(SourceError) {
        self.folder = folder
        if let found = try RecordManifest.read(folder: folder) {
            if let isCompressed, isCompressed != found.isCompressed {
                throw SourceError(
                    "\(folder): was recorded \(found.isCompressed ? "with" : "without") "
                        + "compression; go on so, or record into a new folder"
                )
            }
            manifest = found
        } else {
            if let stranger = try FileSource.recordFiles(in: folder).first {
                throw SourceError(
                    "\(folder): holds \(stranger), but no \(RecordManifest.name), so it was not "
                        + "made by a recording; record into a new folder"
                )
            }
            manifest = RecordManifest(isCompressed: isCompressed ?? true)
        }
    }

    /// Where to go on in each partition; empty in a new folder.
    public var resumePoints: [Partition: ResumePoint] {
        var points: [Partition: ResumePoint] = [:]
        for file in manifest.files {
            if let partition = file.topicPartition { points[partition] = file.written.resumePoint }
        }
        return points
    }

    /// Prepares the files of a source's partitions, in its order.
    /// - Parameter starts: the first offset to come of each.
    public mutating func begin(
        partitions: [Partition],
        starts: [Int64]
    ) throws(SourceError) {
        for (partition, start) in zip(partitions, starts) {
            lanes.append(
                Lane(
                    partition: partition,
                    file: fileIndex(of: partition, start: start),
                    position: start
                )
            )
        }
        for index in lanes.indices {
            lanes[index].lastPayloadHash =
                manifest.files[lanes[index].file].written.resumePoint.lastPayloadHash
        }
        // Before any file: until its extents are complete, nobody takes the folder for a history.
        try manifest.write(folder: folder)
        for file in manifest.files { try output(file).truncate(to: file.written.bytes) }
        // A compressed file needs a frame, even of nothing.
        for index in lanes.indices where manifest.files[lanes[index].file].written.bytes == 0 {
            if manifest.isCompressed { try writeLines(index) }
        }
        try checkpoint()
    }

    /// Takes a record of the partition at `index`.
    public mutating func take(
        partition index: Int,
        _ header: RecordHeader,
        _ content: RecordContent,
        _ payload: Span<UInt8>
    ) {
        lanes[index].lastPayloadHash = nil
        switch content {
        case .payload:
            RecordedLine.append(header, payload: payload, to: &lanes[index].lines)
            lanes[index].lastPayloadHash = xxHash3(payload)
        case .null: RecordedLine.appendNull(header, to: &lanes[index].lines)
        case .corrupt: RecordedLine.appendCorrupt(header, to: &lanes[index].lines)
        case .tooLarge: preconditionFailure("a source to be recorded has no limit of size")
        }
        lanes[index].position = header.offset + header.offsetCount
        let role = lanes[index].partition.role
        for (place, other) in Role.allCases.enumerated() where other == role {
            recordCounts[place] += 1
        }
    }

    /// Writes what waits of a partition if it is enough. To be called now and then after `take`.
    public mutating func writeIfDue(partition index: Int) throws(SourceError) {
        guard lanes[index].lines.count >= Self.pieceBytes else { return }
        try writeLines(index)
        if bytesSinceCheckpoint >= Self.checkpointBytes { try checkpoint() }
    }

    /// Makes everything taken durable: the recording can be continued from here.
    public mutating func checkpoint() throws(SourceError) {
        for index in lanes.indices where !lanes[index].lines.isEmpty { try writeLines(index) }
        for index in lanes.indices where lanes[index].isDirty {
            try output(manifest.files[lanes[index].file]).sync()
            lanes[index].isDirty = false
        }
        for lane in lanes {
            manifest.files[lane.file].written = RecordManifest.Extent(
                position: lane.position,
                bytes: manifest.files[lane.file].written.bytes,
                lastPayloadHash: lane.lastPayloadHash
            )
        }
        try manifest.write(folder: folder)
        bytesSinceCheckpoint = 0
    }

    /// Makes everything taken durable, and the record complete up to here.
    /// - Parameter ends: the offsets up to which everything was taken, by partition; they may lie
    ///   behind the last record where the topic has offsets without records.
    public mutating func finish(ends: [Int64]) throws(SourceError) {
        for index in lanes.indices where ends[index] > lanes[index].position {
            lanes[index].position = ends[index]
            lanes[index].lastPayloadHash = nil
        }
        try checkpoint()
        for lane in lanes {
            manifest.files[lane.file].complete = manifest.files[lane.file].written
        }
        try manifest.write(folder: folder)
    }

    /// The files' length.
    public var byteCount: Int64 { manifest.files.reduce(0) { $0 + $1.written.bytes } }

    private mutating func fileIndex(of partition: Partition, start: Int64) -> Int {
        if let index = manifest.files.firstIndex(where: { $0.topicPartition == partition }) {
            return index
        }
        manifest.files.append(
            RecordManifest.File(
                file: manifest.fileName(role: partition.role, number: partition.number),
                role: partition.role.plural,
                topic: partition.name,
                partition: partition.number,
                written: RecordManifest.Extent(position: start)
            )
        )
        return manifest.files.count - 1
    }

    private mutating func writeLines(_ index: Int) throws(SourceError) {
        var lines: [UInt8] = []
        swap(&lines, &lanes[index].lines)
        bytesSinceCheckpoint += lines.count
        var frame: [UInt8] = []
        if manifest.isCompressed {
            unsafe encoder.encode(lines.span.bytes, into: &frame)
            encoder.finish(into: &frame)
        }
        let file = lanes[index].file
        let bytes = manifest.isCompressed ? frame : lines
        try output(manifest.files[file]).append(bytes)
        manifest.files[file].written.bytes += Int64(bytes.count)
        lanes[index].isDirty = true
        lines.removeAll(keepingCapacity: true)
        swap(&lines, &lanes[index].lines)
    }

    private func output(_ file: RecordManifest.File) -> OutputFile {
        OutputFile("\(folder)/\(file.file)")
    }
}
