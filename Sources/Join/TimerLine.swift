/// Timers in the order of their ends. It keeps the ends of the first and the last at hand, for these
/// are asked for at every event.
struct TimerLine: ~Copyable, Sendable {
    private var ring = Ring<Timer>()
    /// `Int64.max` when there is none.
    private(set) var firstEnd = Int64.max
    private var lastEnd = Int64.min

    var count: Int { ring.count }
    var first: Timer? { ring.first }
    var memoryBytes: Int { ring.memoryBytes }

    func shared() -> TimerLine {
        var other = TimerLine()
        other.ring = ring.shared()
        other.firstEnd = firstEnd
        other.lastEnd = lastEnd
        return other
    }

    /// Adds a timer, which was opened after those that are here, unless one of them ends later. Says
    /// whether it was added.
    @inline(__always)
    mutating func append(_ timer: Timer) -> Bool {
        guard ring.isEmpty || timer.end >= lastEnd else { return false }
        if ring.isEmpty { firstEnd = timer.end }
        lastEnd = timer.end
        ring.append(timer)
        return true
    }

    @inline(__always)
    mutating func removeFirst() {
        ring.removeFirst()
        firstEnd = ring.first?.end ?? .max
    }

    mutating func removeAll(where shouldRemove: (Timer) -> Bool) {
        ring.removeAll(where: shouldRemove)
        firstEnd = ring.first?.end ?? .max
        lastEnd = ring.last?.end ?? .min
    }
}
