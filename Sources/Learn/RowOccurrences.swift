/// Counts how often each row occurs in a list, in time proportional to its length: a hash table that
/// grows to the longest list seen and is emptied by raising its epoch.
struct RowOccurrences {
    private struct Slot {
        var epoch: UInt32 = 0
        /// Where the row is in `counted`.
        var index: Int32 = 0
    }

    /// The rows of the list counted last, by first occurrence.
    private(set) var counted: [(row: UInt32, count: Int32)] = []
    /// A power of two of them, at most half in use.
    private var slots = [Slot](repeating: Slot(), count: 64)
    private var epoch: UInt32 = 0

    mutating func count(_ rows: Span<UInt32>) {
        clear(forLength: rows.count)
        for index in rows.indices {
            let row = rows[index]
            let slot = slot(of: row)
            if slots[slot].epoch == epoch {
                counted[Int(slots[slot].index)].count += 1
            } else {
                slots[slot] = Slot(epoch: epoch, index: Int32(counted.count))
                counted.append((row, 1))
            }
        }
    }

    private mutating func clear(forLength length: Int) {
        counted.removeAll(keepingCapacity: true)
        if epoch == .max || slots.count < 2 * length {
            var size = slots.count
            while size < 2 * length { size *= 2 }
            slots = [Slot](repeating: Slot(), count: size)
            epoch = 0
        }
        epoch += 1
    }

    /// The row's slot, or the free one that it is to take (linear probing, Fibonacci hashing).
    private func slot(of row: UInt32) -> Int {
        var slot = Int((UInt64(row) &* 0x9E37_79B9_7F4A_7C15) >> 32) & (slots.count - 1)
        while slots[slot].epoch == epoch, counted[Int(slots[slot].index)].row != row {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }
}
