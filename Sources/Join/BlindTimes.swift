/// Intervals of event time in which events were lost, in order and apart. What lies in them cannot
/// be labelled, neither by an event's absence nor, since most others were lost, by its presence.
struct BlindTimes: Equatable, Sendable {
    private(set) var intervals: [Range<Int64>] = []

    /// Beyond this the two that are nearest become one.
    static let countMax = 16

    var isEmpty: Bool { intervals.isEmpty }

    func contains(_ time: Int64) -> Bool { intervals.contains { $0.contains(time) } }

    /// Adds an interval that ends after all others.
    mutating func add(_ interval: Range<Int64>) {
        var start = interval.lowerBound
        while let last = intervals.last, last.upperBound >= start {
            start = min(start, last.lowerBound)
            intervals.removeLast()
        }
        intervals.append(start..<interval.upperBound)
        if intervals.count > Self.countMax { joinNearest() }
    }

    /// Forgets what ended by this.
    mutating func forget(through time: Int64) {
        intervals.removeAll { $0.upperBound <= time }
    }

    private mutating func joinNearest() {
        func gap(_ index: Int) -> Int64 {
            intervals[index].lowerBound.saturatingSubtracting(intervals[index - 1].upperBound)
        }
        let second = (1..<intervals.count).min { gap($0) < gap($1) } ?? 1
        let first = intervals[second - 1].lowerBound
        intervals[second - 1] = first..<intervals[second].upperBound
        intervals.remove(at: second)
    }
}
