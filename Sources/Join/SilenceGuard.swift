/// Notices that events of one kind stop coming: clicks per impression, or conversions per click.
///
/// Both are counted by their own event times, in buckets of a quarter of the span. Whenever stream
/// time enters a bucket, the four before it are the last span, which is compared with what was usual
/// before it (`TrailingRate`). Stopping needs as much evidence as the thresholds say. It ends when the
/// events are back in the last span and no more come for what is older than that: a backlog is
/// waited for. If they never came, the time without them is blind: it can label nothing.
struct SilenceGuard: Sendable {
    /// By age: the bucket that stream time is in, then those of the last span.
    var recent = [5 of Tally](repeating: Tally())
    var trailing = TrailingRate()
    /// Buckets that begin before this are not of the usual: they were blind.
    var trailsFrom = Int64.min
    var silence: SilentTime?
    var blind = BlindTimes()

    /// Whether entering further buckets changes nothing as long as nothing is counted.
    var isAtRest: Bool {
        trailing.recentBases == 0 && span == Tally() && recent[0] == Tally()
            && silence?.backlog ?? 0 == 0
    }

    var span: Tally { recent[1] + recent[2] + recent[3] + recent[4] }

    /// Counts one that may have an event.
    mutating func countBase(at time: Int64, age: Int, width: Int64) {
        count(Tally(bases: 1, events: 0), at: time, age: age, width: width)
    }

    mutating func countEvent(at time: Int64, age: Int, width: Int64) {
        count(Tally(bases: 0, events: 1), at: time, age: age, width: width)
        if age >= recent.count { silence?.backlog += 1 }
    }

    /// What is older than the last span counts only towards a silence that it belongs to.
    private mutating func count(_ one: Tally, at time: Int64, age: Int, width: Int64) {
        if age < recent.count { recent[age] += one }
        silence?.count(one, at: time, width: width)
    }

    /// Stream time enters the bucket that begins at `boundary`.
    mutating func enterBucket(at boundary: Int64, width: Int64, thresholds: GuardThresholds) {
        let leaving = recent[4]
        for age in (1...4).reversed() { recent[age] = recent[age - 1] }
        recent[0] = Tally()
        trailing.pass(leaving)
        if let silence {
            let expected = trailing.expectedEvents(of: span)
            let isBack =
                span.events > 0 && Double(span.events) >= thresholds.returnRatio * expected
            let isBacklogOver = Double(silence.backlog * 4) <= thresholds.ratio * expected
            if isBack && isBacklogOver {
                end(silence, at: boundary, width: width, thresholds: thresholds)
            } else {
                self.silence?.backlog = 0
            }
            return
        }
        if boundary.saturatingSubtracting(5 * width) >= trailsFrom { trailing.learn(leaving) }
        let expected = trailing.expectedEvents(of: span)
        if trailing.events >= thresholds.evidence, expected >= thresholds.evidence,
            Double(span.events) < thresholds.ratio * expected
        {
            silence = SilentTime(
                since: boundary,
                start: boundary.saturatingSubtracting(4 * width),
                first: [recent[4], recent[3], recent[2], recent[1]],
                total: span
            )
        }
    }

    /// What was silent counts as real, and the usual rate is learnt anew.
    mutating func accept() {
        guard silence != nil else { return }
        silence = nil
        trailing.forget()
    }

    private mutating func end(
        _ silence: SilentTime,
        at boundary: Int64,
        width: Int64,
        thresholds: GuardThresholds
    ) {
        let enough = thresholds.returnRatio * trailing.rate
        if let blind = silence.blindTime(
            until: boundary,
            last: [recent[4], recent[3], recent[2], recent[1]],
            width: width,
            rate: enough
        ) {
            self.blind.add(blind)
            trailsFrom = blind.upperBound
        }
        self.silence = nil
    }
}

/// Whether events are too few, and whether they are back.
struct GuardThresholds: Equatable, Sendable {
    /// Of the usual rate; below it is silence.
    var ratio: Double
    /// Of the usual rate, from where on it is none any more: above `ratio`, so that a rate near that
    /// does not make it come and go.
    var returnRatio: Double
    /// Events that must be expected in a span, and known of before it, for a silence to show. Chance
    /// alone must not make one: the more, the nearer the ratio is to 1.
    var evidence: Double

    init(_ settings: JoinSettings) {
        ratio = settings.guardRatio
        returnRatio = min(2 * ratio, (1 + ratio) / 2)
        evidence = Double(settings.guardEvidence) * max(1, 0.64 / ((1 - ratio) * (1 - ratio)))
    }
}
