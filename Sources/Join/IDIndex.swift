internal import Events

/// A hash table from ids to 32-bit references, open addressing with linear probing.
///
/// The ids themselves stay with what is referred to: an entry is 8 bytes, 32 bits of the id's hash
/// (its tag) and the reference. An entry's home is the top bits of its tag, so that growing and
/// removing look at no record. Removing shifts later entries back: there are no tombstones. The
/// layout depends on the history, hence nothing that iterates over it is offered.
///
/// It doubles when it is three quarters full, all at once: about 40 ms for a million ids.
struct IDIndex: ~Copyable, Sendable {
    /// Power of two of entries: the tag in the high half, the reference + 1 in the low half; 0: empty.
    private var entries: Pages<UInt64>
    /// The number of entries - 1; they are whole pages.
    private var mask: Int
    /// 32 - log2 of the number of entries
    private var shift: UInt32
    private(set) var count = 0

    init() {
        self.init(bits: Pages<UInt64>.pageBits)
    }

    private init(bits: Int) {
        self.init(entries: Pages(), bits: bits)
        while entries.elementCount <= mask { entries.appendPage(filledWith: 0) }
    }

    private init(entries: consuming Pages<UInt64>, bits: Int) {
        self.entries = entries
        mask = 1 << bits - 1
        shift = UInt32(32 - bits)
    }

    func shared() -> IDIndex {
        var other = IDIndex(entries: entries.shared(), bits: Int(32 - shift))
        other.count = count
        return other
    }

    var memoryBytes: Int { entries.memoryBytes }

    static func memoryBytes(count: Int) -> Int {
        var entryCount = Pages<UInt64>.pageSize
        while count * 4 > entryCount * 3 { entryCount *= 2 }
        return entryCount * MemoryLayout<UInt64>.stride
    }

    /// The tag of an id; ids of different namespaces in one table differ by their salt.
    @inline(__always)
    static func tag(of id: EventID, salt: UInt64 = 0) -> UInt32 {
        let folded = (id.low &+ salt) ^ (id.high << 32 | id.high >> 32)
        return UInt32(truncatingIfNeeded: (folded &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    /// What looking for an id with this tag begins with.
    @inline(__always)
    func prefetch(_ tag: UInt32) { entries.prefetch(home(of: tag)) }

    /// The first reference under `tag` that `matches`: whose record has the id looked for.
    @inline(__always)
    func first(_ tag: UInt32, where matches: (UInt32) -> Bool) -> UInt32? {
        var position = home(of: tag)
        var entry = entries[position]
        while entry != 0 {
            if UInt32(truncatingIfNeeded: entry >> 32) == tag {
                let reference = UInt32(truncatingIfNeeded: entry) - 1
                if matches(reference) { return reference }
            }
            position = (position + 1) & mask
            entry = entries[position]
        }
        return nil
    }

    /// Enters a reference, which must be below `UInt32.max` and not be there yet.
    @inline(__always)
    mutating func insert(_ tag: UInt32, _ reference: UInt32) {
        if (count + 1) * 4 > (mask + 1) * 3 { grow() }
        place(Self.entry(tag, reference))
        count += 1
    }

    @inline(__always)
    mutating func replace(_ tag: UInt32, _ reference: UInt32, with other: UInt32) {
        entries[position(of: Self.entry(tag, reference))] = Self.entry(tag, other)
    }

    mutating func remove(_ tag: UInt32, _ reference: UInt32) {
        var hole = position(of: Self.entry(tag, reference))
        var next = (hole + 1) & mask
        var entry = entries[next]
        while entry != 0 {
            // An entry may move into the hole if that is not before its home.
            let home = home(of: UInt32(truncatingIfNeeded: entry >> 32))
            if (next &- home) & mask >= (next &- hole) & mask {
                entries[hole] = entry
                hole = next
            }
            next = (next + 1) & mask
            entry = entries[next]
        }
        entries[hole] = 0
        count -= 1
    }

    @inline(__always)
    private static func entry(_ tag: UInt32, _ reference: UInt32) -> UInt64 {
        UInt64(tag) << 32 | UInt64(reference + 1)
    }

    @inline(__always)
    private func home(of tag: UInt32) -> Int { Int(tag &>> shift) }

    @inline(__always)
    private func position(of entry: UInt64) -> Int {
        var position = home(of: UInt32(truncatingIfNeeded: entry >> 32))
        var other = entries[position]
        while other != entry {
            precondition(other != 0, "an id is not in its index")
            position = (position + 1) & mask
            other = entries[position]
        }
        return position
    }

    @inline(__always)
    private mutating func place(_ entry: UInt64) {
        var position = home(of: UInt32(truncatingIfNeeded: entry >> 32))
        while entries[position] != 0 { position = (position + 1) & mask }
        entries[position] = entry
    }

    @inline(never)
    private mutating func grow() {
        var larger = IDIndex(bits: 33 - Int(shift))
        for position in 0...mask where entries[position] != 0 {
            larger.place(entries[position])
        }
        larger.count = count
        self = larger
    }
}
