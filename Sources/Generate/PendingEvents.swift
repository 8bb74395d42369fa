internal import Events

/// A click or conversion that was drawn and whose time has not come.
struct PendingEvent: Sendable, BitwiseCopyable {
    var time: Int64
    var role: Role
    var flaw: GeneratedEvent.Flaw
    var isRepeated: Bool
    var impression: ImpressionNumber

    /// Earliest first; a total order, so that the stream does not depend on the heap's.
    static func < (first: PendingEvent, second: PendingEvent) -> Bool {
        if first.time != second.time { return first.time < second.time }
        if first.role != second.role { return first.role.rawValue < second.role.rawValue }
        let (one, other) = (first.impression, second.impression)
        if one.series != other.series { return one.series.rawValue < other.series.rawValue }
        return one.number < other.number
    }
}

/// What an impression is called.
struct ImpressionNumber: Equatable, Sendable, BitwiseCopyable {
    /// The letter in the id.
    enum Series: UInt8, BitwiseCopyable {
        case ordinary = 0x69  // i
        case newAd = 0x6e  // n
        /// Referred to, but never sent.
        case orphan = 0x6f  // o
    }

    var series: Series
    var number: Int
}

/// A binary heap of what is still to come, the earliest on top.
struct PendingEvents: Sendable {
    private var heap: [PendingEvent] = []

    var first: PendingEvent? { heap.first }

    mutating func insert(_ event: PendingEvent) {
        heap.append(event)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = 2 * parent + 1
            guard least < heap.count else { return }
            if least + 1 < heap.count, heap[least + 1] < heap[least] { least += 1 }
            guard heap[least] < heap[parent] else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
