public import Events
public import StateCoding

/// Joins impressions, clicks and conversions into examples.
///
/// A pure state machine over event time: `apply` takes the events in the order of the stream,
/// `advance` tells the time when there are none. Both first close what has ended. Copying the value
/// is taking its snapshot. See `JoinSink` for what comes out.
public struct Joiner: Sendable, StateCodable {
    public let settings: JoinSettings
    /// The greatest event time applied or told, `Int64.min` before any.
    public internal(set) var streamTime = Int64.min
    /// Which place each consumed event is in.
    public internal(set) var ledger: Ledger
    /// How long clicks and conversions took.
    public internal(set) var delays = JoinDelays()

    var impressions: ImpressionTable
    var held: HeldEvents
    var knownClicks = KnownClicks()
    var timers = TimerQueue()
    var guards: SilenceGuards
    /// Every window that ends before this has closed: stream time, unless silence holds it back.
    public internal(set) var closedThrough = Int64.min
    /// Opening sequence number of the next window or hold.
    var nextSequence: Int64 = 1

    /// Limits are at least 1 and at most 2³⁰, `closedIDsMax` may be 0; windows are not negative;
    /// `guardSpan` is at least 1 and at most 2⁵⁰, `guardRatio` from 0 to below 1.
    public init(settings: JoinSettings, partitionCount: Int) {
        let limits = 1...(1 << 30)
        precondition(limits.contains(settings.openImpressionsMax), "openImpressionsMax")
        precondition(limits.contains(settings.heldEventsMax), "heldEventsMax")
        precondition((0...1 << 30).contains(settings.closedIDsMax), "closedIDsMax")
        precondition(
            min(
                settings.clickWindow,
                settings.conversionWindow,
                settings.orphanWindow,
                settings.closedMemory
            ) >= 0,
            "a negative window"
        )
        precondition((1...1 << 50).contains(settings.guardSpan), "guardSpan")
        precondition((1...1 << 30).contains(settings.guardEvidence), "guardEvidence")
        precondition((0..<1).contains(settings.guardRatio), "guardRatio")
        self.settings = settings
        ledger = Ledger(partitionCount: partitionCount)
        impressions = ImpressionTable(openMax: settings.openImpressionsMax)
        held = HeldEvents(countMax: settings.heldEventsMax)
        guards = SilenceGuards(settings)
    }

    public var openImpressionCount: Int { impressions.open.count }
    public var heldEventCount: Int { held.count }
    public var closedIDCount: Int { impressions.closed.count }

    /// Bytes reserved by tables, timers and arenas.
    public var memoryBytes: Int {
        impressions.memoryBytes + held.memoryBytes + knownClicks.memoryBytes + timers.memoryBytes
    }

    /// Makes room for partitions that appeared since.
    public mutating func grow(toPartitionCount count: Int) {
        ledger.grow(toPartitionCount: count)
    }

    /// Gives partitions other indices: what was of partition i is of `indices[i]` from now on. The
    /// others, which appeared since, have no events yet.
    public mutating func renumberPartitions(_ indices: [Int]) {
        guard indices != Array(indices.indices) else { return }
        var renumbered = Ledger(partitionCount: ledger.partitionCount)
        for (old, new) in indices.enumerated() {
            renumbered.restore(
                partition: new,
                consumed: ledger.consumed[old],
                counts: ledger.counts[old]
            )
        }
        ledger = renumbered
        impressions.open.updatePartitions { Int32(indices[Int($0)]) }
        held.updatePartitions { Int32(indices[Int($0)]) }
    }

    /// Applies one event, after closing what ended before it.
    ///
    /// `features` (encoded words) and `text` (the id's UTF-8 text) are those of an impression, and
    /// empty for other events.
    public mutating func apply<Sink: JoinSink & ~Copyable>(
        _ event: Event,
        features: Span<UInt32>,
        text: Span<UInt8>,
        sink: inout Sink
    ) {
        advance(to: event.time, sink: &sink)
        switch event.role {
        case .impression: applyImpression(event, features: features, text: text, sink: &sink)
        case .click: applyClick(event, sink: &sink)
        case .conversion: applyConversion(event, sink: &sink)
        }
    }

    /// Has the processor fetch what applying this event will look at first. Called an event or
    /// a few ahead it saves most of the wait for memory; it changes nothing, and need not be called.
    public func prefetch(_ event: Event) {
        impressions.prefetch(event.impressionID)
        held.prefetch(.click, event.impressionID)
    }

    /// Closes what ends before `time`, and moves stream time there unless it is later already.
    /// While there is silence (see `silence`) nothing closes.
    public mutating func advance<Sink: JoinSink & ~Copyable>(to time: Int64, sink: inout Sink) {
        if time >= guards.nextBoundary { enterBuckets(through: time, sink: &sink) }
        close(through: time, sink: &sink)
    }

    /// A quarantined record, or a range of `count`, is consumed and in its place.
    public mutating func quarantine(partition: Int32, count: Int) {
        ledger.enter(.quarantined, partition: partition, count: count)
    }

    mutating func takeSequence() -> Int64 {
        defer { nextSequence += 1 }
        return nextSequence
    }

    /// Enters an event that is new, or moves one that was held.
    mutating func settle(_ place: Place, partition: Int32, wasHeld: Bool) {
        if wasHeld {
            ledger.move(from: .pending, to: place, partition: partition)
        } else {
            ledger.enter(place, partition: partition)
        }
    }

    /// The end of a window that starts at `time`; times near the end of Int64 do not overflow.
    static func end(of window: Int64, from time: Int64) -> Int64 {
        time.saturatingAdding(window)
    }
}
