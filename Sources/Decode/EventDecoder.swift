public import Events

/// Reads records as events.
///
/// A record is one JSON object. Its ids are strings or integers, which count as their decimal text, so
/// that 712 and "712" are one id; an empty one is as good as missing. Unknown fields are ignored, and of
/// a repeated key the last value counts. All of a record must be well-formed JSON in UTF-8, ignored
/// fields included, nested at most 1,024 deep.
///
/// No payload makes it fail: what is not an event becomes a `Rejection`, whose detail names the field but
/// never shows a value, except the time.
public struct EventDecoder: ~Copyable {
    private var impressions: ImpressionDecoder
    private var clicks: ClickDecoder
    private var conversions: ConversionDecoder
    private let recordBytesMax: Int
    private let keepsRejectedPayloads: Bool
    /// Which impressions' payloads go to the batch's `payloads`.
    public var keptPayloads = KeptPayloads.none

    /// Impressions that are kept as they came.
    public enum KeptPayloads: Sendable {
        case none
        /// Those whose id is chosen (`EventID.isChosen`).
        case chosen
        case all
    }

    public init(schema: FeatureSchema, settings: DecodeSettings) {
        impressions = ImpressionDecoder(schema: schema, settings: settings)
        clicks = ClickDecoder(settings: settings)
        conversions = ConversionDecoder(settings: settings)
        recordBytesMax = Self.recordBytesMax(settings)
        keepsRejectedPayloads = settings.keepsRejectedPayloads
    }

    /// The longest record that is looked at: a reader's offsets are 32 bits wide.
    static func recordBytesMax(_ settings: DecodeSettings) -> Int {
        min(settings.recordBytesMax, 1 << 30)
    }

    /// Appends one record to `batch`: the event that `payload` holds, a conversion of a type that is not
    /// chosen, or a rejection.
    public mutating func decode(
        _ payload: Span<UInt8>,
        from origin: RecordOrigin,
        into batch: inout EventBatch
    ) {
        guard payload.count <= recordBytesMax else {
            return reject(.tooLarge(byteCount: payload.count), from: origin, into: &batch)
        }
        let hash = xxHash3(payload)
        let wordCount = batch.words.count
        let textCount = batch.text.count
        do throws(Rejection) {
            let event =
                switch origin.role {
                case .impression: try impressions.decode(payload, origin, into: &batch)
                case .click: try clicks.decode(payload, origin)
                case .conversion: try conversions.decode(payload, origin)
                }
            let payloadCount = batch.payloads.count
            if let event, origin.role == .impression, keepsPayload(of: event) {
                unsafe payload.withUnsafeBufferPointer {
                    unsafe batch.payloads.append(contentsOf: $0)
                }
            }
            batch.records.append(
                DecodedRecord(
                    kind: event == nil ? .unchosen : .event,
                    event: event ?? origin.noEvent,
                    offset: origin.offset,
                    offsetCount: origin.offsetCount,
                    payloadHash: hash,
                    featureRange: wordCount..<batch.words.count,
                    textRange: textCount..<batch.text.count,
                    payloadRange: payloadCount..<batch.payloads.count
                )
            )
        } catch {
            batch.words.removeLast(batch.words.count - wordCount)
            batch.text.removeLast(batch.text.count - textCount)
            append(error, origin, payload, hash: hash, to: &batch)
        }
    }

    private func keepsPayload(of impression: Event) -> Bool {
        switch keptPayloads {
        case .none: false
        case .chosen: impression.impressionID.isChosen
        case .all: true
        }
    }

    /// Appends one record whose payload is not looked at, as a rejection.
    public mutating func reject(
        _ record: UnreadableRecord,
        from origin: RecordOrigin,
        into batch: inout EventBatch
    ) {
        let rejection =
            switch record {
            case .null:
                Rejection(.nullPayload, "no payload, expected a JSON object")
            case .corrupt:
                Rejection(
                    .corruptBatch,
                    "a batch of \(origin.offsetCount) offsets fails its checksum"
                )
            case .tooLarge(let byteCount):
                Rejection.tooLarge(byteCount: byteCount, limit: recordBytesMax)
            case .skipped:
                Rejection(.skipped, "left out by --skip")
            }
        append(rejection, origin, Span(), hash: 0, to: &batch)
    }

    private func append(
        _ rejection: Rejection,
        _ origin: RecordOrigin,
        _ payload: Span<UInt8>,
        hash: UInt64,
        to batch: inout EventBatch
    ) {
        batch.records.append(
            DecodedRecord(
                kind: .rejected,
                event: origin.noEvent,
                offset: origin.offset,
                offsetCount: origin.offsetCount,
                payloadHash: hash,
                rejectionIndex: batch.rejections.count
            )
        )
        batch.rejections.append(rejection)
        if keepsRejectedPayloads {
            batch.rejectedPayloads.append(payload.indices.map { payload[$0] })
        }
    }
}

extension Rejection {
    /// A record that is longer than is looked at.
    public static func tooLarge(byteCount: Int, limit: Int) -> Rejection {
        Rejection(.recordTooLarge, "\(byteCount) bytes, expected at most \(limit)")
    }
}

extension RecordOrigin {
    /// Stands where a record has no event.
    fileprivate var noEvent: Event {
        Event(role: role, partition: partition, time: 0, impressionID: .none)
    }
}
