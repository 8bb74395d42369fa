internal import Events

/// What an impression is to training and to serving alike: its id and its features.
struct ImpressionFields: ~Copyable {
    var reader = JSONObjectReader()
    let id: IDField
    private let featuresSlot: Int
    private let featuresKey: String
    private let encoder: FeatureEncoder

    init(schema: FeatureSchema, keys: DecodeSettings.ImpressionKeys) {
        id = IDField(key: keys.id, slot: reader.addKey(keys.id))
        featuresSlot = reader.addKey(keys.features)
        featuresKey = keys.features
        encoder = FeatureEncoder(
            schema: schema,
            features: featuresSlot,
            key: keys.features,
            reader: &reader
        )
    }

    /// Appends the words of the features of the record read last, also if it throws.
    func encodeFeatures(into words: inout [UInt32]) throws(Rejection) {
        let features = reader.value(featuresSlot)
        switch features {
        // Without features, all fields are missing.
        case .object, .absent, .null: break
        default:
            throw Rejection(
                .wrongType,
                "\(featuresKey): \(features.description), expected an object"
            )
        }
        try encoder.encode(reader, into: &words)
    }
}
