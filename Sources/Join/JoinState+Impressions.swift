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
        // What is kept of it: its features, changed to what is to be trained, its text, and its
        // prediction.
        let run = impressions.open.store(features: features, text: text)
        expectTraining(sink: &sink)
        let prediction = impressions.open.withMutableFeatures(run) {
            sink.arrive(event, features: &$0)
        }
        let sequence = takeSequence()
        if let click = held.find(.click, event.impressionID) {
            let impression = OpenImpression(event, sequence, prediction, run)
            joinHeldClick(release(click), to: track(impression), sink: &sink)
        } else if impressions.open.isInOrder(event.time) {
            // Made here, so that its fields go to the line one by one: copying what has just been
            // written field by field waits until all writes before it are done.
            impressions.append(OpenImpression(event, sequence, prediction, run))
        } else {
            _ = track(OpenImpression(event, sequence, prediction, run))
        }
    }

    /// The click window that ends next is, as a rule, what trains next.
    @inline(__always)
    private mutating func expectTraining<Sink: JoinSink & ~Copyable>(sink: inout Sink) {
        guard let next = impressions.open.first else { return }
        var run = next.run
        if next.isTracked {
            let tracked = impressions.open[next.slot]
            guard tracked.sequence == next.sequence, tracked.isClickWindowOpen else { return }
            run = tracked.impression.run
        }
        impressions.open.withRun(run) { features, _ in sink.expect(features: features) }
    }

    /// Opens an impression that has a click already, or is out of order.
    private mutating func track(_ impression: OpenImpression) -> UInt32 {
        var tracked = TrackedImpression(impression)
        tracked.hasClickTimer = !impressions.open.isInOrder(impression.time)
        let slot = impressions.append(tracked)
        if tracked.hasClickTimer {
            timers.insert(
                Timer(
                    end: Self.end(of: settings.clickWindow, from: impression.time),
                    sequence: impression.sequence,
                    slot: slot,
                    kind: .clickWindow
                )
            )
        }
        return slot
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
        switch impressions.open.findOldest() {
        case .inLine(let impression):
            ledger.move(from: .pending, to: .dropped, partition: impression.partition)
            impressions.dropFirst(impression.id)
        case .tracked(let slot):
            let impression = impressions.open[slot]
            ledger.move(from: impression.place, to: .dropped, partition: impression.partition)
            if impression.hasClickTimer && impression.isClickWindowOpen { timers.retire() }
            if impression.isConversionWindowOpen { timers.retire() }
            knownClicks.remove(impression.clickID, of: impression.id)
            impressions.drop(slot)
            removeStaleTimers()
        case nil: break
        }
    }
}
