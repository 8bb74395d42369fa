internal import Events

/// A hash table from ids to 32-bit references, open addressing with linear probing.
///
/// The ids themselves stay with what is referred to: an entry is 8 bytes, 32 bits of the id's hash
/// (its tag) and the reference. An entry's home is the top bits of its tag, so that growing and
/// removing look at no record. Removing shifts later entries back: there are no tombstones. The
/// layout depends on the history, hence nothing that iterates over it is offered.
struct IDIndex: Sendable {
    /// Power of two of entries: the tag in the high half, the reference + 1 in the low half; 0: empty.
    private var entries: [UInt64]
    /// 32 - log2(entries.count)
    private var shift: UInt32
    private(set) var count = 0

    init() {
        entries = Array(repeating: 0, count: 16)
        shift = 28
    }

    var memoryBytes: Int { entries.capacity * MemoryLayout<UInt64>.stride }

    /// The tag of an id; ids of different namespaces in one table differ by their salt.
    static func tag(of id: EventID, salt: UInt64 = 0) -> UInt32 {
        let folded = (id.low &+ salt) ^ (id.high << 32 | id.high >> 32)
        return UInt32(truncatingIfNeeded: (folded &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    /// The first reference under `tag` that `matches`: whose record has the id looked for.
    func first(_ tag: UInt32, where matches: (UInt32) -> Bool) -> UInt32? {
        let mask = entries.count - 1
        var position = Int(tag >> shift)
        while entries[position] != 0 {
            let entry = entries[position]
            if UInt32(truncatingIfNeeded: entry >> 32) == tag {
                let reference = UInt32(truncatingIfNeeded: entry) - 1
                if matches(reference) { return reference }
            }
            position = (position + 1) & mask
        }
        return nil
    }

    /// Enters a reference, which must be below `UInt32.max` and not be there yet.
    mutating func insert(_ tag: UInt32, _ reference: UInt32) {
        if (count + 1) * 4 > entries.count * 3 { grow() }
        place(Self.entry(tag, reference))
        count += 1
    }

    mutating func replace(_ tag: UInt32, _ reference: UInt32, with other: UInt32) {
        entries[position(of: Self.entry(tag, reference))] = Self.entry(tag, other)
    }

    mutating func remove(_ tag: UInt32, _ reference: UInt32) {
        let mask = entries.count - 1
        var hole = position(of: Self.entry(tag, reference))
        let shift = shift
        var entries = entries.mutableSpan
        var next = (hole + 1) & mask
        while entries[next] != 0 {
            // An entry may move into the hole if that is not before its home.
            let home = Self.home(of: entries[next], shift: shift)
            if (next &- home) & mask >= (next &- hole) & mask {
                entries[hole] = entries[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        entries[hole] = 0
        count -= 1
    }

    private static func entry(_ tag: UInt32, _ reference: UInt32) -> UInt64 {
        UInt64(tag) << 32 | UInt64(reference + 1)
    }

    private static func home(of entry: UInt64, shift: UInt32) -> Int {
        Int(UInt32(truncatingIfNeeded: entry >> 32) >> shift)
    }

    private func position(of entry: UInt64) -> Int {
        let mask = entries.count - 1
        var position = Self.home(of: entry, shift: shift)
        while entries[position] != entry {
            precondition(entries[position] != 0, "an id is not in its index")
            position = (position + 1) & mask
        }
        return position
    }

    private mutating func place(_ entry: UInt64) {
        let mask = entries.count - 1
        var position = Self.home(of: entry, shift: shift)
        while entries[position] != 0 { position = (position + 1) & mask }
        entries[position] = entry
    }

    private mutating func grow() {
        let old = entries
        entries = Array(repeating: 0, count: old.count * 2)
        shift -= 1
        for entry in old where entry != 0 { place(entry) }
    }
}
