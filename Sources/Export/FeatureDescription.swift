internal import Events
internal import Foundation

/// `features.json`: how a client computes the model's inputs from an impression, in any language.
struct FeatureDescription: Encodable {
    static let fileName = "features.json"

    /// What a numeric input is given where the feature is absent: JSON has no NaN, which says the same.
    static let missingValue = -NumericInput.missingMagnitude

    /// row = XXH64(utf8(value), seed) mod rows; an integer is its decimal text.
    var hash = "xxh64"
    var model: String
    var fields: [Field]

    struct Field: Encodable {
        var name: String
        var kind: String
        var rows: Int?
        /// Decimal text, since it has 64 bits.
        var seed: String?
        var missingRow: Int?
        var missingValue: Double?
        /// For people: how a list is pooled, where a number's buckets end. The model does both.
        var pooling: String?
        var buckets: [Float]?

        enum CodingKeys: String, CodingKey {
            case name, kind, rows, seed, pooling, buckets
            case missingRow = "missing_row"
            case missingValue = "missing_value"
        }

        init(_ field: FeatureField) {
            name = field.name
            switch field.kind {
            case .categorical: kind = "categorical"
            case .list(_, let pooling):
                kind = "list"
                self.pooling = pooling.rawValue
            case .numeric: kind = "numeric"
            case .bucketed(let boundaries):
                kind = "numeric"
                buckets = boundaries
            }
            if kind == "numeric" {
                missingValue = Double(FeatureDescription.missingValue)
            } else {
                rows = field.rows
                seed = "\(field.seed)"
                missingRow = Int(field.missingRow)
            }
        }
    }

    init(schema: FeatureSchema, model: String) {
        self.model = model
        fields = schema.fields.map(Field.init)
    }

    func text() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}
