import Decode
import Events
import Export
import Foundation
import Learn
import Snapshot

/// The impressions of an export's golden file, encoded anew, with the outputs of its own model.
struct GoldenComparison {
    static let fileName = "golden.jsonl"

    private var impressions: [(words: [UInt32], outputs: Probabilities)] = []

    var count: Int { impressions.count }

    /// - Returns: nil if the file is not there.
    /// - Throws: `ExportError` for a line that is not as it should be.
    init?(beside model: String, transplant: Transplant) throws {
        let folder = URL(filePath: model).deletingLastPathComponent().path
        let path = (folder == "/" ? "" : folder) + "/" + Self.fileName
        let text: [UInt8]
        do throws(FileError) {
            text = try DiskFileSystem().readAll(path, maxCount: 16 << 20)
        } catch {
            if error.isMissing { return nil }
            throw error
        }
        var reader = ImpressionReader(
            schema: transplant.goldenSchema,
            settings: DecodeSettings()
        )
        for (index, line) in text.split(separator: UInt8(ascii: "\n")).enumerated() {
            var words: [UInt32] = []
            guard (try? reader.read(line.span, into: &words)) != nil,
                let outputs = try? JSONDecoder().decode(GoldenLine.self, from: Data(line)).outputs
            else {
                throw ExportError(
                    "\(path):\(index + 1) is no golden impression of this configuration's features"
                )
            }
            impressions.append(
                (words, Probabilities(ctr: outputs.ctr, cvr: outputs.cvr, ctcvr: outputs.ctcvr))
            )
        }
    }

    /// By which a probability differs most.
    func greatestDifference(
        _ predict: (inout MutableSpan<UInt32>) -> Probabilities
    ) -> Double {
        var greatest = 0.0
        for (words, outputs) in impressions {
            var words = words
            var span = words.mutableSpan
            let prediction = predict(&span)
            for path in [\Probabilities.ctr, \.cvr, \.ctcvr] {
                let difference = abs(prediction[keyPath: path] - outputs[keyPath: path])
                greatest = difference.isNaN ? .infinity : max(greatest, difference)
            }
        }
        return greatest
    }
}

private struct GoldenLine: Decodable {
    struct Outputs: Decodable {
        var ctr: Double
        var cvr: Double
        var ctcvr: Double
    }

    var outputs: Outputs
}

extension Transplant {
    /// The target's schema with the names under which the source knows its fields.
    fileprivate var goldenSchema: FeatureSchema {
        FeatureSchema(
            fields: zip(schema.fields, fields).map { field, transplanted in
                guard case .renamed(let name) = transplanted.fate else { return field }
                return FeatureField(name: name, kind: field.kind, was: field.was ?? field.name)
            }
        )
    }
}
