internal import Events

/// What is known of a generated stream: its settings, its size and the best possible figures.
public struct PlantedReport: Sendable, Codable {
    public var settings: GeneratorSettings
    public var impressions: Int
    public var clicks: Int
    public var conversions: Int
    /// Event times of the first and last event, milliseconds since the epoch.
    public var firstTime: Int64?
    public var lastTime: Int64?
    public var all: Period
    /// nil without a shift.
    public var beforeShift: Period?
    public var afterShift: Period?
    public var newAd: NewAd?

    /// The figures of some impressions.
    public struct Period: Sendable, Codable {
        public var ctr: PlantedFigures
        /// On clicked impressions.
        public var cvr: PlantedFigures
        public var ctcvr: PlantedFigures

        init(_ score: OracleScore) {
            ctr = score.ctr
            cvr = score.cvr
            ctcvr = score.ctcvr
        }
    }

    public struct NewAd: Sendable, Codable {
        /// Its value of the feature `ad`.
        public var id = GeneratorSettings.NewAd.id
        /// When it was first shown, milliseconds since the epoch; nil if never.
        public var firstTime: Int64?
        public var impressions: Int
        public var clicks: Int
    }

    /// The report on what `feed` has sent so far.
    public init<Sink: GeneratedEventSink & ~Copyable>(_ feed: borrowing StreamFeed<Sink>) {
        settings = feed.generator.settings
        impressions = feed.count(of: .impression)
        clicks = feed.count(of: .click)
        conversions = feed.count(of: .conversion)
        firstTime = feed.firstTime
        lastTime = feed.lastTime
        all = Period(feed.oracle.all)
        if settings.shiftAfter != nil {
            beforeShift = Period(feed.oracle.beforeShift)
            afterShift = Period(feed.oracle.afterShift)
        }
        if settings.newAd != nil {
            newAd = NewAd(
                firstTime: feed.generator.newAdStart,
                impressions: feed.oracle.newAdImpressions,
                clicks: feed.oracle.newAdClicks
            )
        }
    }
}
