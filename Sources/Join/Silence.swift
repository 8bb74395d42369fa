/// Events that have become too few to take their absence for an answer. See `SilenceGuard`.
public struct Silence: Equatable, Sendable {
    /// Stream time at which it was noticed.
    public var since: Int64
    /// Clicks per impression, or conversions per click, over the last span. nil: there were none
    /// that could have had one.
    public var rate: Double?
    /// The rate that was usual before.
    public var trailingRate: Double

    public init(since: Int64, rate: Double?, trailingRate: Double) {
        self.since = since
        self.rate = rate
        self.trailingRate = trailingRate
    }
}

/// Which events are silent. While any are, no window and no hold closes.
public struct JoinSilence: Equatable, Sendable {
    /// Clicks per impression.
    public var clicks: Silence?
    /// Conversions per click.
    public var conversions: Silence?

    public init(clicks: Silence? = nil, conversions: Silence? = nil) {
        self.clicks = clicks
        self.conversions = conversions
    }

    public var isSilent: Bool { clicks != nil || conversions != nil }
}
