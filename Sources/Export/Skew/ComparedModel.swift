internal import Configure
internal import Decode
internal import Events

/// A model that has served, with what reads impressions for it.
final class ComparedModel {
    let id: String
    let schema: FeatureSchema
    let scorer: any Scorer
    let substitutions: [FieldSubstitution]
    private var reader: ImpressionReader

    init(id: String, scorer: any Scorer, configuration: Configuration) {
        self.id = id
        self.scorer = scorer
        schema = configuration.schema
        substitutions = FieldSubstitution.all(of: schema)
        reader = ImpressionReader(schema: schema, settings: configuration.decode)
    }

    /// The impression's words.
    func read(_ record: Span<UInt8>) throws(Rejection) -> [UInt32] {
        var words: [UInt32] = []
        var id: [UInt8] = []
        try reader.read(record, into: &words, idInto: &id)
        return words
    }
}
