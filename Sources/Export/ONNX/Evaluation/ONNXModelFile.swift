internal import Foundation
internal import ONNXMessages
internal import Snapshot
internal import SwiftProtobuf

/// What `model.onnx` and its data file hold. Nothing in them is trusted: memory grows with what is
/// there, not with what is claimed.
struct ONNXModelFile {
    let path: String
    let metadata: [(key: String, value: String)]
    /// Without initializers.
    let graph: ONNXGraphProto
    let constants: [(name: String, value: TensorValue)]

    init(directory: String, files: any FileSystem) throws(ExportError) {
        path = directory + "/" + ONNXModelWriter.modelFileName
        var message = try Self.message(path, files)
        guard message.irVersion == ONNXModelWriter.irVersion, message.opsetImport.count == 1,
            message.opsetImport[0].domain.isEmpty,
            message.opsetImport[0].version == ONNXModelWriter.operatorSet
        else {
            throw ExportError(
                "\(path): is not a model of IR version \(ONNXModelWriter.irVersion) and operator set "
                    + "\(ONNXModelWriter.operatorSet), as freshet exports it"
            )
        }
        metadata = message.metadataProps.map { ($0.key, $0.value) }
        var initializers = message.graph.initializer
        message.graph.initializer = []
        graph = message.graph
        message = ONNXModelProto()
        constants = try Self.constants(&initializers, path: path, directory: directory, files)
    }

    private static func message(
        _ path: String,
        _ files: any FileSystem
    ) throws(ExportError) -> ONNXModelProto {
        do {
            // A message has 2 GiB at most.
            let bytes = try files.readAll(path, maxCount: Int(Int32.max))
            var options = BinaryDecodingOptions()
            options.discardUnknownFields = true
            return try ONNXModelProto(serializedBytes: bytes, options: options)
        } catch let error as FileError {
            throw ExportError("\(error)")
        } catch {
            throw ExportError("\(path): is not a sound ONNX file (\(error))")
        }
    }

    private static func constants(
        _ initializers: inout [ONNXTensorProto],
        path: String,
        directory: String,
        _ files: any FileSystem
    ) throws(ExportError) -> [(name: String, value: TensorValue)] {
        var constants: [(name: String, value: TensorValue)] = []
        var external: [ExternalTensor] = []
        for index in initializers.indices {
            let tensor = initializers[index]
            do throws(OperatorError) {
                if tensor.dataLocation == .external {
                    external.append(try ExternalTensor(tensor))
                } else {
                    constants.append((tensor.name, try tensor.value(of: tensor.rawData)))
                }
            } catch {
                throw ExportError("\(path): initializer \(tensor.name) \(error.reason)")
            }
            // The values are copied; there need not be all of them twice.
            initializers[index] = ONNXTensorProto()
        }
        if !external.isEmpty {
            let dataPath = directory + "/" + ONNXModelWriter.dataFileName
            constants += try ExternalTensor.read(external, path: dataPath, files)
        }
        return constants
    }
}

extension ONNXTensorProto {
    /// The positive dimensions, and how many bytes they and the type ask for.
    func checkedShape() throws(OperatorError) -> (shape: [Int], byteCount: Int) {
        let elementSize: Int
        switch DataType(rawValue: Int(dataType)) {
        case .float, .int32: elementSize = 4
        case .double, .int64: elementSize = 8
        case .bool, .undefined, nil: throw OperatorError("is of type \(dataType), not supported")
        }
        let shape = dims.map { Int($0) }
        var byteCount = elementSize
        for size in shape {
            let (product, overflows) = byteCount.multipliedReportingOverflow(by: size)
            guard size > 0, !overflows else {
                throw OperatorError("has the impossible shape \(shape)")
            }
            byteCount = product
        }
        return (shape, byteCount)
    }

    /// The tensor with these bytes as its data.
    func value(of data: some ContiguousBytes & Collection<UInt8>) throws(OperatorError)
        -> TensorValue
    {
        let (shape, byteCount) = try checkedShape()
        guard data.count == byteCount else {
            throw OperatorError("has \(data.count) bytes of data, its shape \(shape) \(byteCount)")
        }
        let elements: TensorValue.Elements? =
            switch DataType(rawValue: Int(dataType)) {
            case .float: .float(data.copied())
            case .double: .double(data.copied())
            case .int32: .int32(data.copied())
            case .int64: .int64(data.copied())
            case .bool, .undefined, nil: nil
            }
        guard let elements else { throw OperatorError("is of type \(dataType), not supported") }
        return TensorValue(shape, elements)
    }
}

extension ContiguousBytes {
    /// The bytes as elements for which any bits are a value.
    fileprivate func copied<Element: BitwiseCopyable>() -> [Element] {
        unsafe withUnsafeBytes { bytes in
            let count = bytes.count / MemoryLayout<Element>.stride
            return unsafe [Element](unsafeUninitializedCapacity: count) { elements, initialized in
                unsafe UnsafeMutableRawBufferPointer(elements).copyMemory(
                    from: UnsafeRawBufferPointer(
                        rebasing: bytes[..<(count * MemoryLayout<Element>.stride)]
                    )
                )
                initialized = count
            }
        }
    }
}
