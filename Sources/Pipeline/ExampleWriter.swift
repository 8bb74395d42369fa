internal import Events
internal import Learn

/// Writes trained examples as JSON lines (`replay --examples`).
///
/// Formatted by hand: a line per training step, with floats as their shortest exact text.
final class ExampleWriter {
    private let file: SideFile
    private let calibration: Calibration
    private var failure: PipelineError?

    init(file: SideFile, calibration: Calibration) {
        self.file = file
        self.calibration = calibration
    }

    var length: Int64 { file.length }

    /// A failure is kept and thrown by the next `check`, since the join's calls do not throw.
    func write(_ example: Example, text: Span<UInt8>) {
        guard failure == nil else { return }
        let probabilities = calibration.probabilities(of: example.prediction)
        var line = "{\"impression_id\":"
        Self.append(text, to: &line)
        line += ",\"ts\":\(example.time)"
        Self.append(example.labels.ctr, key: "ctr_label", to: &line)
        Self.append(example.labels.ctcvr, key: "ctcvr_label", to: &line)
        line += ",\"ctr_weight\":\(example.ctrWeight),\"ctcvr_weight\":\(example.ctcvrWeight)"
        line += ",\"ctr\":\(probabilities.ctr),\"cvr\":\(probabilities.cvr)"
        line += ",\"ctcvr\":\(probabilities.ctcvr)}"
        file.append(line: line.utf8)
        guard file.bufferedByteCount >= 1 << 16 else { return }
        do throws(PipelineError) { try file.flush() } catch { failure = error }
    }

    func check() throws(PipelineError) {
        if let failure { throw failure }
    }

    func sync() throws(PipelineError) {
        try check()
        try file.sync()
    }

    private static func append(_ label: Bool?, key: String, to line: inout String) {
        line += ",\"\(key)\":" + (label.map { $0 ? "1" : "0" } ?? "null")
    }

    /// The text as a JSON string.
    private static func append(_ text: Span<UInt8>, to line: inout String) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        for index in text.indices { bytes.append(text[index]) }
        line += "\""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\"": line += "\\\""
            case "\\": line += "\\\\"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: line.unicodeScalars.append(scalar)
            }
        }
        line += "\""
    }
}
