internal import Events
internal import Learn
internal import Snapshot

/// What a model is exported as.
public enum ExportFormat: String, CaseIterable, Codable, Sendable {
    /// `model.onnx`: a graph that any ONNX server runs, calibration included.
    case onnx
    /// `model.safetensors`: all parameters by name, to read elsewhere or to start warm from.
    case safetensors
}

extension ExportFormat {
    /// Writes a model's files, but not the directory's entries.
    /// - Parameter optimizerState: safetensors hold it, too, if it is given.
    /// - Returns: the files' names.
    func write(
        _ model: borrowing ServingModel,
        metadata: [(key: String, value: String)],
        optimizerState: [Float]?,
        to directory: String,
        files: any FileSystem
    ) throws(ExportError) -> [String] {
        switch self {
        case .onnx:
            return try ONNXModelWriter(metadata: metadata).write(model, to: directory, files: files)
        case .safetensors:
            _ = try SafetensorsWriter(files: files).write(
                model,
                optimizerState: optimizerState,
                metadata: metadata,
                to: directory + "/" + Self.safetensorsFileName
            )
            return [Self.safetensorsFileName]
        }
    }

    /// What scores by the files that `write` left.
    func scorer(
        directory: String,
        schema: FeatureSchema,
        files: any FileSystem
    ) throws(ExportError) -> any Scorer {
        switch self {
        case .onnx:
            try ONNXScorer(directory: directory, schema: schema, files: files)
        case .safetensors:
            try SafetensorsScorer(
                SafetensorsModel(file: directory + "/" + Self.safetensorsFileName, files: files)
            )
        }
    }

    private static let safetensorsFileName = "model.safetensors"
}
