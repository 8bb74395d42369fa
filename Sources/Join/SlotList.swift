/// What lies in a `SlotList`: it carries the links of the list. One that is not linked has its own slot
/// as the previous one.
protocol Linked: BitwiseCopyable, Sendable {
    /// The opening sequence number, from 1; 0 marks a free slot.
    var sequence: Int64 { get set }
    var previous: UInt32 { get set }
    var next: UInt32 { get set }
}

/// Records of one size in pages, reused through a free list, and linked in the order in which they were
/// linked.
struct SlotList<Record: Linked>: ~Copyable, Sendable {
    private var records = PagedArray<Record>()
    private var firstFree = Self.end
    private var firstSlot = Self.end
    private var lastSlot = Self.end
    private(set) var count = 0
    /// Those that are not linked.
    private(set) var unlinkedCount = 0
    /// Never more records than this.
    let countMax: Int

    private static var end: UInt32 { .max }

    init(countMax: Int) {
        self.countMax = countMax
    }

    func shared() -> Self {
        var other = Self(countMax: countMax)
        other.records = records.shared()
        other.firstFree = firstFree
        other.firstSlot = firstSlot
        other.lastSlot = lastSlot
        other.count = count
        other.unlinkedCount = unlinkedCount
        return other
    }

    var memoryBytes: Int { records.memoryBytes }

    /// The record that was linked first.
    var oldest: UInt32? { firstSlot == Self.end ? nil : firstSlot }

    /// The record linked next after that in `slot`.
    func younger(than slot: UInt32) -> UInt32? {
        let next = records[Int(slot)].next
        return next == Self.end ? nil : next
    }

    subscript(slot: UInt32) -> Record {
        @inline(__always) _read { yield records[Int(slot)] }
        @inline(__always) _modify { yield &records[Int(slot)] }
    }

    @inline(__always)
    func prefetch(_ slot: UInt32) { records.prefetch(Int(slot)) }

    /// Adds a record, links it after all others, and returns its slot.
    mutating func append(_ record: Record) -> UInt32 {
        let slot = insert(record)
        link(slot)
        return slot
    }

    /// Adds a record that is not linked, and returns its slot.
    mutating func insert(_ record: Record) -> UInt32 {
        precondition(count < countMax)
        var slot = firstFree
        if slot == Self.end {
            slot = UInt32(records.count)
            records.append(record)
        } else {
            firstFree = records[Int(slot)].next
            records[Int(slot)] = record
        }
        records[Int(slot)].previous = slot
        count += 1
        unlinkedCount += 1
        return slot
    }

    /// Links a record that is not linked after all others.
    mutating func link(_ slot: UInt32) {
        assert(records[Int(slot)].previous == slot)
        records[Int(slot)].previous = lastSlot
        records[Int(slot)].next = Self.end
        if lastSlot == Self.end { firstSlot = slot } else { records[Int(lastSlot)].next = slot }
        lastSlot = slot
        unlinkedCount -= 1
    }

    mutating func remove(_ slot: UInt32) {
        let (previous, next) = (records[Int(slot)].previous, records[Int(slot)].next)
        if previous == slot {
            unlinkedCount -= 1
        } else {
            if previous == Self.end { firstSlot = next } else { records[Int(previous)].next = next }
            if next == Self.end {
                lastSlot = previous
            } else {
                records[Int(next)].previous = previous
            }
        }
        records[Int(slot)].sequence = 0
        records[Int(slot)].next = firstFree
        firstFree = slot
        count -= 1
    }
}
