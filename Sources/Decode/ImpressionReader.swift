public import Events

/// Reads impressions that are to be scored. Their ids and features are under the rules of
/// `EventDecoder`; time and weight, which scoring has no use for, are not looked at.
public struct ImpressionReader: ~Copyable {
    private var fields: ImpressionFields
    private let recordBytesMax: Int

    public init(schema: FeatureSchema, settings: DecodeSettings) {
        fields = ImpressionFields(schema: schema, keys: settings.impressions)
        recordBytesMax = EventDecoder.recordBytesMax(settings)
    }

    /// Reads one impression, appending its features as the schema encodes them, numbers raw, and its
    /// id's text: UTF-8, an integer as its decimal text.
    /// - Throws: `Rejection`; then nothing has been appended.
    public mutating func read(
        _ payload: Span<UInt8>,
        into words: inout [UInt32],
        idInto text: inout [UInt8]
    ) throws(Rejection) {
        guard payload.count <= recordBytesMax else {
            throw .tooLarge(byteCount: payload.count, limit: recordBytesMax)
        }
        try fields.reader.read(payload)
        let wordCount = words.count
        let textCount = text.count
        do throws(Rejection) {
            _ = try fields.id.require(in: fields.reader, copyingTextTo: &text)
            try fields.encodeFeatures(into: &words)
        } catch {
            words.removeLast(words.count - wordCount)
            text.removeLast(text.count - textCount)
            throw error
        }
    }

    /// Likewise, and returns the id's text.
    public mutating func read(
        _ payload: Span<UInt8>,
        into words: inout [UInt32]
    ) throws(Rejection) -> String {
        var text: [UInt8] = []
        try read(payload, into: &words, idInto: &text)
        return String(decoding: text, as: UTF8.self)
    }
}
