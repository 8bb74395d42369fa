/// The places in which events end. Every consumed event is in exactly one of them.
public enum Place: Int, CaseIterable, Sendable, BitwiseCopyable {
    case applied, duplicate, `repeat`, late, viewThrough, orphaned, dropped, quarantined, pending

    /// The name in summaries and metrics.
    public var name: String {
        switch self {
        case .viewThrough: "view_through"
        default: String(describing: self)
        }
    }
}

/// How many events of each partition are in each place: the law's books, per partition.
///
/// `consumed` is kept separately from the places so that the law
/// `consumed = applied + … + pending` is a statement that can fail.
public struct Ledger: Equatable, Sendable {
    /// Counts by partition index, then by place.
    public private(set) var counts: [[Int]]
    /// Consumed events by partition index.
    public private(set) var consumed: [Int]

    public init(partitionCount: Int = 0) {
        counts = Array(
            repeating: Array(repeating: 0, count: Place.allCases.count),
            count: partitionCount
        )
        consumed = Array(repeating: 0, count: partitionCount)
    }

    public var partitionCount: Int { consumed.count }

    /// Makes room for partitions that appeared since.
    public mutating func grow(toPartitionCount count: Int) {
        while consumed.count < count {
            consumed.append(0)
            counts.append(Array(repeating: 0, count: Place.allCases.count))
        }
    }

    /// A new event is consumed and goes to its first place.
    public mutating func enter(_ place: Place, partition: Int32, count: Int = 1) {
        consumed[Int(partition)] += count
        counts[Int(partition)][place.rawValue] += count
    }

    /// An event that was consumed before changes its place.
    public mutating func move(from: Place, to: Place, partition: Int32) {
        counts[Int(partition)][from.rawValue] -= 1
        counts[Int(partition)][to.rawValue] += 1
    }

    public func count(_ place: Place, partition: Int) -> Int {
        counts[partition][place.rawValue]
    }

    /// Restores the books of one partition from a snapshot.
    public mutating func restore(partition: Int, consumed: Int, counts: [Int]) {
        precondition(counts.count == Place.allCases.count)
        self.consumed[partition] = consumed
        self.counts[partition] = counts
    }

    /// Whether the law holds for every partition.
    public var isBalanced: Bool {
        zip(consumed, counts).allSatisfy { $0 == $1.reduce(0, +) }
    }
}
