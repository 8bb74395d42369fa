/// The end of a window or hold.
struct Timer: BitwiseCopyable, Sendable {
    enum Kind: UInt8, CaseIterable, BitwiseCopyable { case clickWindow, conversionWindow, hold }

    var end: Int64
    /// Opening sequence number: unique, so that it also tells whether this is what the slot holds now.
    var sequence: Int64
    var slot: UInt32
    var kind: Kind

    /// Windows end in the order of time, then of opening.
    func isBefore(_ other: Timer) -> Bool {
        end != other.end ? end < other.end : sequence < other.sequence
    }
}

/// What ends next, in the order of (end, opening sequence).
///
/// Windows of one kind have one length, so they end in the order in which they open unless events
/// are disordered: each kind has a first-in, first-out ring, and only what does not fit at its
/// end goes to a heap. A window that goes away before its end stays here as a stale entry; its owner
/// removes those that come to the front, and all of them when they are more than half.
struct TimerQueue: Sendable {
    private var clickWindows = Ring<Timer>()
    private var conversionWindows = Ring<Timer>()
    private var holds = Ring<Timer>()
    private var disordered = TimerHeap()
    /// Entries that are not stale.
    private(set) var currentCount = 0
    /// Nothing ends before this.
    private var earliestEnd = Int64.max

    /// Entries, stale ones included.
    var count: Int {
        clickWindows.count + conversionWindows.count + holds.count + disordered.count
    }

    var isMostlyStale: Bool { count > 64 && currentCount * 2 < count }

    var memoryBytes: Int {
        clickWindows.memoryBytes + conversionWindows.memoryBytes + holds.memoryBytes
            + disordered.memoryBytes
    }

    mutating func insert(_ timer: Timer) {
        currentCount += 1
        earliestEnd = min(earliestEnd, timer.end)
        switch timer.kind {
        case .clickWindow: Self.insert(timer, into: &clickWindows, or: &disordered)
        case .conversionWindow: Self.insert(timer, into: &conversionWindows, or: &disordered)
        case .hold: Self.insert(timer, into: &holds, or: &disordered)
        }
    }

    /// An entry is current no longer: it was removed and acted upon, or has become stale.
    mutating func retire() {
        currentCount -= 1
    }

    /// Removes and returns what ends first, if that is before `time`. It may be stale.
    mutating func removeFirst(before time: Int64) -> Timer? {
        guard earliestEnd < time else { return nil }
        var heads = Heads()
        heads.add(clickWindows.first)
        heads.add(conversionWindows.first)
        heads.add(holds.first)
        heads.add(disordered.first)
        earliestEnd = heads.first?.end ?? .max
        guard let first = heads.first, first.end < time else { return nil }

        let follower: Timer?
        if let timer = disordered.first, timer.sequence == first.sequence {
            disordered.removeFirst()
            follower = disordered.first
        } else {
            follower = removeFirst(of: first.kind)
        }
        earliestEnd = min(heads.secondEnd, follower?.end ?? .max)
        return first
    }

    /// The first timer of several queues, and when the next of the others ends.
    private struct Heads {
        var first: Timer?
        var secondEnd = Int64.max

        mutating func add(_ timer: Timer?) {
            guard let timer else { return }
            guard let other = first else {
                first = timer
                return
            }
            let isFirst = timer.isBefore(other)
            secondEnd = min(secondEnd, isFirst ? other.end : timer.end)
            if isFirst { first = timer }
        }
    }

    /// The first window or hold of a kind in the order of opening, disordered ones apart.
    func first(of kind: Timer.Kind) -> Timer? {
        switch kind {
        case .clickWindow: clickWindows.first
        case .conversionWindow: conversionWindows.first
        case .hold: holds.first
        }
    }

    /// Removes that one and returns the one after it.
    @discardableResult
    mutating func removeFirst(of kind: Timer.Kind) -> Timer? {
        switch kind {
        case .clickWindow: clickWindows.removeFirst()
        case .conversionWindow: conversionWindows.removeFirst()
        case .hold: holds.removeFirst()
        }
    }

    /// Removes the stale entries.
    mutating func removeStale(where isStale: (Timer) -> Bool) {
        clickWindows.removeAll(where: isStale)
        conversionWindows.removeAll(where: isStale)
        holds.removeAll(where: isStale)
        disordered.removeAll(where: isStale)
        assert(count == currentCount)
    }

    private static func insert(
        _ timer: Timer,
        into ring: inout Ring<Timer>,
        or heap: inout TimerHeap
    ) {
        if let last = ring.last, timer.isBefore(last) {
            heap.insert(timer)
        } else {
            ring.append(timer)
        }
    }
}
