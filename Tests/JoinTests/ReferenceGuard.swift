import Events
import Join

/// The silence of one kind of event, judged once more by counts in plain dictionaries.
///
/// Bucket n holds the times from n · width to before (n + 1) · width.
struct ReferenceGuard {
    struct Count {
        var bases = 0
        var events = 0
    }

    let settings: JoinSettings
    let width: Int64
    /// The bucket that stream time is in.
    var present: Int64?
    /// Only what is counted at all: not what came when its bucket had been judged.
    var counts: [Int64: Count] = [:]
    /// The bucket at whose beginning a silence was noticed.
    var silentSince: Int64?
    /// Events by the bucket of their arrival, older than the span before it.
    var stragglers: [Int64: Int] = [:]
    /// What is usual: weighted counts, and weighted bases whatever happened.
    var usual = (bases: 0.0, events: 0.0)
    var recentBases = 0.0
    var learnsFrom = Int64.min
    /// Intervals of time.
    var blind: [Range<Int64>] = []

    init(settings: JoinSettings) {
        self.settings = settings
        width = max(settings.guardSpan / 4, 1)
    }

    func bucket(of time: Int64) -> Int64 {
        var bucket = time / width
        while bucket * width > time { bucket -= 1 }
        return bucket
    }

    mutating func count(isBase: Bool, at time: Int64) {
        guard let present else { return }
        let bucket = bucket(of: time)
        let isOld = bucket < present - 4
        if isOld && !isBase { stragglers[present, default: 0] += 1 }
        if isOld && !(silentSince.map { bucket >= $0 - 4 } ?? false) { return }
        if isBase {
            counts[bucket, default: Count()].bases += 1
        } else {
            counts[bucket, default: Count()].events += 1
        }
    }

    private func total(_ buckets: Range<Int64>) -> Count {
        var total = Count()
        for (bucket, count) in counts where buckets.contains(bucket) {
            total.bases += count.bases
            total.events += count.events
        }
        return total
    }

    var ratioOfReturn: Double {
        min(2 * settings.guardRatio, (1 + settings.guardRatio) / 2)
    }

    var evidence: Double {
        let distance = 1 - settings.guardRatio
        return Double(settings.guardEvidence) * max(1, 0.64 / (distance * distance))
    }

    var rate: Double { usual.bases > 0 ? usual.events / usual.bases : 0 }

    /// Stream time enters `bucket`, the next one.
    mutating func enter(_ bucket: Int64) -> Situation? {
        let stragglers = self.stragglers[bucket - 1] ?? 0
        present = bucket
        let leaving = counts[bucket - 5] ?? Count()
        recentBases = recentBases * (31.0 / 32)
        if recentBases < 0.5 { recentBases = 0 }
        recentBases += Double(leaving.bases)
        let span = total(bucket - 4..<bucket)
        if silentSince != nil {
            let expected = rate * min(Double(span.bases), recentBases / 8)
            let isBack = span.events > 0 && Double(span.events) >= ratioOfReturn * expected
            if !isBack { return nil }
            if Double(stragglers * 4) > settings.guardRatio * expected { return .backlogAwaited }
            return end(before: bucket)
        }
        if bucket - 5 >= learnsFrom, leaving.bases + leaving.events > 0 {
            usual.bases = usual.bases * (31.0 / 32) + Double(leaving.bases)
            usual.events = usual.events * (31.0 / 32) + Double(leaving.events)
        }
        let expected = rate * min(Double(span.bases), recentBases / 8)
        if usual.events >= evidence, expected >= evidence,
            Double(span.events) < settings.guardRatio * expected
        {
            silentSince = bucket
            return .silenceNoticed
        }
        return nil
    }

    private mutating func end(before end: Int64) -> Situation {
        let since = silentSince!
        silentSince = nil
        func has(_ count: Count) -> Bool {
            Double(count.events) >= ratioOfReturn * rate * Double(count.bases)
        }
        // Edges of whole buckets that are good: of the span before it was noticed, of the last one.
        var first = since - 4
        var last = end
        while first < last, first < since, has(counts[first] ?? Count()) { first += 1 }
        while last > first, last > end - 4, has(counts[last - 1] ?? Count()) { last -= 1 }
        if first == last || has(total(first..<last)) { return .silenceWasDelay }
        blind.append(first * width..<last * width)
        learnsFrom = last
        return .silenceWasLoss
    }

    func isBlind(at time: Int64) -> Bool { blind.contains { $0.contains(time) } }
}

extension ReferenceJoiner {
    var isSilent: Bool { clickGuard.silentSince != nil || conversionGuard.silentSince != nil }

    mutating func advance(to time: Int64, sink: inout RecordingSink) {
        if settings.guardRatio > 0 {
            let last = clickGuard.bucket(of: time)
            if clickGuard.present == nil {
                clickGuard.present = last
                conversionGuard.present = last
            }
            while clickGuard.present! < last {
                let next = clickGuard.present! + 1
                close(through: next * clickGuard.width, &sink)
                if let situation = clickGuard.enter(next) { saw(situation) }
                if let situation = conversionGuard.enter(next) { saw(situation) }
            }
        }
        close(through: time, &sink)
    }

    private mutating func close(through time: Int64, _ sink: inout RecordingSink) {
        if isSilent {
            streamTime = max(streamTime, time)
            return
        }
        closeWindows(before: max(time, streamTime), &sink)
        streamTime = max(streamTime, time)
        closedThrough = streamTime
        forgetClosed()
        let end = closedThrough - settings.clickWindow - settings.conversionWindow
        clickGuard.blind.removeAll { $0.upperBound <= end }
        conversionGuard.blind.removeAll { $0.upperBound <= end }
    }

    /// Of a new impression, or the first click or conversion of an impression.
    mutating func countForGuard(_ event: Event) {
        switch event.role {
        case .impression:
            clickGuard.count(isBase: true, at: event.time)
        case .click:
            clickGuard.count(isBase: false, at: event.time)
            conversionGuard.count(isBase: true, at: event.time)
        case .conversion:
            conversionGuard.count(isBase: false, at: event.time)
        }
    }

    /// Whether the click labels (the conversion labels) of an impression can be known.
    func knowable(_ id: EventID) -> (ctr: Bool, ctcvr: Bool) {
        let time = consumed[open[id]!.index].event.time
        if clickGuard.isBlind(at: time) { return (false, false) }
        if case .applied(let clickTime) = open[id]!.click {
            return (true, !conversionGuard.isBlind(at: clickTime))
        }
        return (true, !conversionGuard.isBlind(at: time))
    }
}
