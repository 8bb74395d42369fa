/// What an event is. The raw value is also the rank in the merge of equal event times:
/// impressions before clicks before conversions.
public enum Role: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    case impression = 0
    case click = 1
    case conversion = 2

    /// The role of a plural name; nil if there is none of it.
    public init?(plural: String) {
        guard let role = Role.allCases.first(where: { $0.plural == plural }) else { return nil }
        self = role
    }

    /// The name in configurations, summaries and logs: "impressions", "clicks", "conversions".
    public var plural: String {
        switch self {
        case .impression: "impressions"
        case .click: "clicks"
        case .conversion: "conversions"
        }
    }
}

/// One impression, click or conversion, as the join sees it. The features and the id text of an
/// impression travel beside it, in the `EventBatch` that holds it.
public struct Event: Sendable, BitwiseCopyable {
    public var role: Role
    /// Index of the partition it came from, into the run's `PartitionTable`.
    public var partition: Int32
    /// An impression's `weight`, 1 unless given; unused otherwise.
    public var weight: Float
    /// Event time, milliseconds since the Unix epoch.
    public var time: Int64
    /// The impression that this event is or refers to; `none` where a conversion names only a click.
    public var impressionID: EventID
    /// The `click_id` of a click or conversion, if it has one.
    public var clickID: EventID
    /// The `event_id` of a conversion, if it has one.
    public var conversionID: EventID

    public init(
        role: Role,
        partition: Int32 = 0,
        time: Int64,
        impressionID: EventID,
        clickID: EventID = .none,
        conversionID: EventID = .none,
        weight: Float = 1
    ) {
        self.role = role
        self.partition = partition
        self.weight = weight
        self.time = time
        self.impressionID = impressionID
        self.clickID = clickID
        self.conversionID = conversionID
    }
}
