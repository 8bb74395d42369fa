internal import Events

extension JoinState {
    mutating func applyImpression<Sink: JoinSink & ~Copyable>(
        _ event: Event,
        features: Span<UInt32>,
        text: Span<UInt8>,
        sink: inout Sink
    ) {
        guard case .unknown = impressions.find(event.impressionID) else {
            ledger.enter(.duplicate, partition: event.partition)
            return
        }
        guards.countImpression(at: event.time)
        if impressions.open.isFull { dropOldestImpression() }
        ledger.enter(.pending, partition: event.partition)
        let slot = open(event, features: features, text: text, sink: &sink)
        if let click = held.find(.click, event.impressionID) {
            joinHeldClick(release(click), to: slot, sink: &sink)
        }
    }

    @inline(__always)
    private mutating func open<Sink: JoinSink & ~Copyable>(
        _ event: Event,
        features: Span<UInt32>,
        text: Span<UInt8>,
        sink: inout Sink
    ) -> UInt32 {
        let impression = OpenImpression(
            id: event.impressionID,
            time: event.time,
            sequence: takeSequence(),
            weight: event.weight,
            partition: event.partition
        )
        let slot = impressions.append(impression, features: features, text: text)
        expectTraining(sink: &sink)
        impressions.open[slot].prediction = impressions.open.withMutableFeatures(of: slot) {
            sink.arrive(event, features: &$0)
        }
        timers.insert(
            Timer(
                end: Self.end(of: settings.clickWindow, from: event.time),
                sequence: impression.sequence,
                slot: slot,
                kind: .clickWindow
            )
        )
        return slot
    }

    /// The click window that ends next is, as a rule, what trains next.
    private mutating func expectTraining<Sink: JoinSink & ~Copyable>(sink: inout Sink) {
        guard let next = timers.first(of: .clickWindow), isCurrent(next) else { return }
        // Not in the call: the table would be copied, reference by reference, to be used twice.
        let impression = impressions.open[next.slot]
        impressions.open.withRun(of: impression) { features, _ in
            sink.expect(features: features)
        }
    }

    private mutating func joinHeldClick<Sink: JoinSink & ~Copyable>(
        _ click: HeldEvent,
        to slot: UInt32,
        sink: inout Sink
    ) {
        if isTooLate(clickAt: click.time, for: slot) {
            impressions.open[slot].click = .late
            impressions.open[slot].clickID = click.ownID
            delays.clicks.add(from: impressions.open[slot].time, to: click.time, isLate: true)
            settle(.late, partition: click.partition, wasHeld: true)
        } else {
            settle(.applied, partition: click.partition, wasHeld: true)
            joinClick(time: click.time, clickID: click.ownID, to: slot, sink: &sink)
        }
    }

    /// At the limit. It is not remembered, and its click id becomes unknown; what is held for it stays.
    private mutating func dropOldestImpression() {
        guard let slot = impressions.open.oldest else { return }
        let impression = impressions.open[slot]
        ledger.move(
            from: impression.place,
            to: .dropped,
            partition: impression.partition
        )
        if impression.isClickWindowOpen { timers.retire() }
        if impression.isConversionWindowOpen { timers.retire() }
        knownClicks.remove(impression.clickID, of: impression.id)
        impressions.drop(slot)
        removeStaleTimers()
    }
}
