public import Snapshot
internal import StateCoding

/// A safetensors file whose header was read and checked, all of it against the file's size: so what it
/// says may be believed as far as memory goes.
public struct SafetensorsReader: ~Copyable {
    public let path: String
    public let metadata: [String: String]
    /// In the order of their values.
    public let tensors: [SafetensorsTensor]
    private let file: any ReadableFile
    private var checksum = StateDigest()

    /// - Throws: `ExportError` naming the file and what is wrong with it.
    public init(path: String, files: any FileSystem = DiskFileSystem()) throws(ExportError) {
        // Nothing throws once the first value is set: one that cannot be copied is set as a whole.
        let (file, header, start) = try Self.open(path, files: files)
        self.path = path
        self.file = file
        tensors = header.tensors
        metadata = Dictionary(uniqueKeysWithValues: header.metadata.map { ($0.key, $0.value) })
        unsafe checksum.update(start.span.bytes)
    }

    /// The file, standing at the values; what it says, and the bytes that said so.
    private static func open(
        _ path: String,
        files: any FileSystem
    ) throws(ExportError) -> (any ReadableFile, SafetensorsHeader, [UInt8]) {
        let file: any ReadableFile
        do throws(FileError) {
            file = try files.open(path)
        } catch { throw ExportError("\(error)") }
        let length = try read(file, count: 8, of: path)
        let count = length.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        guard count <= SafetensorsHeader.bytesMax, count <= file.byteCount - 8 else {
            throw ExportError(
                "\(path) is not a sound safetensors file: it has \(file.byteCount) bytes, and a "
                    + "header of \(count)"
            )
        }
        let json = try read(file, count: Int(count), of: path)
        do throws(SafetensorsFlaw) {
            let header = try SafetensorsHeader(json, valueBytes: file.byteCount - 8 - Int(count))
            return (file, header, length + json)
        } catch {
            throw ExportError("\(path) is not a sound safetensors file: its header \(error.reason)")
        }
    }

    /// Reads the values of all tensors, in their order.
    ///
    /// - Parameter body: is given the next values of a tensor and the index of the first.
    /// - Returns: XXH3-64 of the file, 16 hexadecimal digits.
    public consuming func readValues(
        _ body: (SafetensorsTensor, Int, [Float]) -> Void
    ) throws(ExportError) -> String {
        for tensor in tensors {
            var start = 0
            while start < tensor.bytes.count {
                let bytes = try Self.read(
                    file,
                    count: min(tensor.bytes.count - start, 1 << 20),
                    of: path
                )
                unsafe checksum.update(bytes.span.bytes)
                body(tensor, start / 4, [Float](bytes: bytes))
                start += bytes.count
            }
        }
        return checksum.text
    }

    /// Reads so many bytes, fewer only where the file is shorter than that.
    private static func read(
        _ file: any ReadableFile,
        count: Int,
        of path: String
    ) throws(ExportError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk: [UInt8] = []
        do throws(FileError) {
            while bytes.count < count {
                try file.read(into: &chunk, maxCount: min(count - bytes.count, 1 << 20))
                if chunk.isEmpty { break }
                bytes += chunk
            }
        } catch { throw ExportError("\(error)") }
        guard bytes.count == count else {
            throw ExportError("\(path) is not a sound safetensors file: it ends too early")
        }
        return bytes
    }
}
