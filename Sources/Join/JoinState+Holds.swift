internal import Events

extension JoinState {
    /// Holds an event for what it refers to; at the limit the oldest held one goes first.
    mutating func hold(_ kind: HeldEvent.Kind, _ event: Event, key: EventID, ownID: EventID) {
        if held.isFull, let oldest = held.oldest { giveUp(oldest, place: .dropped) }
        let sequence = takeSequence()
        let slot = held.append(
            HeldEvent(
                kind: kind,
                partition: event.partition,
                key: key,
                ownID: ownID,
                time: event.time,
                sequence: sequence
            )
        )
        timers.insert(
            Timer(
                end: Self.end(of: settings.orphanWindow, from: event.time),
                sequence: sequence,
                slot: slot,
                kind: .hold
            )
        )
        ledger.enter(.pending, partition: event.partition)
    }

    /// Ends a hold before its time.
    mutating func release(_ slot: UInt32) -> HeldEvent {
        timers.retire()
        let event = held.remove(slot)
        removeStaleTimers()
        return event
    }

    /// A hold ended in vain.
    mutating func orphan(_ slot: UInt32) {
        forget(held.remove(slot), place: .orphaned)
    }

    private mutating func giveUp(_ slot: UInt32, place: Place) {
        forget(release(slot), place: place)
    }

    private mutating func forget(_ event: HeldEvent, place: Place) {
        settle(place, partition: event.partition, wasHeld: true)
        if event.kind == .click { knownClicks.remove(event.ownID, of: event.key) }
    }

    mutating func removeStaleTimers() {
        for kind in Timer.Kind.allCases {
            while let timer = timers.first(of: kind), !isCurrent(timer) {
                timers.removeFirst(of: kind)
            }
        }
        if timers.isMostlyStale { Self.removeStale(from: &timers, impressions, held) }
        removeStalePlaces()
    }

    mutating func removeStalePlaces() {
        if impressions.open.isLineMostlyStale { impressions.removeStalePlaces() }
    }

    private static func removeStale(
        from timers: inout TimerQueue,
        _ impressions: borrowing ImpressionTable,
        _ held: borrowing HeldEvents
    ) {
        timers.removeStale { timer in
            switch timer.kind {
            case .hold: !held[timer.slot].waits(for: timer)
            default: !impressions.open[timer.slot].waits(for: timer)
            }
        }
    }

    /// Whether what the timer was set for is still there and waits for it.
    @inline(__always)
    func isCurrent(_ timer: Timer) -> Bool {
        switch timer.kind {
        case .hold: held[timer.slot].waits(for: timer)
        default: impressions.open[timer.slot].waits(for: timer)
        }
    }
}

extension TrackedImpression {
    @inline(__always)
    fileprivate func waits(for window: Timer) -> Bool {
        if window.kind == .clickWindow { return sequence == window.sequence && isClickWindowOpen }
        return sequence > 0 && conversionSequence == window.sequence && isConversionWindowOpen
    }
}

extension HeldEvent {
    @inline(__always)
    fileprivate func waits(for hold: Timer) -> Bool { sequence == hold.sequence }
}
