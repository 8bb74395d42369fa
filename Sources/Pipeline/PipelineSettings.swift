public import Decode
public import Events
public import Join
public import Learn
public import Order

/// Everything that determines what the pipeline makes of its records.
public struct PipelineSettings: Sendable {
    public var schema: FeatureSchema
    public var decode: DecodeSettings
    public var order: OrderSettings
    public var join: JoinSettings
    public var learn: LearnSettings
    /// Which event times are taken; the rest is in no count.
    public var selection: TimeSelection
    /// Against this, milliseconds since the epoch, event times are held that have no record
    /// timestamp beside them.
    public var now: Int64
    /// The run stops when more records than this have been quarantined; nil: never.
    public var quarantinedMax: Int?
    /// Offsets to leave out, beside those that the resumed state still has to pass.
    public var skips: [OffsetRange]
    /// The quarantine file does not grow beyond this; nil: no limit.
    public var quarantineFileBytesMax: Int?
    /// How many recent impressions are kept as they came.
    public var sampledImpressions: Int

    public init(
        schema: FeatureSchema,
        decode: DecodeSettings,
        order: OrderSettings,
        join: JoinSettings,
        learn: LearnSettings,
        selection: TimeSelection = TimeSelection(),
        now: Int64,
        quarantinedMax: Int? = nil,
        skips: [OffsetRange] = [],
        quarantineFileBytesMax: Int? = nil,
        sampledImpressions: Int = 0
    ) {
        self.schema = schema
        self.decode = decode
        self.order = order
        self.join = join
        self.learn = learn
        self.selection = selection
        self.now = now
        self.quarantinedMax = quarantinedMax
        self.skips = skips
        self.quarantineFileBytesMax = quarantineFileBytesMax
        self.sampledImpressions = sampledImpressions
    }
}

/// Event times from `from` on and before `until`.
public struct TimeSelection: Equatable, Sendable {
    public var from: Int64?
    public var until: Int64?

    public init(from: Int64? = nil, until: Int64? = nil) {
        self.from = from
        self.until = until
    }

    func contains(_ time: Int64) -> Bool {
        (from.map { $0 <= time } ?? true) && (until.map { time < $0 } ?? true)
    }
}
