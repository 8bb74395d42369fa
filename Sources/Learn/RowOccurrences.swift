/// Sums up how often each row occurs in a list: a short one row by row, a long one in time proportional
/// to its length, with a hash table that grows to the longest list seen and is emptied by raising its
/// epoch.
struct RowOccurrences {
    private struct Slot {
        var epoch: UInt32 = 0
        /// Where the row is in `rows`.
        var index: Int32 = 0
    }

    /// The rows of the list counted last, by first occurrence.
    private(set) var rows: [UInt32] = []
    /// Of each: its occurrences times what each of them counts.
    private(set) var scales: [Float] = []
    /// Longest list in which rows are looked for one by one.
    private static let shortMax = 32
    /// A power of two of them, at most half in use.
    private var slots = [Slot](repeating: Slot(), count: 64)
    private var epoch: UInt32 = 0

    mutating func count(_ list: Span<UInt32>, each scale: Float) {
        rows.removeAll(keepingCapacity: true)
        scales.removeAll(keepingCapacity: true)
        if list.count <= Self.shortMax {
            for index in list.indices {
                add(list[index], scale, at: rows.firstIndex(of: list[index]))
            }
            return
        }
        clear(forLength: list.count)
        for index in list.indices {
            let slot = slot(of: list[index])
            if slots[slot].epoch == epoch {
                add(list[index], scale, at: Int(slots[slot].index))
            } else {
                slots[slot] = Slot(epoch: epoch, index: Int32(rows.count))
                add(list[index], scale, at: nil)
            }
        }
    }

    private mutating func add(_ row: UInt32, _ scale: Float, at index: Int?) {
        if let index {
            scales[index] += scale
        } else {
            rows.append(row)
            scales.append(scale)
        }
    }

    private mutating func clear(forLength length: Int) {
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
        while slots[slot].epoch == epoch, rows[Int(slots[slot].index)] != row {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }
}
