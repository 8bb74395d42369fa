public import Events

/// Reads impressions that are to be scored. Their ids and features are under the rules of
/// `EventDecoder`; time and weight, which scoring has no use for, are not looked at.
///
/// What serving answered may come along, to be compared with: `"served": {"model": "0000000042-…",
/// "ctr": 0.031, "cvr": 0.2}`.
public struct ImpressionReader: ~Copyable {
    private var fields: ImpressionFields
    private let served: ServedFields
    private let recordBytesMax: Int

    public init(schema: FeatureSchema, settings: DecodeSettings) {
        fields = ImpressionFields(schema: schema, keys: settings.impressions)
        served = ServedFields(&fields.reader)
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

    /// What serving answered for the impression read last; nil if it does not say.
    /// - Throws: `Rejection` if only part of it is there or something of a wrong type.
    public func servedPrediction() throws(Rejection) -> ServedPrediction? {
        try served.read(fields.reader)
    }
}

/// What serving answered for an impression.
public struct ServedPrediction: Equatable, Sendable {
    /// The id of the model that answered.
    public var model: String
    public var ctr: Double
    public var cvr: Double

    public init(model: String, ctr: Double, cvr: Double) {
        self.model = model
        self.ctr = ctr
        self.cvr = cvr
    }
}

/// The fields of a `ServedPrediction`, in the record's object "served".
private struct ServedFields {
    private let slot: Int
    private let model: Int
    private let ctr: Int
    private let cvr: Int

    init(_ reader: inout JSONObjectReader) {
        slot = reader.addKey("served")
        model = reader.addKey("model", in: slot)
        ctr = reader.addKey("ctr", in: slot)
        cvr = reader.addKey("cvr", in: slot)
    }

    func read(_ reader: borrowing JSONObjectReader) throws(Rejection) -> ServedPrediction? {
        let value = reader.value(slot)
        if value.isMissing { return nil }
        guard case .object = value else {
            throw Rejection(.wrongType, "served: \(value.description), expected an object")
        }
        let id = reader.value(model)
        guard case .string(let text) = id else {
            throw Self.wrong("model", id, expected: "a string")
        }
        return ServedPrediction(
            model: reader.withBytes(of: text) { unsafe String(copying: UTF8Span(unchecked: $0)) },
            ctr: try Self.probability("ctr", reader.value(ctr)),
            cvr: try Self.probability("cvr", reader.value(cvr))
        )
    }

    private static func probability(_ key: String, _ value: JSONValue) throws(Rejection) -> Double {
        guard let number = value.double else { throw wrong(key, value, expected: "a number") }
        guard (0...1) ~= number else {
            throw Rejection(.wrongType, "served.\(key): a number that is no probability")
        }
        return number
    }

    private static func wrong(_ key: String, _ value: JSONValue, expected: String) -> Rejection {
        Rejection(
            value.isMissing ? .missingField : .wrongType,
            "served.\(key): \(value.description), expected \(expected)"
        )
    }
}

extension JSONValue {
    /// nil if the value is no number.
    fileprivate var double: Double? {
        switch self {
        case .signed(let integer): Double(integer)
        case .unsigned(let integer): Double(integer)
        case .double(let number): number
        case .absent, .null, .boolean, .object, .string, .list: nil
        }
    }
}
