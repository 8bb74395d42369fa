internal import LZ4
internal import StateCoding

typealias Checksum = StateDigest

/// One file's worth of state.
public struct Section: Sendable {
    public enum Content: Sendable {
        case bytes([UInt8])
        case floats([Float])

        /// Lends the content's bytes.
        public func withBytes<Result, Failure: Error>(
            _ body: (RawSpan) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            switch self {
            case .bytes(let bytes): try unsafe body(bytes.span.bytes)
            case .floats(let floats): try unsafe body(floats.span.bytes)
            }
        }
    }

    /// The file's name without `.lz4`.
    public var name: String
    public var content: Content

    public init(name: String, content: Content) {
        self.name = name
        self.content = content
    }
}

/// Bytes handed to the compressor, and read from a file, at a time.
private let chunkByteCount = 1 << 18

/// Writes and reads a section as an LZ4 frame with block and content checksums.
struct SectionFile {
    let files: any FileSystem
    let directory: String

    func write(_ section: Section) throws(SnapshotError) -> FileEntry {
        let name = section.name + ".lz4"
        do throws(FileError) {
            let file = try files.create(directory + "/" + name)
            var entry = FileEntry(name: name, bytes: 0, contentBytes: 0, checksum: "")
            var checksum = Checksum()
            var encoder = LZ4FrameEncoder()
            var compressed: [UInt8] = []
            func flush() throws(FileError) {
                unsafe checksum.update(compressed.span.bytes)
                entry.bytes += compressed.count
                if !compressed.isEmpty { try unsafe file.write(compressed.span.bytes) }
                compressed.removeAll(keepingCapacity: true)
            }
            try section.content.withBytes { (bytes) throws(FileError) in
                entry.contentBytes = bytes.byteCount
                var start = 0
                while start < bytes.byteCount {
                    let end = min(start + chunkByteCount, bytes.byteCount)
                    encoder.encode(bytes.extracting(start..<end), into: &compressed)
                    start = end
                    try flush()
                }
            }
            encoder.finish(into: &compressed)
            try flush()
            entry.checksum = checksum.text
            try file.sync()
            return entry
        } catch { throw .file(error) }
    }

    /// Reads a section and holds it against its manifest entry. Memory grows with what is decoded,
    /// not with what the manifest or the frame claims.
    func read(_ entry: FileEntry) throws(SnapshotError) -> [UInt8] {
        let path = directory + "/" + entry.name
        func damaged(_ reason: String) -> SnapshotError { .damaged(path: path, reason: reason) }
        do {
            let file = try files.open(path)
            guard file.byteCount == entry.bytes else {
                throw damaged("has \(file.byteCount) bytes, the manifest says \(entry.bytes)")
            }
            var checksum = Checksum()
            var decoder = LZ4FrameDecoder()
            var content: [UInt8] = []
            var chunk: [UInt8] = []
            while true {
                try file.read(into: &chunk, maxCount: chunkByteCount)
                if chunk.isEmpty { break }
                unsafe checksum.update(chunk.span.bytes)
                var consumed = 0
                while consumed < chunk.count {
                    let read = unsafe try decoder.decode(
                        chunk.span.bytes.extracting(consumed..<chunk.count),
                        into: &content,
                        outputMax: entry.contentBytes - content.count + 1
                    )
                    guard content.count <= entry.contentBytes else {
                        throw damaged("holds more than the \(entry.contentBytes) bytes it should")
                    }
                    guard read > 0 else { throw damaged("does not decode beyond its middle") }
                    consumed += read
                }
            }
            guard checksum.text == entry.checksum else {
                throw damaged("does not match its checksum \(entry.checksum)")
            }
            guard decoder.isComplete, content.count == entry.contentBytes else {
                throw damaged("ends after \(content.count) of \(entry.contentBytes) bytes")
            }
            return content
        } catch let error as SnapshotError {
            throw error
        } catch let error as FileError {
            throw .file(error)
        } catch {
            throw damaged("is not a sound LZ4 frame (\(error))")
        }
    }
}

extension [Float] {
    /// The floats that a section of them holds; bytes beyond the last whole one are the caller's to
    /// notice by the count.
    public init(bytes: [UInt8]) {
        self = unsafe [Float](unsafeUninitializedCapacity: bytes.count / 4) { floats, count in
            unsafe UnsafeMutableRawBufferPointer(floats)
                .copyBytes(from: bytes.prefix(floats.count * 4))
            count = floats.count
        }
    }
}
