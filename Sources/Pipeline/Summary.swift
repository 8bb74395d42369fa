public import Events
public import Learn

/// Counts by what an event is.
public struct RoleCounts: Codable, Equatable, Sendable {
    public var impressions = 0
    public var clicks = 0
    public var conversions = 0

    public init() {}

    public subscript(role: Role) -> Int {
        get {
            switch role {
            case .impression: impressions
            case .click: clicks
            case .conversion: conversions
            }
        }
        set {
            switch role {
            case .impression: impressions = newValue
            case .click: clicks = newValue
            case .conversion: conversions = newValue
            }
        }
    }

    public var total: Int { impressions + clicks + conversions }
}

/// What a state amounts to, cumulative over all its runs.
public struct Summary: Codable, Sendable {
    public var consumed = RoleCounts()
    public var applied = RoleCounts()
    public var duplicate = RoleCounts()
    public var `repeat` = RoleCounts()
    public var late = RoleCounts()
    public var viewThrough = RoleCounts()
    public var orphaned = RoleCounts()
    public var dropped = RoleCounts()
    public var quarantined = RoleCounts()
    public var pending = RoleCounts()
    public var trained: Trained
    public var skippedUpdates: Int
    public var disordered: Int
    public var metrics: MetricsReport
    /// nil before anything was applied.
    public var streamTime: Int64?
    /// Which events are silent; JSON's null when none are.
    public var silence: SilenceReport
    public var stateDigest: String

    public struct Trained: Codable, Equatable, Sendable {
        public var ctr: Int
        public var ctcvr: Int
    }

    enum CodingKeys: String, CodingKey {
        case consumed, applied, duplicate, `repeat`, late, orphaned, dropped, quarantined, pending
        case trained, disordered, metrics, silence
        case viewThrough = "view_through"
        case skippedUpdates = "skipped_updates"
        case streamTime = "stream_time"
        case stateDigest = "state_digest"
    }

    /// The counts of one place.
    public subscript(place: Place) -> RoleCounts {
        get { self[keyPath: Self.path(place)] }
        set { self[keyPath: Self.path(place)] = newValue }
    }

    private static func path(_ place: Place) -> WritableKeyPath<Summary, RoleCounts> {
        switch place {
        case .applied: \.applied
        case .duplicate: \.duplicate
        case .repeat: \.repeat
        case .late: \.late
        case .viewThrough: \.viewThrough
        case .orphaned: \.orphaned
        case .dropped: \.dropped
        case .quarantined: \.quarantined
        case .pending: \.pending
        }
    }
}
