/// A silence that has not ended, and what was counted in its time: from the start of the span in
/// which it was noticed.
struct SilentTime: Sendable {
    /// Stream time at which it was noticed.
    var since: Int64
    /// A span before.
    var start: Int64
    /// The buckets of that span, oldest first: what comes late for them is added.
    var first: [4 of Tally]
    /// Of all its time.
    var total: Tally
    /// Events that came since stream time entered its bucket and are older than the last span.
    var backlog = 0

    mutating func count(_ one: Tally, at time: Int64, width: Int64) {
        if time < start { return }
        total += one
        let (distance, overflow) = time.subtractingReportingOverflow(start)
        if !overflow, distance < 4 * width { first[Int(distance / width)] += one }
    }

    /// The time without events, if it ends with the bucket that begins at `end`. Buckets at either
    /// edge that have `rate` events per base are not part of it; neither is the whole, if the rest
    /// has.
    ///
    /// - Parameter last: The four buckets before `end`, oldest first.
    func blindTime(
        until end: Int64,
        last: [4 of Tally],
        width: Int64,
        rate: Double
    ) -> Range<Int64>? {
        var start = start
        var end = end
        var rest = total
        for bucket in 0..<4 where start < end {
            guard first[bucket].has(rate) else { break }
            start = start.saturatingAdding(width)
            rest = rest - first[bucket]
        }
        for bucket in (0..<4).reversed() where start < end {
            guard last[bucket].has(rate) else { break }
            end = end.saturatingSubtracting(width)
            rest = rest - last[bucket]
        }
        return start < end && !rest.has(rate) ? start..<end : nil
    }
}

extension Tally {
    fileprivate func has(_ rate: Double) -> Bool { Double(events) >= rate * Double(bases) }
}

extension Int64 {
    /// Times near the ends of Int64 do not overflow.
    func saturatingAdding(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    func saturatingSubtracting(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}
