internal import Configure
internal import Decode
internal import Events
internal import Foundation
internal import Learn

/// A line of `golden.jsonl`: an impression's features as they came, the model's inputs that they make, and
/// its outputs, for clients to test their own code.
struct GoldenImpression {
    static let fileName = "golden.jsonl"
    static let count = 50

    var record: [UInt8]
    /// Encoded, numbers raw.
    var words: [UInt32]
    var outputs: Probabilities

    /// The line, with its end.
    func line(_ configuration: Configuration) throws -> [UInt8] {
        let keys = configuration.decode.impressions
        let object =
            try JSONSerialization.jsonObject(with: Data(record)) as? [String: Any] ?? [:]
        let given = object[keys.features] as? [String: Any] ?? [:]
        var features: [String: Any] = [:]
        for field in configuration.schema.fields { features[field.name] = given[field.name] }
        let line: [String: Any] = [
            "impression_id": object[keys.id].map { "\($0)" } ?? "",
            "features": features,
            "inputs": inputs(configuration.schema, given: features),
            "outputs": ["ctr": outputs.ctr, "cvr": outputs.cvr, "ctcvr": outputs.ctcvr],
        ]
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try JSONSerialization.data(withJSONObject: line, options: options))
            + [UInt8(ascii: "\n")]
    }

    /// What the model is given: a row, rows without padding, or a number.
    private func inputs(_ schema: FeatureSchema, given: [String: Any]) -> [String: Any] {
        var inputs: [String: Any] = [:]
        var next = 0
        for field in schema.fields {
            switch field.kind {
            case .categorical:
                inputs[field.name] = Int(words[next])
            case .list:
                let rows = words[next + 1..<next + 1 + Int(words[next])]
                inputs[field.name] = rows.map { Int($0) }
                next += rows.count
            case .numeric, .bucketed:
                let number = (given[field.name] as? NSNumber).map { Float($0.doubleValue) }
                inputs[field.name] = Double(number ?? FeatureDescription.missingValue)
            }
            next += 1
        }
        return inputs
    }
}
