internal import LZ4

/// The content of a file, decompressed if its name ends in ".lz4".
struct FileBytes: ~Copyable {
    private static let chunkBytes = 64 << 10

    let path: String
    /// Bytes of the file as it lies there, as far as they are read.
    let byteCount: Int
    private(set) var bytesRead = 0

    private let byteCountMax: Int
    private let file: FileDescriptor
    private var decoder: LZ4FrameDecoder?
    private var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
    /// What was read and not yet decompressed.
    private var pending = 0..<0

    /// - Parameter byteCountMax: what lies behind these bytes of the file is not read.
    init(path: String, byteCountMax: Int) throws(SourceError) {
        self.path = path
        self.byteCountMax = byteCountMax
        file = try FileDescriptor(reading: path)
        byteCount = min(file.byteCount, byteCountMax)
        decoder = path.hasSuffix(".lz4") ? LZ4FrameDecoder() : nil
    }

    /// What comes on standard input, as it comes.
    init(standardInput name: String) throws(SourceError) {
        path = name
        byteCountMax = .max
        file = try FileDescriptor(duplicating: 0, name: name)
        byteCount = file.byteCount
        decoder = nil
    }

    /// Appends the next bytes to `output`, at most 64 KiB; none at the end.
    mutating func read(into output: inout [UInt8]) throws(SourceError) {
        if decoder != nil { return try readCompressed(into: &output) }
        let count = try readChunk()
        output.append(contentsOf: chunk[..<count])
    }

    /// Reads on into `chunk`; returns how many bytes there are, 0 at the end.
    private mutating func readChunk() throws(SourceError) -> Int {
        let count = min(try file.read(into: &chunk, path: path), byteCountMax - bytesRead)
        bytesRead += count
        return count
    }

    private mutating func readCompressed(into output: inout [UInt8]) throws(SourceError) {
        let before = output.count
        while output.count == before {
            do throws(LZ4Error) {
                pending = try decode(into: &output)
                if output.count > before { return }
            } catch {
                throw damaged(error)
            }
            let count = try readChunk()
            pending = 0..<count
            if count == 0 { return try finish() }
        }
    }

    /// Decompresses from `pending`; returns what is left of it.
    private mutating func decode(into output: inout [UInt8]) throws(LZ4Error) -> Range<Int> {
        let chunk = chunk
        let consumed = unsafe try decoder?.decode(
            chunk.span.bytes.extracting(pending),
            into: &output,
            outputMax: Self.chunkBytes
        )
        return pending.lowerBound + (consumed ?? 0)..<pending.upperBound
    }

    private func finish() throws(SourceError) {
        do throws(LZ4Error) {
            try decoder?.finish()
        } catch {
            throw damaged(error)
        }
    }

    private func damaged(_ error: LZ4Error) -> SourceError {
        let start = bytesRead - pending.count
        return SourceError("\(path): \(error), between its bytes \(start) and \(bytesRead)")
    }
}
