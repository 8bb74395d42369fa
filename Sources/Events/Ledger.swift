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
    /// [partitions, places]
    private var entries: [Int]
    /// Consumed events by partition index.
    public private(set) var consumed: [Int]

    private static var placeCount: Int { Place.pending.rawValue + 1 }

    public init(partitionCount: Int = 0) {
        entries = Array(repeating: 0, count: partitionCount * Self.placeCount)
        consumed = Array(repeating: 0, count: partitionCount)
    }

    public var partitionCount: Int { consumed.count }

    /// Counts by partition index, then by place.
    public var counts: [[Int]] {
        (0..<partitionCount).map { partition in
            Place.allCases.map { count($0, partition: partition) }
        }
    }

    /// Makes room for partitions that appeared since.
    public mutating func grow(toPartitionCount count: Int) {
        while consumed.count < count {
            consumed.append(0)
            entries.append(contentsOf: repeatElement(0, count: Self.placeCount))
        }
    }

    /// A new event is consumed and goes to its first place.
    public mutating func enter(_ place: Place, partition: Int32, count: Int = 1) {
        consumed[Int(partition)] += count
        entries[Int(partition) * Self.placeCount + place.rawValue] += count
    }

    /// An event that was consumed before changes its place.
    public mutating func move(from: Place, to: Place, partition: Int32) {
        entries[Int(partition) * Self.placeCount + from.rawValue] -= 1
        entries[Int(partition) * Self.placeCount + to.rawValue] += 1
    }

    public func count(_ place: Place, partition: Int) -> Int {
        entries[partition * Self.placeCount + place.rawValue]
    }

    /// Restores the books of one partition from a snapshot.
    public mutating func restore(partition: Int, consumed: Int, counts: [Int]) {
        precondition(counts.count == Self.placeCount)
        self.consumed[partition] = consumed
        let start = partition * Self.placeCount
        entries.replaceSubrange(start..<start + Self.placeCount, with: counts)
    }

    /// Whether the law holds for every partition.
    public var isBalanced: Bool {
        zip(consumed, counts).allSatisfy { $0 == $1.reduce(0, +) }
    }
}
