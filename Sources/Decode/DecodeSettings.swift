/// How records are read as events.
public struct DecodeSettings: Equatable, Sendable {
    /// The unit of the time field in records.
    public enum TimeUnit: String, CaseIterable, Sendable {
        case seconds, milliseconds, microseconds
    }

    public var timeUnit: TimeUnit
    public var impressions: ImpressionKeys
    public var clicks: ClickKeys
    public var conversions: ConversionKeys
    /// The conversion types that count; nil: all, typed or not.
    public var conversionTypes: [String]?
    /// Longer records are quarantined, bytes.
    public var recordBytesMax: Int
    /// An event time this far beyond the record's timestamp (or `now`) is quarantined, milliseconds.
    public var timeAheadMax: Int64
    /// Event times before this are quarantined, milliseconds since the epoch.
    public var timeMin: Int64
    /// Whether a rejected record's payload is kept for the quarantine file.
    public var keepsRejectedPayloads: Bool

    /// Field names of an impression record.
    public struct ImpressionKeys: Equatable, Sendable {
        public var id = "impression_id"
        public var time = "ts"
        public var features = "features"
        public var weight = "weight"
        public init() {}
    }

    /// Field names of a click record.
    public struct ClickKeys: Equatable, Sendable {
        public var impressionID = "impression_id"
        public var time = "ts"
        public var clickID = "click_id"
        public init() {}
    }

    /// Field names of a conversion record.
    public struct ConversionKeys: Equatable, Sendable {
        public var impressionID = "impression_id"
        public var clickID = "click_id"
        public var time = "ts"
        public var eventID = "event_id"
        public var type = "type"
        public init() {}
    }

    public init() {
        timeUnit = .milliseconds
        impressions = ImpressionKeys()
        clicks = ClickKeys()
        conversions = ConversionKeys()
        conversionTypes = nil
        recordBytesMax = 1 << 20
        timeAheadMax = 3_600_000
        timeMin = 946_684_800_000
        keepsRejectedPayloads = false
    }
}
