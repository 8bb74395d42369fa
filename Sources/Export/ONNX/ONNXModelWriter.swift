public import Learn
internal import ONNXMessages
public import Snapshot
internal import SwiftProtobuf

/// Writes a model as ONNX: `model.onnx`, and `model.onnx.data` for what is too large for one message.
///
/// | input | type | absent |
/// |---|---|---|
/// | categorical | int64 [batch], the row | the missing row |
/// | list | int64 [batch, longest], rows padded with −1 | [missing row]; empty: all −1 |
/// | numeric, bucketed | float [batch], raw | not finite, or of the magnitude of −3.4028235e38 |
///
/// The outputs `ctr`, `cvr` and `ctcvr`, float [batch], are calibrated. Numbers are standardised, and
/// logits turned into probabilities, in double, by the learner's formulas.
///
/// Operator set 17 and IR version 8 are those of ONNX 1.12, read by every onnxruntime since 1.12
/// (July 2022); all operators have had their present meaning since operator set 13.
public struct ONNXModelWriter: Sendable {
    public static let modelFileName = "model.onnx"
    public static let dataFileName = "model.onnx.data"
    static let irVersion: Int64 = 8
    static let operatorSet: Int64 = 17

    private let metadata: [(key: String, value: String)]
    private let externalDataThreshold: Int

    /// - Parameters:
    ///   - metadata: the model's metadata properties, in this order.
    ///   - externalDataThreshold: if the parameters have more bytes than this, they go to
    ///     `model.onnx.data`: a message can have 2 GiB at most.
    public init(
        metadata: [(key: String, value: String)] = [],
        externalDataThreshold: Int = 1 << 30
    ) {
        self.metadata = metadata
        self.externalDataThreshold = externalDataThreshold
    }

    /// Writes and syncs the files, but not the directory's entries.
    ///
    /// - Parameter directory: exists already.
    /// - Returns: the names of the files written.
    /// - Throws: if a field's name cannot be an input's, or a file cannot be written.
    public func write(
        _ model: borrowing ServingModel,
        to directory: String,
        files: any FileSystem
    ) throws(ExportError) -> [String] {
        let tensors = model.network.tensors
        let graph = try GraphBuilder.graph(of: model)
        let result = model.network.withParameters { parameters in
            Result { () throws(ExportError) in
                let parameterBytes =
                    tensors.reduce(0) { $0 + $1.range.count }
                    * MemoryLayout<Float>.stride
                guard parameterBytes > externalDataThreshold else {
                    let initializers = tensors.map { $0.initializer(lending: parameters) }
                    try write(graph, initializers, to: directory, files: files)
                    return [Self.modelFileName]
                }
                let data = ExternalData(tensors)
                try data.write(parameters, to: directory + "/" + Self.dataFileName, files: files)
                try write(graph, data.initializers, to: directory, files: files)
                return [Self.modelFileName, Self.dataFileName]
            }
        }
        return try result.get()
    }

    /// - Parameter initializers: the parameters; they may borrow memory that is valid during the call.
    private func write(
        _ graph: ONNXGraphProto,
        _ initializers: [ONNXTensorProto],
        to directory: String,
        files: any FileSystem
    ) throws(ExportError) {
        var message = ONNXModelProto()
        message.irVersion = Self.irVersion
        message.producerName = "freshet"
        var operatorSet = ONNXOperatorSetIdProto()
        operatorSet.domain = ""
        operatorSet.version = Self.operatorSet
        message.opsetImport = [operatorSet]
        message.metadataProps = metadata.map { .init($0.key, $0.value) }
        message.graph = graph
        message.graph.initializer.insert(contentsOf: initializers, at: 0)

        let path = directory + "/" + Self.modelFileName
        do {
            let bytes: [UInt8] = try message.serializedBytes()
            let file = try files.create(path)
            try unsafe file.write(bytes.span.bytes)
            try file.sync()
        } catch let error as FileError {
            throw ExportError("\(error)")
        } catch {
            throw ExportError("\(path): the model cannot be encoded (\(error))")
        }
    }
}

extension ONNXStringStringEntryProto {
    init(_ key: String, _ value: String) {
        self.init()
        self.key = key
        self.value = value
    }
}
