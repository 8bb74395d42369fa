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
/// are disordered: each kind has a first-in, first-out line, and only what does not fit at its
/// end goes to a heap. Click windows have a line of their own, with the open impressions; here are
/// only those that do not fit there. A window that goes away before its end stays here as a stale
/// entry; its owner removes those that come to the front, and all of them when they are more than half.
struct TimerQueue: ~Copyable, Sendable {
    private var conversionWindows = TimerLine()
    private var holds = TimerLine()
    private var disordered = TimerHeap()
    /// Entries that are not stale.
    private(set) var currentCount = 0

    /// Entries, stale ones included.
    var count: Int { conversionWindows.count + holds.count + disordered.count }

    var isMostlyStale: Bool { count > 64 && currentCount * 2 < count }

    var memoryBytes: Int {
        conversionWindows.memoryBytes + holds.memoryBytes + disordered.memoryBytes
    }

    func shared() -> TimerQueue {
        var other = TimerQueue()
        other.conversionWindows = conversionWindows.shared()
        other.holds = holds.shared()
        other.disordered = disordered.shared()
        other.currentCount = currentCount
        return other
    }

    /// Timers are opened in the order of their sequence numbers, or sorted.
    @inline(__always)
    mutating func insert(_ timer: Timer) {
        currentCount += 1
        let isInserted =
            switch timer.kind {
            case .clickWindow: false
            case .conversionWindow: conversionWindows.append(timer)
            case .hold: holds.append(timer)
            }
        if !isInserted { disordered.insert(timer) }
    }

    /// An entry is current no longer: it was removed and acted upon, or has become stale.
    mutating func retire() {
        currentCount -= 1
    }

    /// The end of what ends first; `Int64.max` when there is nothing.
    @inline(__always)
    var firstEnd: Int64 {
        min(min(conversionWindows.firstEnd, holds.firstEnd), disordered.firstEnd)
    }

    /// What ends first. It may be stale.
    // Calling it would copy all of the queue.
    @inline(__always)
    var first: Timer? {
        Self.earlier(Self.earlier(conversionWindows.first, holds.first), disordered.first)
    }

    /// Removes what ends first and returns it.
    mutating func removeFirst() -> Timer {
        guard let timer = first else { preconditionFailure("no timer is left") }
        if disordered.first?.sequence == timer.sequence {
            disordered.removeFirst()
        } else {
            removeFirst(of: timer.kind)
        }
        return timer
    }

    /// The first window or hold of a kind in the order of opening, disordered ones apart.
    func first(of kind: Timer.Kind) -> Timer? {
        switch kind {
        case .clickWindow: nil
        case .conversionWindow: conversionWindows.first
        case .hold: holds.first
        }
    }

    mutating func removeFirst(of kind: Timer.Kind) {
        switch kind {
        case .clickWindow: break
        case .conversionWindow: conversionWindows.removeFirst()
        case .hold: holds.removeFirst()
        }
    }

    /// Removes the stale entries.
    mutating func removeStale(where isStale: (Timer) -> Bool) {
        conversionWindows.removeAll(where: isStale)
        holds.removeAll(where: isStale)
        disordered.removeAll(where: isStale)
        assert(count == currentCount)
    }

    private static func earlier(_ timer: Timer?, _ other: Timer?) -> Timer? {
        guard let timer else { return other }
        guard let other else { return timer }
        return other.isBefore(timer) ? other : timer
    }
}
