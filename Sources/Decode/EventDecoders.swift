internal import Events

/// Reads impressions: id, time, features, weight.
struct ImpressionDecoder: ~Copyable {
    private var fields: ImpressionFields
    private let timeRule: EventTimeRule
    private let timeSlot: Int
    private let weightSlot: Int
    private let weightKey: String

    init(schema: FeatureSchema, settings: DecodeSettings) {
        let keys = settings.impressions
        fields = ImpressionFields(schema: schema, keys: keys)
        timeRule = EventTimeRule(key: keys.time, settings)
        timeSlot = fields.reader.addKey(keys.time)
        weightSlot = fields.reader.addKey(keys.weight)
        weightKey = keys.weight
    }

    /// Appends the id's text and the features' words to `batch`, also if it throws.
    mutating func decode(
        _ payload: Span<UInt8>,
        _ origin: RecordOrigin,
        into batch: inout EventBatch
    ) throws(Rejection) -> Event? {
        try fields.reader.read(payload)
        let impressionID = try fields.id.require(
            in: fields.reader,
            copyingTextTo: &batch.text
        )
        let time = try timeRule.time(
            of: fields.reader.value(timeSlot),
            recordTime: origin.recordTime
        )
        try fields.encodeFeatures(into: &batch.words)
        return Event(
            role: .impression,
            partition: origin.partition,
            time: time,
            impressionID: impressionID,
            weight: try weight()
        )
    }

    private func weight() throws(Rejection) -> Float {
        let value = fields.reader.value(weightSlot)
        if value.isMissing { return 1 }
        guard let weight = value.float, weight >= 0 else {
            let found = value.float == nil ? value.description : "a negative number"
            throw Rejection(.wrongType, "\(weightKey): \(found), expected a number of at least 0")
        }
        guard weight.isFinite else {
            throw Rejection(
                .nonFinite,
                "\(weightKey): a number too large for 32-bit floating point"
            )
        }
        return weight
    }
}

/// Reads clicks: the impression's id, time, and the click's own id if there is one.
struct ClickDecoder: ~Copyable {
    private var reader = JSONObjectReader()
    private let impressionID: IDField
    private let clickID: IDField
    private let timeRule: EventTimeRule
    private let timeSlot: Int

    init(settings: DecodeSettings) {
        let keys = settings.clicks
        impressionID = IDField(key: keys.impressionID, slot: reader.addKey(keys.impressionID))
        clickID = IDField(key: keys.clickID, slot: reader.addKey(keys.clickID))
        timeRule = EventTimeRule(key: keys.time, settings)
        timeSlot = reader.addKey(keys.time)
    }

    mutating func decode(
        _ payload: Span<UInt8>,
        _ origin: RecordOrigin
    ) throws(Rejection) -> Event? {
        try reader.read(payload)
        return Event(
            role: .click,
            partition: origin.partition,
            time: try timeRule.time(of: reader.value(timeSlot), recordTime: origin.recordTime),
            impressionID: try impressionID.require(in: reader),
            clickID: try clickID.find(in: reader)
        )
    }
}

/// Reads conversions: the impression's or the click's id, time, and the conversion's own id and type.
struct ConversionDecoder: ~Copyable {
    private var reader = JSONObjectReader()
    private let impressionID: IDField
    private let clickID: IDField
    private let conversionID: IDField
    private let timeRule: EventTimeRule
    private let timeSlot: Int
    private let typeSlot: Int
    private let typeKey: String
    /// The UTF-8 of the types that count; nil: all.
    private let types: [[UInt8]]?

    init(settings: DecodeSettings) {
        let keys = settings.conversions
        impressionID = IDField(key: keys.impressionID, slot: reader.addKey(keys.impressionID))
        clickID = IDField(key: keys.clickID, slot: reader.addKey(keys.clickID))
        conversionID = IDField(key: keys.eventID, slot: reader.addKey(keys.eventID))
        timeRule = EventTimeRule(key: keys.time, settings)
        timeSlot = reader.addKey(keys.time)
        typeSlot = reader.addKey(keys.type)
        typeKey = keys.type
        types = settings.conversionTypes?.map { Array($0.utf8) }
    }

    /// nil if the conversion's type is not chosen; nothing else of it is checked then.
    mutating func decode(
        _ payload: Span<UInt8>,
        _ origin: RecordOrigin
    ) throws(Rejection) -> Event? {
        try reader.read(payload)
        guard try isChosen() else { return nil }
        let event = Event(
            role: .conversion,
            partition: origin.partition,
            time: try timeRule.time(of: reader.value(timeSlot), recordTime: origin.recordTime),
            impressionID: try impressionID.find(in: reader),
            clickID: try clickID.find(in: reader),
            conversionID: try conversionID.find(in: reader)
        )
        if event.impressionID.isNone && event.clickID.isNone {
            throw Rejection(
                .missingField,
                "\(impressionID.key), \(clickID.key): nothing, expected one of them"
            )
        }
        return event
    }

    private func isChosen() throws(Rejection) -> Bool {
        guard let types else { return true }
        let type = reader.value(typeSlot)
        if type.isMissing { return false }
        let isChosen = reader.withText(of: type) { text in
            types.contains { isEqual($0, text) }
        }
        guard let isChosen else {
            throw Rejection(.wrongType, "\(typeKey): \(type.description), expected a string")
        }
        return isChosen
    }
}

private func isEqual(_ bytes: [UInt8], _ text: Span<UInt8>) -> Bool {
    guard bytes.count == text.count else { return false }
    for index in text.indices where text[index] != bytes[index] { return false }
    return true
}

/// An id field of a record.
struct IDField {
    let key: String
    let slot: Int

    /// The id, or `none` where it is absent or null.
    func find(in reader: borrowing JSONObjectReader) throws(Rejection) -> EventID {
        let value = reader.value(slot)
        if value.isMissing { return .none }
        if case .string(let text) = value, text.isEmpty {
            throw Rejection(.missingField, "\(key): an empty string, expected an id")
        }
        guard let id = reader.withText(of: value, { EventID(text: $0) }) else {
            throw Rejection(
                .wrongType,
                "\(key): \(value.description), expected a string or an integer"
            )
        }
        return id
    }

    /// The id, which must be there.
    func require(in reader: borrowing JSONObjectReader) throws(Rejection) -> EventID {
        let id = try find(in: reader)
        if id.isNone {
            throw Rejection(
                .missingField,
                "\(key): \(reader.value(slot).description), expected a string or an integer"
            )
        }
        return id
    }

    /// The id, which must be there, and its text.
    func require(
        in reader: borrowing JSONObjectReader,
        copyingTextTo bytes: inout [UInt8]
    ) throws(Rejection) -> EventID {
        let id = try require(in: reader)
        reader.withText(of: reader.value(slot)) { text in
            unsafe text.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        }
        return id
    }
}

extension EventTimeRule {
    init(key: String, _ settings: DecodeSettings) {
        self.init(
            key: key,
            unit: settings.timeUnit,
            timeMin: settings.timeMin,
            timeAheadMax: settings.timeAheadMax
        )
    }
}
