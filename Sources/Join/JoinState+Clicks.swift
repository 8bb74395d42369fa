internal import Events

extension JoinState {
    mutating func applyClick<Sink: JoinSink & ~Copyable>(_ event: Event, sink: inout Sink) {
        switch impressions.find(event.impressionID) {
        case .inLine(let number):
            return applyFirstClick(event, to: impressions.track(number), sink: &sink)
        case .tracked(let slot):
            guard impressions.open[slot].click == .none else { break }
            return applyFirstClick(event, to: slot, sink: &sink)
        case .closed(let number):
            guard impressions.closed[number].click == .none else { break }
            guards.countClick(at: event.time)
            ledger.enter(.late, partition: event.partition)
            let start = impressions.closed[number].time
            delays.clicks.add(from: start, to: event.time, isLate: true)
            rememberLateClick(event.clickID, of: number)
            return
        case .unknown:
            guard held.find(.click, event.impressionID) == nil else { break }
            guards.countClick(at: event.time)
            hold(.click, event, key: event.impressionID, ownID: event.clickID)
            makeKnown(event.clickID, of: event.impressionID)
            return
        }
        ledger.enter(.duplicate, partition: event.partition)
    }

    /// Applies the first click of an open impression.
    private mutating func applyFirstClick<Sink: JoinSink & ~Copyable>(
        _ event: Event,
        to slot: UInt32,
        sink: inout Sink
    ) {
        guards.countClick(at: event.time)
        if isTooLate(clickAt: event.time, for: slot) {
            ledger.enter(.late, partition: event.partition)
            addLateClick(event, to: slot)
        } else {
            ledger.enter(.applied, partition: event.partition)
            joinClick(time: event.time, clickID: event.clickID, to: slot, sink: &sink)
        }
    }

    /// Joins a click that counts to its impression, then a conversion that waited for it.
    mutating func joinClick<Sink: JoinSink & ~Copyable>(
        time: Int64,
        clickID: EventID,
        to slot: UInt32,
        sink: inout Sink
    ) {
        let impression = impressions.open[slot]
        ledger.move(from: .pending, to: .applied, partition: impression.partition)
        let clickTime = max(time, impression.time)
        delays.clicks.add(from: impression.time, to: clickTime, isLate: false)
        let sequence = takeSequence()
        impressions.open[slot].click = .applied
        impressions.open[slot].clickID = clickID
        impressions.open[slot].clickTime = clickTime
        impressions.open[slot].conversionSequence = sequence
        timers.insert(
            Timer(
                end: Self.end(of: settings.conversionWindow, from: clickTime),
                sequence: sequence,
                slot: slot,
                kind: .conversionWindow
            )
        )
        makeKnown(clickID, of: impression.id)

        score(slot, Labels(ctr: true, ctcvr: nil), sink: &sink)
        if settings.ctrTiming == .known && !guards.isSilent {
            if impression.hasClickTimer { timers.retire() }
            train(slot, Labels(ctr: true, ctcvr: nil), sink: &sink)
        }
        if let conversion = held.find(.conversionOfImpression, impression.id) {
            let conversion = release(conversion)
            joinConversion(
                time: conversion.time,
                conversionID: conversion.ownID,
                partition: conversion.partition,
                wasHeld: true,
                to: slot,
                sink: &sink
            )
        }
        removeStaleTimers()
    }

    /// Whether a click window ended before a click: it may be open still because of a silence, or
    /// the click have waited.
    func isTooLate(clickAt time: Int64, for slot: UInt32) -> Bool {
        time > Self.end(of: settings.clickWindow, from: impressions.open[slot].time)
    }

    /// A click came after the end of a click window that is open still.
    private mutating func addLateClick(_ event: Event, to slot: UInt32) {
        let impression = impressions.open[slot]
        impressions.open[slot].click = .late
        impressions.open[slot].clickID = event.clickID
        delays.clicks.add(from: impression.time, to: event.time, isLate: true)
        makeKnown(event.clickID, of: impression.id)
    }

    /// A click came for an impression that closed without one.
    private mutating func rememberLateClick(_ clickID: EventID, of number: Int) {
        impressions.closed[number].click = .late
        impressions.closed[number].clickID = clickID
        let closed = impressions.closed[number]
        makeKnown(clickID, of: closed.id)
        // One that waited for this click id turns out to have waited for a closed impression.
        guard let slot = held.find(.conversionOfImpression, closed.id) else { return }
        let conversion = release(slot)
        if closed.conversion == .none {
            impressions.closed[number].conversion = .viewThrough
            impressions.closed[number].conversionID = conversion.ownID
            settle(.viewThrough, partition: conversion.partition, wasHeld: true)
        } else {
            settleFurther(conversion, after: closed.conversionID)
        }
    }

    /// Makes a click id known: a conversion held under it becomes one of its impression. If another is
    /// held for that already, the one that was opened first stays.
    private mutating func makeKnown(_ clickID: EventID, of impressionID: EventID) {
        guard knownClicks.insert(clickID, of: impressionID),
            let slot = held.find(.conversionOfClick, clickID)
        else { return }
        guard let other = held.find(.conversionOfImpression, impressionID) else {
            held.assign(slot, to: impressionID)
            return
        }
        if held[slot].sequence < held[other].sequence {
            settleFurther(release(other), after: held[slot].ownID)
            held.assign(slot, to: impressionID)
        } else {
            settleFurther(release(slot), after: held[other].ownID)
        }
    }
}
