internal import ONNXMessages
internal import Snapshot

/// An initializer whose data lies in `model.onnx.data`.
struct ExternalTensor {
    private let tensor: ONNXTensorProto
    private let offset: Int
    private let byteCount: Int

    init(_ tensor: ONNXTensorProto) throws(OperatorError) {
        var entries: [String: String] = [:]
        for entry in tensor.externalData { entries[entry.key] = entry.value }
        // Any other name could lead out of the directory.
        guard entries["location"] == ONNXModelWriter.dataFileName else {
            throw OperatorError("does not lie in \(ONNXModelWriter.dataFileName)")
        }
        guard let offset = entries["offset"].flatMap({ Int($0) }), offset >= 0,
            let length = entries["length"].flatMap({ Int($0) })
        else { throw OperatorError("does not say where its data lies") }
        let (shape, byteCount) = try tensor.checkedShape()
        guard length == byteCount, !offset.addingReportingOverflow(length).overflow else {
            throw OperatorError("has \(length) bytes of data, its shape \(shape) \(byteCount)")
        }
        self.tensor = tensor
        self.offset = offset
        self.byteCount = byteCount
    }

    /// Reads tensors from the front to the end of the file.
    static func read(
        _ tensors: [ExternalTensor],
        path: String,
        _ files: any FileSystem
    ) throws(ExportError) -> [(name: String, value: TensorValue)] {
        var constants: [(name: String, value: TensorValue)] = []
        do {
            var reader = try ForwardReader(files.open(path))
            for external in tensors.sorted(by: { $0.offset < $1.offset }) {
                let name = external.tensor.name
                guard external.offset >= reader.position else {
                    throw ExportError("\(path): \(name) overlaps the tensor before it")
                }
                guard external.offset + external.byteCount <= reader.byteCount else {
                    throw ExportError(
                        "\(path): has \(reader.byteCount) bytes, too few for \(name), which ends at "
                            + "\(external.offset + external.byteCount)"
                    )
                }
                try reader.skip(to: external.offset)
                let bytes = try reader.read(external.byteCount)
                constants.append((name, try external.tensor.value(of: bytes)))
            }
        } catch let error as ExportError {
            throw error
        } catch let error as OperatorError {
            throw ExportError("\(path): \(error.reason)")
        } catch {
            throw ExportError("\(error)")
        }
        return constants
    }
}

/// A file read once, from front to end.
private struct ForwardReader {
    private static let chunkByteCount = 1 << 18

    private let file: any ReadableFile
    private(set) var position = 0

    var byteCount: Int { file.byteCount }

    init(_ file: any ReadableFile) {
        self.file = file
    }

    mutating func skip(to offset: Int) throws(FileError) {
        var chunk: [UInt8] = []
        while position < offset {
            try file.read(into: &chunk, maxCount: min(Self.chunkByteCount, offset - position))
            if chunk.isEmpty { return }
            position += chunk.count
        }
    }

    /// The next bytes; fewer if the file has become shorter.
    mutating func read(_ count: Int) throws(FileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk: [UInt8] = []
        while bytes.count < count {
            let wanted = min(Self.chunkByteCount, count - bytes.count)
            try file.read(into: &chunk, maxCount: wanted)
            if chunk.isEmpty { break }
            bytes += chunk
            position += chunk.count
        }
        return bytes
    }
}
