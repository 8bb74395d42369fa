internal import Events

// Silence is not a negative: while clicks or conversions are too few to be believed, nothing ends.
extension JoinState {
    /// What is silent is real. Returns what was silent.
    mutating func acceptSilence() -> JoinSilence {
        defer { guards.accept() }
        return guards.silence
    }

    /// Enters the guards' buckets that begin by `time`. Everything that ends before a bucket begins
    /// ends before the guards judge, however far stream time goes at once.
    @inline(never)
    mutating func enterBuckets<Sink: JoinSink & ~Copyable>(
        through time: Int64,
        sink: inout Sink
    ) {
        if !guards.hasBegun { guards.begin(at: time) }
        while let boundary = guards.boundary(through: time) {
            close(through: boundary, sink: &sink)
            guards.enterBucket(through: time)
        }
    }

    /// Closes what ends before `time`, which stream time becomes; nothing while there is silence.
    @inline(__always)
    mutating func close<Sink: JoinSink & ~Copyable>(through time: Int64, sink: inout Sink) {
        if guards.isSilent {
            streamTime = max(streamTime, time)
            return
        }
        closeWindows(before: max(time, streamTime), sink: &sink)
        streamTime = max(streamTime, time)
        closedThrough = streamTime
        forgetClosed()
        if guards.isBlind { forgetBlindTimes() }
    }

    /// No window of an impression from before its end is open any more.
    @inline(never)
    private mutating func forgetBlindTimes() {
        let longest = settings.clickWindow.saturatingAdding(settings.conversionWindow)
        guards.forgetBlindTimes(through: closedThrough.saturatingSubtracting(longest))
    }

    /// What of these labels can be known: nothing that events say whose like were lost.
    @inline(__always)
    func sighted(_ labels: Labels, of clicked: TrackedImpression) -> Labels {
        sighted(labels, shown: clicked.time, clicked: clicked.clickTime)
    }

    /// Likewise, of an impression from `shown`, and a click, if there was one, at `clicked`.
    @inline(__always)
    func sighted(_ labels: Labels, shown: Int64, clicked: Int64? = nil) -> Labels {
        // One by one: the compiler would copy all the guards.
        if guards.clicks.blind.isEmpty && guards.conversions.blind.isEmpty { return labels }
        if guards.clicks.blind.contains(shown) { return Labels(ctr: nil, ctcvr: nil) }
        guard guards.conversions.blind.contains(clicked ?? shown) else { return labels }
        return Labels(ctr: labels.ctr, ctcvr: nil)
    }

    /// The impression lost a label.
    mutating func leaveOut(_ slot: UInt32) {
        guard !impressions.open[slot].isDropped else { return }
        impressions.open[slot].isDropped = true
        ledger.move(
            from: .applied,
            to: .dropped,
            partition: impressions.open[slot].partition
        )
    }
}
