internal import Events

extension JoinState {
    /// Closes every window and hold that ends before `time`, in the order of their ends, then of
    /// opening. Nothing else lets a window end: what is to hold windows back does it here.
    @inline(__always)
    mutating func closeWindows<Sink: JoinSink & ~Copyable>(before time: Int64, sink: inout Sink) {
        while true {
            let endInLine = Self.end(of: settings.clickWindow, from: impressions.open.firstTime)
            let endOfTimer = timers.firstEnd
            guard min(endInLine, endOfTimer) < time else { break }
            if endInLine < endOfTimer || endInLine == endOfTimer && isLineFirst {
                endFirstInLine(at: endInLine, sink: &sink)
            } else {
                endFirstTimer(sink: &sink)
            }
        }
    }

    /// Of the impression whose turn is next and the first timer, which end at once: whether the
    /// impression was opened first.
    private var isLineFirst: Bool {
        guard let impression = impressions.open.first, let timer = timers.first else {
            return false
        }
        return impression.sequence < timer.sequence
    }

    private mutating func endFirstInLine<Sink: JoinSink & ~Copyable>(
        at end: Int64,
        sink: inout Sink
    ) {
        impressions.prefetchClosing()
        let impression = impressions.open.front
        if impression.isTracked {
            guard let slot = impressions.open.passFirst(),
                impressions.open[slot].isClickWindowOpen
            else { return }
            streamTime = max(streamTime, end)
            endClickWindow(slot, sink: &sink)
        } else {
            streamTime = max(streamTime, end)
            var closed = ClosedImpression(impression, at: streamTime)
            endUnclicked(impression, &closed, sink: &sink)
            impressions.closeFirst(as: closed)
            limitClosed()
        }
    }

    @inline(never)
    private mutating func endFirstTimer<Sink: JoinSink & ~Copyable>(sink: inout Sink) {
        let timer = timers.removeFirst()
        guard isCurrent(timer) else { return }
        timers.retire()
        streamTime = max(streamTime, timer.end)
        switch timer.kind {
        case .clickWindow:
            endClickWindow(timer.slot, sink: &sink)
            removeStalePlaces()
        case .conversionWindow:
            endConversionWindow(timer.slot, sink: &sink)
            removeStalePlaces()
        case .hold: orphan(timer.slot)
        }
    }

    /// Of a tracked impression.
    private mutating func endClickWindow<Sink: JoinSink & ~Copyable>(
        _ slot: UInt32,
        sink: inout Sink
    ) {
        if impressions.open[slot].click == .applied {
            endWindowOfClicked(slot, sink: &sink)
            return
        }
        let tracked = impressions.open[slot]
        var closed = ClosedImpression(tracked, at: streamTime)
        endUnclicked(tracked.impression, &closed, sink: &sink)
        impressions.close(slot, as: closed)
        limitClosed()
    }

    /// The click window of an impression ended without a click, which makes both labels known.
    /// A conversion that was held for it is one of what is remembered.
    @inline(__always)
    private mutating func endUnclicked<Sink: JoinSink & ~Copyable>(
        _ impression: OpenImpression,
        _ closed: inout ClosedImpression,
        sink: inout Sink
    ) {
        ledger.move(from: .pending, to: .applied, partition: impression.partition)
        if let conversion = held.find(.conversionOfImpression, impression.id) {
            let conversion = release(conversion)
            closed.conversion = .viewThrough
            closed.conversionID = conversion.ownID
            settle(.viewThrough, partition: conversion.partition, wasHeld: true)
        }
        let labels = sighted(Labels(ctr: false, ctcvr: false), shown: impression.time)
        if labels.ctcvr == nil {
            ledger.move(from: .applied, to: .dropped, partition: impression.partition)
            if labels.ctr == nil { return }
        }
        let example = impression.example(labels, at: streamTime)
        sink.score(example)
        impressions.open.withRun(impression.run) { features, text in
            sink.train(example, features: features, text: text)
        }
    }

    private mutating func endWindowOfClicked<Sink: JoinSink & ~Copyable>(
        _ slot: UInt32,
        sink: inout Sink
    ) {
        train(slot, Labels(ctr: true, ctcvr: nil), sink: &sink)
        // It would have trained when it came, but that was in a silence.
        if settings.ctcvrTiming == .known && impressions.open[slot].hasUntrainedConversion {
            timers.retire()
            train(slot, Labels(ctr: nil, ctcvr: true), sink: &sink)
            removeStaleTimers()
        }
    }

    private mutating func endConversionWindow<Sink: JoinSink & ~Copyable>(
        _ slot: UInt32,
        sink: inout Sink
    ) {
        let isConverted = impressions.open[slot].conversion == .applied
        let labels = Labels(ctr: nil, ctcvr: isConverted)
        if !isConverted { score(slot, labels, sink: &sink) }
        train(slot, labels, sink: &sink)
    }

    /// Scores labels of a clicked impression.
    mutating func score<Sink: JoinSink & ~Copyable>(
        _ slot: UInt32,
        _ labels: Labels,
        sink: inout Sink
    ) {
        let clicked = impressions.open[slot]
        let known = sighted(labels, of: clicked)
        if known == Labels(ctr: nil, ctcvr: nil) { return }
        sink.score(clicked.impression.example(known, at: streamTime))
    }

    /// Trains labels of a clicked impression, which closes when it has no more; those that blind time
    /// makes unknowable are left out. The window that these
    /// labels waited for must be over, or its timer retired.
    mutating func train<Sink: JoinSink & ~Copyable>(
        _ slot: UInt32,
        _ labels: Labels,
        sink: inout Sink
    ) {
        let clicked = impressions.open[slot]
        let known = sighted(labels, of: clicked)
        if known != Labels(ctr: nil, ctcvr: nil) {
            let example = clicked.impression.example(known, at: streamTime)
            impressions.open.withRun(clicked.impression.run) { features, text in
                sink.train(example, features: features, text: text)
            }
        }
        if known != labels { leaveOut(slot) }
        if impressions.open[slot].markTrained(labels) {
            impressions.close(slot, as: ClosedImpression(impressions.open[slot], at: streamTime))
            limitClosed()
        }
    }

    /// At the limit the impression that closed first is forgotten.
    @inline(__always)
    private mutating func limitClosed() {
        if impressions.closed.count > settings.closedIDsMax { forgetFirstClosed() }
    }

    /// Forgets what closed longer ago than `closedMemory`.
    @inline(__always)
    mutating func forgetClosed() {
        while !impressions.closed.isEmpty {
            let closedAt = impressions.closed.front.closedAt
            guard Self.end(of: settings.closedMemory, from: closedAt) < streamTime else { break }
            prefetchForgetting()
            forgetFirstClosed()
        }
    }

    /// Has the processor fetch what forgetting the next closed impressions takes.
    @inline(__always)
    private func prefetchForgetting() {
        impressions.closed.prefetch(8)
        guard impressions.closed.count > 4 else { return }
        let number = impressions.closed.firstNumber + 4
        impressions.prefetch(impressions.closed[number].id)
        knownClicks.prefetch(impressions.closed[number].clickID)
    }

    @inline(__always)
    private mutating func forgetFirstClosed() {
        let clickID = impressions.closed.front.clickID
        if !clickID.isNone { knownClicks.remove(clickID, of: impressions.closed.front.id) }
        impressions.forgetFirstClosed()
    }
}
