internal import Events

extension JoinState {
    mutating func applyConversion<Sink: JoinSink & ~Copyable>(_ event: Event, sink: inout Sink) {
        let named =
            event.impressionID.isNone
            ? knownClicks.impression(of: event.clickID) : event.impressionID
        guard let id = named else {
            holdConversion(.conversionOfClick, event, key: event.clickID)
            return
        }
        switch impressions.find(id) {
        case .tracked(let slot):
            let impression = impressions.open[slot]
            if impression.conversion != .none {
                enterFurther(event, after: impression.conversionID)
            } else if impression.click == .applied {
                guards.countConversion(at: event.time)
                joinConversion(
                    time: event.time,
                    conversionID: event.conversionID,
                    partition: event.partition,
                    wasHeld: false,
                    to: slot,
                    sink: &sink
                )
            } else {
                holdConversion(.conversionOfImpression, event, key: id)
            }
        case .closed(let number):
            let closed = impressions.closed[number]
            if closed.conversion != .none {
                enterFurther(event, after: closed.conversionID)
            } else {
                guards.countConversion(at: event.time)
                let isLate = closed.click == .applied
                impressions.closed[number].conversion = isLate ? .late : .viewThrough
                impressions.closed[number].conversionID = event.conversionID
                if isLate {
                    delays.conversions.add(from: closed.clickTime, to: event.time, isLate: true)
                }
                ledger.enter(isLate ? .late : .viewThrough, partition: event.partition)
            }
        case .inLine, .unknown:
            holdConversion(.conversionOfImpression, event, key: id)
        }
    }

    /// Judges the first conversion of an impression with an applied click, and trains it if it counts:
    /// in a silence with the zeros of its time, which wait, when its click window closes.
    mutating func joinConversion<Sink: JoinSink & ~Copyable>(
        time: Int64,
        conversionID: EventID,
        partition: Int32,
        wasHeld: Bool,
        to slot: UInt32,
        sink: inout Sink
    ) {
        let impression = impressions.open[slot]
        let end = Self.end(of: settings.conversionWindow, from: impression.clickTime)
        let counts = impression.isConversionWindowOpen && time <= end
        impressions.open[slot].conversion = counts ? .applied : .late
        impressions.open[slot].conversionID = conversionID
        delays.conversions.add(from: impression.clickTime, to: time, isLate: !counts)
        settle(counts ? .applied : .late, partition: partition, wasHeld: wasHeld)
        guard counts else { return }

        score(slot, Labels(ctr: nil, ctcvr: true), sink: &sink)
        let mustWait = guards.isSilent && impression.isClickWindowOpen
        if settings.ctcvrTiming == .known && !mustWait {
            timers.retire()
            train(slot, Labels(ctr: nil, ctcvr: true), sink: &sink)
            removeStaleTimers()
        }
    }

    private mutating func holdConversion(
        _ kind: HeldEvent.Kind,
        _ event: Event,
        key: EventID
    ) {
        if let first = held.find(kind, key) {
            enterFurther(event, after: held[first].ownID)
        } else {
            guards.countConversion(at: event.time)
            hold(kind, event, key: key, ownID: event.conversionID)
        }
    }

    /// A new conversion of something that has one.
    private mutating func enterFurther(_ event: Event, after first: EventID) {
        ledger.enter(
            Self.place(further: event.conversionID, after: first),
            partition: event.partition
        )
    }

    /// A conversion that was held, of something that turned out to have one.
    mutating func settleFurther(_ conversion: HeldEvent, after first: EventID) {
        settle(
            Self.place(further: conversion.ownID, after: first),
            partition: conversion.partition,
            wasHeld: true
        )
    }

    private static func place(further: EventID, after first: EventID) -> Place {
        further.isNone || further == first ? .duplicate : .repeat
    }
}
