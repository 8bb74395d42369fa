internal import Foundation
internal import Learn
internal import ONNXMessages
internal import Snapshot

extension Tensor {
    private static let floatStride = MemoryLayout<Float>.stride

    var byteRange: Range<Int> {
        range.lowerBound * Self.floatStride..<range.upperBound * Self.floatStride
    }

    /// Name, type and shape, without data.
    var message: ONNXTensorProto {
        ONNXTensorProto(name: name, type: .float, shape: shape)
    }

    /// The tensor with its values, which are not copied: the message must not be used once
    /// `parameters` are gone.
    func initializer(lending parameters: Span<Float>) -> ONNXTensorProto {
        var message = message
        unsafe parameters.bytes.extracting(byteRange).withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe message.rawData = Data(
                bytesNoCopy: UnsafeMutableRawPointer(mutating: start),
                count: bytes.count,
                deallocator: .none
            )
        }
        return message
    }
}

extension ONNXTensorProto {
    init(name: String, type: DataType, shape: [Int]) {
        self.init()
        self.name = name
        dataType = Int32(type.rawValue)
        dims = shape.map(Int64.init)
    }

    /// A tensor of these values, row-major.
    init<Element: BitwiseCopyable>(
        name: String,
        type: DataType,
        shape: [Int],
        values: [Element]
    ) {
        self.init(name: name, type: type, shape: shape)
        rawData = unsafe values.withUnsafeBytes { unsafe Data($0) }
    }
}

/// Where tensors lie in `model.onnx.data`, each on a page of its own, so that it can be mapped.
struct ExternalData {
    private static let alignment = 4096

    private let places: [(tensor: Tensor, offset: Int)]

    init(_ tensors: [Tensor]) {
        var end = 0
        places = tensors.map { tensor in
            let offset = (end + Self.alignment - 1) / Self.alignment * Self.alignment
            end = offset + tensor.byteRange.count
            return (tensor, offset)
        }
    }

    var initializers: [ONNXTensorProto] {
        places.map { place in
            var message = place.tensor.message
            message.dataLocation = .external
            message.externalData = [
                .init("location", ONNXModelWriter.dataFileName),
                .init("offset", String(place.offset)),
                .init("length", String(place.tensor.byteRange.count)),
            ]
            return message
        }
    }

    func write(
        _ parameters: Span<Float>,
        to path: String,
        files: any FileSystem
    ) throws(ExportError) {
        do throws(FileError) {
            let file = try files.create(path)
            let padding = [UInt8](repeating: 0, count: Self.alignment)
            var end = 0
            for (tensor, offset) in places {
                try unsafe file.write(padding.span.bytes.extracting(first: offset - end))
                try unsafe file.write(parameters.bytes.extracting(tensor.byteRange))
                end = offset + tensor.byteRange.count
            }
            try file.sync()
        } catch {
            throw ExportError("\(error)")
        }
    }
}
