/// How many events of a bucket or several could have come, and came.
struct Tally: Equatable, BitwiseCopyable, Sendable {
    /// Impressions, where the events are clicks; clicks, where they are conversions.
    var bases = 0
    var events = 0

    static func + (one: Tally, other: Tally) -> Tally {
        Tally(bases: one.bases + other.bases, events: one.events + other.events)
    }

    static func - (one: Tally, other: Tally) -> Tally {
        Tally(bases: one.bases - other.bases, events: one.events - other.events)
    }

    static func += (one: inout Tally, other: Tally) { one = one + other }
}

/// What is usual: counts of the buckets that have left the span, each weighing 31/32 of the one after
/// it. Sums and products of doubles in a fixed order, so the same everywhere.
struct TrailingRate: Equatable, Sendable {
    /// Of buckets that were not empty and not silent.
    private(set) var bases = 0.0
    private(set) var events = 0.0
    /// Of all buckets, so that it follows the traffic: where that has just come back from a pause,
    /// events that take their time are not missed yet.
    private(set) var recentBases = 0.0

    init() {}

    init(bases: Double, events: Double, recentBases: Double) {
        self.bases = bases
        self.events = events
        self.recentBases = recentBases
    }

    /// Events per base.
    var rate: Double { bases > 0 ? events / bases : 0 }

    /// How many events a span would have at this rate, if its bases are not more than usual.
    func expectedEvents(of span: Tally) -> Double {
        rate * min(Double(span.bases), recentBases / spansRemembered)
    }

    /// A bucket leaves the span.
    mutating func pass(_ bucket: Tally) {
        let decayed = recentBases * decay
        recentBases = (decayed < 0.5 ? 0 : decayed) + Double(bucket.bases)
    }

    /// The bucket is one of the usual.
    mutating func learn(_ bucket: Tally) {
        if bucket == Tally() { return }
        bases = bases * decay + Double(bucket.bases)
        events = events * decay + Double(bucket.events)
    }

    /// The rate is learnt anew.
    mutating func forget() {
        bases = 0
        events = 0
    }
}

private let decay = 31.0 / 32
/// As many buckets as the decay sums up in the long run, 32, are 8 spans of 4.
private let spansRemembered = 8.0
