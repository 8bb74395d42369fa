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
        var record = record
        record.previous = lastSlot
        record.next = Self.end
        let slot: UInt32
        if firstFree != Self.end {
            slot = firstFree
            firstFree = records[Int(slot)].next
            records[Int(slot)] = record
        } else {
            if records.count == records.capacity { reserveMore() }
            slot = UInt32(records.count)
            records.append(record)
        }
        if lastSlot == Self.end { firstSlot = slot } else { records[Int(lastSlot)].next = slot }
        lastSlot = slot
        count += 1
        return slot
    }

    mutating func remove(_ slot: UInt32) {
        let (previous, next) = (records[Int(slot)].previous, records[Int(slot)].next)
        if previous == Self.end { firstSlot = next } else { records[Int(previous)].next = next }
        if next == Self.end { lastSlot = previous } else { records[Int(next)].previous = previous }
        records[Int(slot)].sequence = 0
        records[Int(slot)].next = firstFree
        firstFree = slot
        count -= 1
    }

    /// By half, up to the limit: doubling would keep up to twice the memory that is in use.
    private mutating func reserveMore() {
        records.reserveCapacity(min(max(16, records.count + records.count / 2), countMax))
    }
}
