/// When a positive label trains.
public enum LabelTiming: String, CaseIterable, Sendable {
    /// At the event that makes it known: the click, the conversion.
    case known
    /// When the window of that click (conversion) ends, in step with the zeros.
    case settled
}

/// The join's windows, limits and label timing. All times are milliseconds of event time.
public struct JoinSettings: Equatable, Sendable {
    /// The greatest limit of any kind. Of open impressions half as many: as many places in their
    /// line may be stale, and the index numbers places by 30 bits.
    public static let limitMax = 1_000_000_000

    /// How long after the impression a click counts, inclusive.
    public var clickWindow: Int64
    /// How long after the click a conversion counts, inclusive.
    public var conversionWindow: Int64
    /// How long a click or conversion waits for the event it refers to.
    public var orphanWindow: Int64
    /// How long a closed impression's id is remembered.
    public var closedMemory: Int64
    public var ctrTiming: LabelTiming
    public var ctcvrTiming: LabelTiming
    /// Limits; at each of them the oldest goes first.
    public var openImpressionsMax: Int
    public var heldEventsMax: Int
    public var closedIDsMax: Int
    /// What clicks and conversions are counted over to notice their silence; see `SilenceGuard`.
    public var guardSpan: Int64
    /// Silence is a rate below this share of the usual one; below 1, 0 for no guard.
    public var guardRatio: Double
    /// How many events must be expected in a span for their absence to count.
    public var guardEvidence: Int

    public init(
        clickWindow: Int64,
        conversionWindow: Int64,
        orphanWindow: Int64,
        closedMemory: Int64,
        ctrTiming: LabelTiming = .settled,
        ctcvrTiming: LabelTiming = .known,
        openImpressionsMax: Int = 1_000_000,
        heldEventsMax: Int = 100_000,
        closedIDsMax: Int = 1_000_000,
        guardSpan: Int64 = 300_000,
        guardRatio: Double = 0,
        guardEvidence: Int = 20
    ) {
        self.clickWindow = clickWindow
        self.conversionWindow = conversionWindow
        self.orphanWindow = orphanWindow
        self.closedMemory = closedMemory
        self.ctrTiming = ctrTiming
        self.ctcvrTiming = ctcvrTiming
        self.openImpressionsMax = openImpressionsMax
        self.heldEventsMax = heldEventsMax
        self.closedIDsMax = closedIDsMax
        self.guardSpan = guardSpan
        self.guardRatio = guardRatio
        self.guardEvidence = guardEvidence
    }
}
