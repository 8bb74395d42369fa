internal import Events

/// What a joiner is made of, and the rules by which it goes on: see `Joiner`, whose one value this is.
struct JoinState: ~Copyable, Sendable {
    let settings: JoinSettings
    var streamTime = Int64.min
    var ledger: Ledger
    var delays = JoinDelays()

    var impressions: ImpressionTable
    var held: HeldEvents
    var knownClicks = KnownClicks()
    var timers = TimerQueue()
    var guards: SilenceGuards
    var closedThrough = Int64.min
    /// Opening sequence number of the next window or hold.
    var nextSequence: Int64 = 1

    init(settings: JoinSettings, partitionCount: Int) {
        let limitMax = JoinSettings.limitMax
        precondition((1...limitMax / 2).contains(settings.openImpressionsMax), "openImpressionsMax")
        precondition((1...limitMax).contains(settings.heldEventsMax), "heldEventsMax")
        precondition((0...limitMax).contains(settings.closedIDsMax), "closedIDsMax")
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

    /// The same state, in pages that both have; see `Pages.shared`.
    func shared() -> JoinState {
        var other = JoinState(settings: settings, partitionCount: 0)
        other.streamTime = streamTime
        other.ledger = ledger
        other.delays = delays
        other.impressions = impressions.shared()
        other.held = held.shared()
        other.knownClicks = knownClicks.shared()
        other.timers = timers.shared()
        other.guards = guards
        other.closedThrough = closedThrough
        other.nextSequence = nextSequence
        return other
    }

    var memoryBytes: Int {
        impressions.memoryBytes + held.memoryBytes + knownClicks.memoryBytes + timers.memoryBytes
    }

    mutating func renumberPartitions(_ indices: [Int]) {
        guard indices != Array(indices.indices) else { return }
        var renumbered = Ledger(partitionCount: ledger.partitionCount)
        for (old, new) in indices.enumerated() {
            renumbered.restore(
                partition: new,
                consumed: ledger.consumed(partition: old),
                counts: ledger.counts[old]
            )
        }
        ledger = renumbered
        impressions.open.updatePartitions { Int32(indices[Int($0)]) }
        held.updatePartitions { Int32(indices[Int($0)]) }
    }

    @inline(__always)
    mutating func apply<Sink: JoinSink & ~Copyable>(
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

    mutating func prefetch(_ event: Event) {
        impressions.prefetch(event.impressionID)
        held.prefetch(.click, event.impressionID)
        knownClicks.prefetch(event.clickID)
    }

    @inline(__always)
    mutating func advance<Sink: JoinSink & ~Copyable>(to time: Int64, sink: inout Sink) {
        if time >= guards.nextBoundary { enterBuckets(through: time, sink: &sink) }
        close(through: time, sink: &sink)
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
