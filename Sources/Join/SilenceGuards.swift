/// The guards of clicks and conversions, and the buckets of event time that they count in.
///
/// Times are divided into buckets of a quarter of the span, from multiples of that. Entering them is
/// the join's to do, one by one, so that windows close between; it need not do so where all is at
/// rest.
struct SilenceGuards: Sendable {
    /// Milliseconds.
    let width: Int64
    let isOn: Bool
    private let thresholds: GuardThresholds
    /// Start of the bucket that stream time is in.
    var bucketStart = Int64.min
    /// Start of the bucket after it. `Int64.min` before the first event; `Int64.max`: none comes.
    var nextBoundary: Int64
    var clicks = SilenceGuard()
    var conversions = SilenceGuard()

    init(_ settings: JoinSettings) {
        width = max(settings.guardSpan / 4, 1)
        isOn = settings.guardRatio > 0
        thresholds = GuardThresholds(settings)
        nextBoundary = isOn ? .min : .max
    }

    var hasBegun: Bool { isOn && nextBoundary != .min }
    var isSilent: Bool { clicks.silence != nil || conversions.silence != nil }
    var isBlind: Bool { !clicks.blind.isEmpty || !conversions.blind.isEmpty }

    // MARK: Counting

    mutating func countImpression(at time: Int64) {
        guard isOn else { return }
        clicks.countBase(at: time, age: age(of: time), width: width)
    }

    mutating func countClick(at time: Int64) {
        guard isOn else { return }
        let age = age(of: time)
        clicks.countEvent(at: time, age: age, width: width)
        conversions.countBase(at: time, age: age, width: width)
    }

    mutating func countConversion(at time: Int64) {
        guard isOn else { return }
        conversions.countEvent(at: time, age: age(of: time), width: width)
    }

    /// Buckets between a time's and the one that stream time is in; 5 or more are all alike.
    private func age(of time: Int64) -> Int {
        if time >= bucketStart { return 0 }
        let (distance, overflow) = bucketStart.subtractingReportingOverflow(time)
        return overflow ? 5 : Int(min((distance - 1) / width + 1, 5))
    }

    // MARK: Time

    /// Stream time becomes `time`, its first.
    mutating func begin(at time: Int64) {
        let remainder = time % width
        bucketStart = time.saturatingSubtracting(remainder < 0 ? remainder + width : remainder)
        nextBoundary = bucketStart.saturatingAdding(width)
    }

    /// The start of the next bucket to enter on the way to `time`.
    func boundary(through time: Int64) -> Int64? {
        nextBoundary <= time && nextBoundary < .max ? nextBoundary : nil
    }

    mutating func enterBucket(through time: Int64) {
        bucketStart = nextBoundary
        clicks.enterBucket(at: bucketStart, width: width, thresholds: thresholds)
        conversions.enterBucket(at: bucketStart, width: width, thresholds: thresholds)
        nextBoundary = bucketStart.saturatingAdding(width)
        if nextBoundary <= time, clicks.isAtRest, conversions.isAtRest {
            nextBoundary += (time.saturatingSubtracting(nextBoundary)) / width * width
        }
    }

    /// Blind time that ended by this touches no open window.
    mutating func forgetBlindTimes(through time: Int64) {
        clicks.blind.forget(through: time)
        conversions.blind.forget(through: time)
    }

    mutating func accept() {
        clicks.accept()
        conversions.accept()
    }

    var silence: JoinSilence {
        JoinSilence(clicks: clicks.publicSilence, conversions: conversions.publicSilence)
    }
}

extension SilenceGuard {
    fileprivate var publicSilence: Silence? {
        guard let silence else { return nil }
        return Silence(
            since: silence.since,
            rate: span.bases > 0 ? Double(span.events) / Double(span.bases) : nil,
            trailingRate: trailing.rate
        )
    }
}
