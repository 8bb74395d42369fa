internal import Configure
internal import Events
internal import Foundation
internal import Learn
public import Pipeline
internal import StateCoding

/// What a safetensors export says of itself under `__metadata__`, by these keys.
public enum SafetensorsMetadata {
    /// `<snapshot name>-<state_digest>`
    public static let modelID = "model_id"
    /// The canonical entries of the configuration: [{"key": "seed", "value": "1"}, …].
    public static let configuration = "configuration"
    /// [{"name": "price", "count": 7, "mean": 1.5, "squared_deviations": 3}, …], in the order of the
    /// schema. The numbers are exact.
    public static let numericStatistics = "numeric_statistics"

    /// The canonical entries of a configuration, as the value of `configuration`.
    public static func text(of entries: [ConfigurationEntry]) -> String { json(entries) }

    static func text(of statistics: NumericStatistics) -> String {
        json(
            zip(statistics.names, statistics.moments).map { name, moments in
                FieldMoments(
                    name: name,
                    count: moments.count,
                    mean: moments.mean,
                    squaredDeviations: moments.squaredDeviations
                )
            }
        )
    }

    /// The configuration that a file's model was made with.
    static func readConfiguration(
        _ metadata: [String: String],
        path: String
    ) throws(ExportError) -> Configuration {
        let entries = try decode([ConfigurationEntry].self, configuration, metadata, path)
        do throws(ConfigurationError) {
            return try Configuration(
                entries: entries.map { ($0.key, $0.value) },
                file: "\(path), metadata \(configuration)"
            )
        } catch {
            throw ExportError("\(error)")
        }
    }

    static func readStatistics(
        _ metadata: [String: String],
        schema: FeatureSchema,
        path: String
    ) throws(ExportError) -> NumericStatistics {
        let fields = try decode([FieldMoments].self, numericStatistics, metadata, path)
        let names = NumericStatistics(schema: schema).names
        guard fields.map(\.name) == names else {
            throw ExportError(
                "\(path): metadata \(numericStatistics) is not of the configuration's numeric features"
            )
        }
        do throws(StateError) {
            return try NumericStatistics(schema: schema, moments: fields.map(\.moments))
        } catch {
            throw ExportError("\(path): metadata \(numericStatistics): \(error)")
        }
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Text, counts and finite numbers always encode.
        return String(decoding: try! encoder.encode(value), as: UTF8.self)
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type,
        _ key: String,
        _ metadata: [String: String],
        _ path: String
    ) throws(ExportError) -> Value {
        guard let text = metadata[key] else {
            throw ExportError(
                "\(path) has no metadata \(key): it is not a file that freshet export wrote"
            )
        }
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw ExportError("\(path): metadata \(key) is not the JSON that it should be")
        }
    }
}

private struct FieldMoments: Codable {
    var name: String
    var count: UInt64
    var mean: Double
    var squaredDeviations: Double

    enum CodingKeys: String, CodingKey {
        case name, count, mean
        case squaredDeviations = "squared_deviations"
    }

    var moments: NumericMoments {
        var moments = NumericMoments()
        moments.count = count
        moments.mean = mean
        moments.squaredDeviations = squaredDeviations
        return moments
    }
}
