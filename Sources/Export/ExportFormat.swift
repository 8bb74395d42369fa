internal import Events
internal import Snapshot

/// What a model is exported as.
public enum ExportFormat: String, CaseIterable, Codable, Sendable {
    /// `model.onnx`: a graph that any ONNX server runs, calibration included.
    case onnx
    /// `model.safetensors`: all parameters by name, to read elsewhere or to start warm from.
    case safetensors
}

extension ExportFormat {
    func scorer(
        directory: String,
        schema: FeatureSchema,
        files: any FileSystem
    ) throws(ExportError) -> any Scorer {
        fatalError("not yet")
    }
}
