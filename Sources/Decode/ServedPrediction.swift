public import Events

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

/// Reads what serving answered for an impression, where its record says so:
/// `"served": {"model": "0000000042-…", "ctr": 0.031, "cvr": 0.2}`.
public struct ServedPredictionReader: ~Copyable {
    private var reader = JSONObjectReader()
    private let slot: Int
    private let model: Int
    private let ctr: Int
    private let cvr: Int

    public init() {
        slot = reader.addKey("served")
        model = reader.addKey("model", in: slot)
        ctr = reader.addKey("ctr", in: slot)
        cvr = reader.addKey("cvr", in: slot)
    }

    /// nil if the record does not say; nothing else of it is looked at.
    /// - Throws: `Rejection` for a record that is no JSON object, or of whose answer something is missing
    ///   or of a wrong type.
    public mutating func read(_ payload: Span<UInt8>) throws(Rejection) -> ServedPrediction? {
        try reader.read(payload)
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
        case .signed(let integer, _): Double(integer)
        case .unsigned(let integer, _): Double(integer)
        case .double(let number): number
        case .absent, .null, .boolean, .object, .string, .list: nil
        }
    }
}
