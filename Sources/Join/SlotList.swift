/// What lies in a `SlotList`: it carries the links of the list.
protocol Linked: BitwiseCopyable, Sendable {
    /// The opening sequence number, from 1; 0 marks a free slot.
    var sequence: Int64 { get set }
    var previous: UInt32 { get set }
    var next: UInt32 { get set }
}

/// Records of one size in an array, reused through a free list, and linked in the order of opening.
struct SlotList<Record: Linked>: Sendable {
    private var records: [Record] = []
    private var firstFree = Self.end
    private var firstSlot = Self.end
    private var lastSlot = Self.end
    private(set) var count = 0
    /// Never more records than this.
    let countMax: Int

    private static var end: UInt32 { .max }

    init(countMax: Int) {
        self.countMax = countMax
    }

    var memoryBytes: Int { records.capacity * MemoryLayout<Record>.stride }

    /// The record that was opened first.
    var oldest: UInt32? { firstSlot == Self.end ? nil : firstSlot }

    /// The record opened next after that in `slot`.
    func younger(than slot: UInt32) -> UInt32? {
        let next = records[Int(slot)].next
        return next == Self.end ? nil : next
    }

    subscript(slot: UInt32) -> Record {
        _read { yield records[Int(slot)] }
        _modify { yield &records[Int(slot)] }
    }

    /// Adds a record that was opened after all others, and returns its slot.
    mutating func append(_ record: Record) -> UInt32 {
        precondition(count < countMax && record.sequence > 0)
        if firstFree == Self.end {
            if records.count == records.capacity { reserveMore() }
            firstFree = UInt32(records.count)
            records.append(record)
            records[Int(firstFree)].next = Self.end
        }
        let (slot, last) = (firstFree, lastSlot)
        firstFree = records[Int(slot)].next
        Self.link(record, at: slot, after: last, in: &records)
        if last == Self.end { firstSlot = slot }
        lastSlot = slot
        count += 1
        return slot
    }

    mutating func remove(_ slot: UInt32) {
        let (previous, next) = Self.unlink(slot, firstFree: firstFree, in: &records)
        if previous == Self.end { firstSlot = next }
        if next == Self.end { lastSlot = previous }
        firstFree = slot
        count -= 1
    }

    // The next two take a span once, so that the array is found to be unique once.

    private static func link(
        _ record: Record,
        at slot: UInt32,
        after last: UInt32,
        in records: inout [Record]
    ) {
        var records = records.mutableSpan
        records[Int(slot)] = record
        records[Int(slot)].previous = last
        records[Int(slot)].next = end
        if last != end { records[Int(last)].next = slot }
    }

    private static func unlink(
        _ slot: UInt32,
        firstFree: UInt32,
        in records: inout [Record]
    ) -> (previous: UInt32, next: UInt32) {
        var records = records.mutableSpan
        let (previous, next) = (records[Int(slot)].previous, records[Int(slot)].next)
        if previous != end { records[Int(previous)].next = next }
        if next != end { records[Int(next)].previous = previous }
        records[Int(slot)].sequence = 0
        records[Int(slot)].next = firstFree
        return (previous, next)
    }

    /// By half, up to the limit: doubling would keep up to twice the memory that is in use.
    private mutating func reserveMore() {
        records.reserveCapacity(min(max(16, records.count + records.count / 2), countMax))
    }
}
