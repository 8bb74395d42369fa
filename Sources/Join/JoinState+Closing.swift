internal import Events

extension JoinState {
    /// Closes every window and hold that ends before `time`, in the order of their ends, then of
    /// opening. Nothing else lets a window end: what is to hold windows back does it here.
    mutating func closeWindows<Sink: JoinSink & ~Copyable>(before time: Int64, sink: inout Sink) {
        while let timer = timers.removeFirst(before: time) {
            prefetchClosing()
            guard isCurrent(timer) else { continue }
            timers.retire()
            streamTime = max(streamTime, timer.end)
            switch timer.kind {
            case .clickWindow: endClickWindow(timer.slot, sink: &sink)
            case .conversionWindow: endConversionWindow(timer.slot, sink: &sink)
            case .hold: orphan(timer.slot)
            }
        }
    }

    /// An impression's record, its words and its place in the index lie anywhere in memory; waiting
    /// for them, one after the other, would take longer than all else. Click windows tell which
    /// come next: the record is fetched first, for it says where the rest is.
    @inline(__always)
    private func prefetchClosing() {
        if let slot = timers.clickWindowSlot(8) { impressions.prefetchOpen(slot) }
        if let slot = timers.clickWindowSlot(4) { impressions.prefetchRest(of: slot) }
    }

    private mutating func endClickWindow<Sink: JoinSink & ~Copyable>(
        _ slot: UInt32,
        sink: inout Sink
    ) {
        if impressions.open[slot].click == .applied {
            endWindowOfClicked(slot, sink: &sink)
            return
        }
        ledger.move(
            from: .pending,
            to: .applied,
            partition: impressions.open[slot].partition
        )
        if let conversion = held.find(.conversionOfImpression, impressions.open[slot].id) {
            let conversion = release(conversion)
            impressions.open[slot].conversion = .viewThrough
            impressions.open[slot].conversionID = conversion.ownID
            settle(.viewThrough, partition: conversion.partition, wasHeld: true)
        }
        score(slot, Labels(ctr: false, ctcvr: false), sink: &sink)
        train(slot, Labels(ctr: false, ctcvr: false), sink: &sink)
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

    mutating func score<Sink: JoinSink & ~Copyable>(
        _ slot: UInt32,
        _ labels: Labels,
        sink: inout Sink
    ) {
        let impression = impressions.open[slot]
        let known = sighted(labels, of: impression)
        if known.isEmpty { return }
        sink.score(impression.example(known, at: streamTime))
    }

    /// Trains labels of an open impression, which closes when it has no more; those that blind time
    /// makes unknowable are left out. The window that these
    /// labels waited for must be over, or its timer retired.
    mutating func train<Sink: JoinSink & ~Copyable>(
        _ slot: UInt32,
        _ labels: Labels,
        sink: inout Sink
    ) {
        let impression = impressions.open[slot]
        let known = sighted(labels, of: impression)
        if !known.isEmpty {
            let example = impression.example(known, at: streamTime)
            impressions.open.withRun(of: impression) { features, text in
                sink.train(example, features: features, text: text)
            }
        }
        if known != labels { leaveOut(slot) }
        if impressions.open[slot].markTrained(labels) { close(slot) }
    }

    /// The impression is remembered as closed; at the limit the one that closed first is forgotten.
    private mutating func close(_ slot: UInt32) {
        impressions.close(slot, at: streamTime)
        if impressions.closed.count > settings.closedIDsMax { forgetFirstClosed() }
    }

    /// Forgets what closed longer ago than `closedMemory`.
    mutating func forgetClosed() {
        while !impressions.closed.isEmpty {
            let closedAt = impressions.closed[impressions.closed.firstNumber].closedAt
            guard Self.end(of: settings.closedMemory, from: closedAt) < streamTime else { break }
            impressions.prefetchClosed()
            forgetFirstClosed()
        }
    }

    private mutating func forgetFirstClosed() {
        let number = impressions.closed.firstNumber
        knownClicks.remove(
            impressions.closed[number].clickID,
            of: impressions.closed[number].id
        )
        impressions.forgetFirstClosed()
    }
}
