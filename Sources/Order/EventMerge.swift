public import Events

/// Merges partitions by (event time, role, partition, offset): impressions before clicks before
/// conversions, and within a partition the offset's order even where times go back, since only the
/// heads are compared.
///
/// A record that is no event has no time of its own and takes that of the event before it in its
/// partition (the earliest possible if there is none), so that it is passed as soon as it is met.
public struct EventMerge: Sendable {
    /// The queue of one partition.
    public struct Lane: Sendable {
        /// Records fetched from the partition; those before `cursor` have been taken.
        public var batch = EventBatch()
        fileprivate var cursor = 0
        /// Event time of the last record taken that had one.
        public fileprivate(set) var carriedTime: Int64
        /// Where the head sorts; meaningless while the lane is empty.
        fileprivate var headTime = Int64.min

        public var isEmpty: Bool { cursor == batch.records.count }
    }

    /// What can be done next.
    public enum Selection: Equatable, Sendable {
        /// The head of this lane is next.
        case take(lane: Int)
        /// This lane is empty and not known to be at its end: fetch it first.
        case fetch(lane: Int)
        /// Something earlier may still come: the clock has not passed the head by the delay.
        case hold
        /// Every lane is empty and at its end.
        case end
    }

    public private(set) var lanes: [Lane]
    private let orderingDelay: Int64

    /// - Parameters:
    ///   - carriedTimes: Per partition, in the merge's order of partitions, the event time of the last
    ///     record before its start that had one; `Int64.min` if there was none.
    ///   - orderingDelay: See `OrderSettings`.
    public init(carriedTimes: [Int64], orderingDelay: Int64) {
        lanes = carriedTimes.map { Lane(carriedTime: $0) }
        self.orderingDelay = orderingDelay
    }

    /// Replaces the (empty) lane's batch by what `fill` appends to it.
    public mutating func refill<Failure: Error>(
        lane index: Int,
        _ fill: (inout EventBatch) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(lanes[index].isEmpty, "only an empty lane is refilled")
        lanes[index].batch.removeAll()
        lanes[index].cursor = 0
        defer { lanes[index].updateHead() }
        try fill(&lanes[index].batch)
    }

    /// Decides what is next.
    ///
    /// - Parameters:
    ///   - clock: Milliseconds since the epoch in a live run; nil in a replay, where the end of a
    ///     partition is final.
    ///   - isAtEnd: Whether the source has handed over all of a lane's records.
    public func select(clock: Int64?, isAtEnd: (Int) -> Bool) -> Selection {
        var first = -1
        var waits = false
        for index in lanes.indices {
            if lanes[index].isEmpty {
                guard isAtEnd(index) else { return .fetch(lane: index) }
                waits = true
            } else if first < 0 || lanes[index].headTime < lanes[first].headTime {
                first = index
            }
        }
        guard first >= 0 else { return .end }
        if waits, let clock, clock < lanes[first].headTime.addingClamped(orderingDelay) {
            return .hold
        }
        return .take(lane: first)
    }

    // The next three are asked at every record, from another module, where `lanes[index]` is a copy with
    // references to all of a batch.

    /// Whether all of a lane's records have been taken.
    public func isEmpty(lane index: Int) -> Bool { lanes[index].isEmpty }

    /// Event time of the last record taken from a lane that had one.
    public func carriedTime(lane index: Int) -> Int64 { lanes[index].carriedTime }

    /// The event at the head of a lane, if there is one.
    public func next(lane index: Int) -> Event? {
        let cursor = lanes[index].cursor
        guard !lanes[index].isEmpty, lanes[index].batch.records[cursor].kind == .event else {
            return nil
        }
        return lanes[index].batch.records[cursor].event
    }

    /// Takes the head of a lane.
    public mutating func take(lane index: Int) -> DecodedRecord {
        let record = lanes[index].batch.records[lanes[index].cursor]
        lanes[index].cursor += 1
        if record.kind == .event { lanes[index].carriedTime = record.event.time }
        lanes[index].updateHead()
        return record
    }
}

extension EventMerge.Lane {
    fileprivate init(carriedTime: Int64) {
        self.carriedTime = carriedTime
    }

    fileprivate mutating func updateHead() {
        guard !isEmpty else { return }
        let head = batch.records[cursor]
        headTime = head.kind == .event ? head.event.time : carriedTime
    }
}

extension Int64 {
    /// The sum, or the nearest representable value.
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }
}
