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
    /// [partitions, places and what was consumed]
    private var entries: [Int]

    private static var placeCount: Int { Place.pending.rawValue + 1 }
    /// Entries of a partition; the last one is what was consumed.
    private static var width: Int { placeCount + 1 }

    public init(partitionCount: Int = 0) {
        entries = Array(repeating: 0, count: partitionCount * Self.width)
    }

    public var partitionCount: Int { entries.count / Self.width }

    /// Consumed events by partition index.
    public var consumed: [Int] { (0..<partitionCount).map(consumed) }

    /// Counts by partition index, then by place.
    public var counts: [[Int]] {
        (0..<partitionCount).map { partition in
            Place.allCases.map { count($0, partition: partition) }
        }
    }

    /// Makes room for partitions that appeared since.
    public mutating func grow(toPartitionCount count: Int) {
        while partitionCount < count {
            entries.append(contentsOf: repeatElement(0, count: Self.width))
        }
    }

    /// A new event is consumed and goes to its first place.
    public mutating func enter(_ place: Place, partition: Int32, count: Int = 1) {
        let start = Int(partition) * Self.width
        // A span, so that whether the array is shared is asked once.
        var entries = entries.mutableSpan
        entries[start + Self.placeCount] += count
        entries[start + place.rawValue] += count
    }

    /// An event that was consumed before changes its place.
    public mutating func move(from: Place, to: Place, partition: Int32) {
        let start = Int(partition) * Self.width
        var entries = entries.mutableSpan
        entries[start + from.rawValue] -= 1
        entries[start + to.rawValue] += 1
    }

    public func consumed(partition: Int) -> Int {
        entries[partition * Self.width + Self.placeCount]
    }

    public func count(_ place: Place, partition: Int) -> Int {
        entries[partition * Self.width + place.rawValue]
    }

    /// Restores the books of one partition from a snapshot.
    public mutating func restore(partition: Int, consumed: Int, counts: [Int]) {
        precondition(counts.count == Self.placeCount)
        let start = partition * Self.width
        entries.replaceSubrange(start..<start + Self.width, with: counts + [consumed])
    }

    /// Whether the law holds for every partition.
    public var isBalanced: Bool {
        zip(consumed, counts).allSatisfy { $0 == $1.reduce(0, +) }
    }
}
