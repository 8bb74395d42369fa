/// What lies in a `SlotList`: it carries the links of the list.
protocol Linked: BitwiseCopyable, Sendable {
    /// The opening sequence number, from 1; 0 marks a free slot.
    var sequence: Int64 { get set }
    var previous: UInt32 { get set }
    var next: UInt32 { get set }
}

/// Records of one size in pages, reused through a free list, and linked in the order of opening.
struct SlotList<Record: Linked>: ~Copyable, Sendable {
    private var records = PagedArray<Record>()
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

    func shared() -> Self {
        var other = Self(countMax: countMax)
        other.records = records.shared()
        other.firstFree = firstFree
        other.firstSlot = firstSlot
        other.lastSlot = lastSlot
        other.count = count
        return other
    }

    var memoryBytes: Int { records.memoryBytes }

    /// The record that was opened first.
    var oldest: UInt32? { firstSlot == Self.end ? nil : firstSlot }

    /// The record opened next after that in `slot`.
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

    /// Adds a record that was opened after all others, and returns its slot.
    @inline(__always)
    mutating func append(_ record: @autoclosure () -> Record) -> UInt32 {
        precondition(count < countMax)
        var slot = firstFree
        if slot == Self.end {
            slot = UInt32(records.count)
            records.append(record())
        } else {
            firstFree = records[Int(slot)].next
        }
        Self.store(record(), after: lastSlot, at: &records[Int(slot)])
        if lastSlot == Self.end { firstSlot = slot } else { records[Int(lastSlot)].next = slot }
        lastSlot = slot
        count += 1
        return slot
    }

    @inline(__always)
    mutating func remove(_ slot: UInt32) {
        let (previous, next) = (records[Int(slot)].previous, records[Int(slot)].next)
        if previous == Self.end { firstSlot = next } else { records[Int(previous)].next = next }
        if next == Self.end { lastSlot = previous } else { records[Int(next)].previous = previous }
        Self.free(&records[Int(slot)], next: firstFree)
        firstFree = slot
        count -= 1
    }

    // The next two change a record in one access.

    @inline(__always)
    private static func store(_ record: Record, after last: UInt32, at place: inout Record) {
        place = record
        place.previous = last
        place.next = end
    }

    @inline(__always)
    private static func free(_ record: inout Record, next: UInt32) {
        record.sequence = 0
        record.next = next
    }
}
