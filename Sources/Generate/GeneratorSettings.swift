/// What a generated stream is like. It is wholly determined by these values.
public struct GeneratorSettings: Equatable, Sendable, Codable {
    /// How many events (impressions, clicks and conversions, flaws included) there are in all;
    /// nil for a stream without end.
    public var events: Int?
    public var seed: UInt64
    /// Time of the first impression, milliseconds since the epoch. 2026-01-01T00:00:00Z by default.
    public var start: Int64 = 1_767_225_600_000
    /// Impressions per second of event time, without those of the new ad.
    public var rate = 100.0
    /// Mean p(click) of an impression at midnight; over the day it varies by about a quarter.
    public var ctr = 0.05
    /// Mean p(conversion) of a click at midnight.
    public var cvr = 0.1
    /// Mean of the exponential delay from impression to click, seconds.
    public var clickDelay = 5.0
    /// Mean of the exponential delay from click to conversion, seconds.
    public var conversionDelay = 60.0
    /// The number of events after which the planted truth changes; nil for never.
    public var shiftAfter: Int?
    public var newAd: NewAd?
    public var flaws = Flaws()
    /// What every id begins with; "s" and the seed unless given. Streams that go to the same topics
    /// need different ones.
    public var idPrefix: String

    /// An ad never seen before that appears in the middle of the stream, clicked with one constant
    /// probability whoever sees it.
    public struct NewAd: Equatable, Sendable, Codable {
        /// The number of events after which it appears.
        public var after: Int
        /// Impressions per second of event time, in addition to `GeneratorSettings.rate`.
        public var rate = 20.0
        public var ctr = 0.03
        public var cvr = 0.1

        public init(after: Int) {
            self.after = after
        }

        /// Its value of the feature `ad`.
        public static var id: Int { Population.newAd }
    }

    /// Imperfections of real streams, each a share between 0 and 1, none by default.
    public struct Flaws: Equatable, Sendable, Codable {
        /// Share of events that are sent twice in succession, as producers do that try again.
        public var duplicates = 0.0
        /// Share of clicks and of conversions beside which one comes that refers to nothing.
        public var orphans = 0.0
        /// Share of clicks and of conversions that come `lateBy` seconds later. They count as not
        /// having happened, in the planted probabilities and in the outcomes, so the windows of
        /// whoever reads the stream should be shorter than `lateBy`.
        public var late = 0.0
        public var lateBy = 86_400.0

        public init() {}
    }

    /// The most events that a stream with an end has.
    public static let eventsMax = 1_000_000_000_000

    public init(events: Int?, seed: UInt64) {
        self.events = events
        self.seed = seed
        idPrefix = "s\(seed)"
    }

    /// - Throws: naming the first value that no stream can have.
    public func validate() throws(GeneratorError) {
        if let events, !(1...Self.eventsMax).contains(events) {
            throw GeneratorError("events is \(events), not between 1 and \(Self.eventsMax)")
        }
        try Self.require("start", Double(start), in: 0...4e12)
        try Self.require("rate", rate, in: 0.001...1e6)
        try Self.require("ctr", ctr, in: 1e-6...0.95)
        try Self.require("cvr", cvr, in: 1e-6...0.95)
        try Self.require("click delay", clickDelay, in: 0...1e7)
        try Self.require("conversion delay", conversionDelay, in: 0...1e7)
        if let newAd {
            try Self.require("new ad's rate", newAd.rate, in: 0.001...1e6)
            try Self.require("new ad's ctr", newAd.ctr, in: 0...1)
            try Self.require("new ad's cvr", newAd.cvr, in: 0...1)
        }
        try Self.require("duplicates", flaws.duplicates, in: 0...1)
        try Self.require("orphans", flaws.orphans, in: 0...1)
        try Self.require("late", flaws.late, in: 0...1)
        try Self.require("late by", flaws.lateBy, in: 0...1e9)
        // It goes into JSON as it is.
        let isPlain = idPrefix.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c
        }
        guard isPlain, idPrefix.utf8.count <= 64 else {
            throw GeneratorError("id prefix is not at most 64 plain ASCII characters")
        }
    }

    private static func require(
        _ name: String,
        _ value: Double,
        in range: ClosedRange<Double>
    ) throws(GeneratorError) {
        guard range.contains(value) else {
            throw GeneratorError(
                "\(name) is \(value), not between \(range.lowerBound) and \(range.upperBound)"
            )
        }
    }
}

/// Why no stream can be generated.
public struct GeneratorError: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}
