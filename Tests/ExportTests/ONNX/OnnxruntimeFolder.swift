import Events
import Export
import Foundation
import Learn
import Snapshot
import Testing

/// A folder with an exported model, and what onnxruntime makes of it.
final class OnnxruntimeFolder {
    let url: URL
    var path: String { url.path }

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent(
            "freshet-onnx-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    @discardableResult
    func write(_ scorer: NetworkScorer, _ writer: ONNXModelWriter = .init()) throws -> [String] {
        try scorer.withModel { model throws(ExportError) in
            try writer.write(model, to: path, files: DiskFileSystem())
        }
    }

    /// onnxruntime's outputs for batches of impressions, one after the other; the checker passes, and
    /// nothing is said on standard error.
    func outputs(
        _ batches: [[RawImpression]],
        _ schema: FeatureSchema
    ) throws -> [Probabilities] {
        var job: [[String: Any]] = []
        for (index, batch) in batches.enumerated() {
            var inputs: [String: Any] = [:]
            for (position, field) in schema.fields.enumerated() {
                let file = "\(index)-\(position).bin"
                let values = batch.map { $0.values[position] }
                let (type, shape, data) = input(values, field)
                try data.write(to: url.appendingPathComponent(file))
                inputs[field.name] = ["type": type, "shape": shape, "file": file] as [String: Any]
            }
            job.append(inputs)
        }
        try JSONSerialization.data(withJSONObject: job).write(
            to: url.appendingPathComponent("job.json")
        )
        try runReference()
        let data = try Data(contentsOf: url.appendingPathComponent("outputs.bin"))
        let columns = unsafe data.withUnsafeBytes { unsafe Array($0.bindMemory(to: Float.self)) }
        let count = batches.reduce(0) { $0 + $1.count }
        try #require(columns.count == 3 * count)
        return (0..<count).map {
            Probabilities(
                ctr: Double(columns[$0]),
                cvr: Double(columns[count + $0]),
                ctcvr: Double(columns[2 * count + $0])
            )
        }
    }

    private func input(
        _ values: [RawValue],
        _ field: FeatureField
    ) -> (type: String, shape: [Int], data: Data) {
        var rows: [Int64] = []
        var lists: [[Int64]] = []
        var numbers: [Float] = []
        for (index, value) in values.enumerated() {
            switch value {
            case .row(let row): rows.append(row)
            case .list(let list): lists.append(list ?? [Int64(field.missingRow)])
            case .number(let number):
                // Every way to say that there is none.
                let absent = [-Float.greatestFiniteMagnitude, .nan, .infinity, -.infinity]
                numbers.append(number ?? absent[index % absent.count])
            }
        }
        switch field.kind {
        case .categorical:
            return ("<i8", [rows.count], unsafe rows.withUnsafeBytes { unsafe Data($0) })
        case .list:
            let longest = lists.map(\.count).max() ?? 0
            rows = lists.flatMap { $0 + Array(repeating: -1, count: longest - $0.count) }
            let data = unsafe rows.withUnsafeBytes { unsafe Data($0) }
            return ("<i8", [lists.count, longest], data)
        case .numeric, .bucketed:
            return ("<f4", [numbers.count], unsafe numbers.withUnsafeBytes { unsafe Data($0) })
        }
    }

    /// Runs the reference with $FRESHET_PYTHON, or python3.
    private func runReference() throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Reference/onnx_outputs.py")
        let python = ProcessInfo.processInfo.environment["FRESHET_PYTHON"] ?? "python3"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [python, script.path, path]
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "onnxruntime failed: \(text)")
        #expect(text.isEmpty, "onnxruntime complains: \(text)")
    }
}

/// The greatest difference between two ways to the same probabilities; infinite where one is no number.
func greatestDifference(_ first: [Probabilities], _ second: [Probabilities]) throws -> Double {
    try #require(first.count == second.count)
    var greatest = 0.0
    for (a, b) in zip(first, second) {
        for difference in [abs(a.ctr - b.ctr), abs(a.cvr - b.cvr), abs(a.ctcvr - b.ctcvr)] {
            greatest = difference.isNaN ? .infinity : max(greatest, difference)
        }
    }
    return greatest
}
