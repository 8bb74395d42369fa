/// A binary min-heap of timers.
struct TimerHeap: ~Copyable, Sendable {
    private var timers = PagedArray<Timer>()
    /// `Int64.max` when there is none.
    private(set) var firstEnd = Int64.max

    var count: Int { timers.count }
    var first: Timer? { timers.first }
    var memoryBytes: Int { timers.memoryBytes }

    func shared() -> TimerHeap {
        var other = TimerHeap()
        other.timers = timers.shared()
        other.firstEnd = firstEnd
        return other
    }

    mutating func insert(_ timer: Timer) {
        timers.append(timer)
        var hole = timers.count - 1
        while hole > 0 {
            let parent = (hole - 1) / 2
            guard timer.isBefore(timers[parent]) else { break }
            timers[hole] = timers[parent]
            hole = parent
        }
        timers[hole] = timer
        firstEnd = timers[0].end
    }

    mutating func removeFirst() {
        let last = timers.removeLast()
        if !timers.isEmpty { sink(last, from: 0) }
        firstEnd = first?.end ?? .max
    }

    mutating func removeAll(where shouldRemove: (Timer) -> Bool) {
        timers.removeAll(where: shouldRemove)
        for position in (0..<timers.count / 2).reversed() {
            sink(timers[position], from: position)
        }
        firstEnd = first?.end ?? .max
    }

    private mutating func sink(_ timer: Timer, from position: Int) {
        var hole = position
        while true {
            var child = 2 * hole + 1
            if child >= timers.count { break }
            if child + 1 < timers.count, timers[child + 1].isBefore(timers[child]) { child += 1 }
            guard timers[child].isBefore(timer) else { break }
            timers[hole] = timers[child]
            hole = child
        }
        timers[hole] = timer
    }
}
