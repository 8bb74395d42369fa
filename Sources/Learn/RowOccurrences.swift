/// Sums up how often each row occurs in a list: a short one row by row, a long one in time proportional
/// to its length, with a hash table that grows to the longest list seen and is emptied by raising its
/// epoch.
struct RowOccurrences {
    private struct Slot {
        var epoch: UInt32 = 0
        /// Where the row is in `rows`.
        var index: Int32 = 0
    }

    /// The first `count` are the rows of the list counted last, by first occurrence. There is room for
    /// the longest list so far.
    private(set) var rows: [UInt32] = []
    /// Of each: its occurrences times what each of them counts.
    private(set) var scales: [Float] = []
    private(set) var count = 0
    /// Longest list in which rows are looked for one by one.
    private static let shortMax = 32
    /// A power of two of them, at most half in use.
    private var slots = [Slot](repeating: Slot(), count: 64)
    private var epoch: UInt32 = 0

    mutating func count(_ list: Span<UInt32>, each scale: Float) {
        while rows.count < list.count {
            rows.append(0)
            scales.append(0)
        }
        if list.count <= Self.shortMax {
            count = Self.countShort(list, each: scale, rows: &rows, scales: &scales)
        } else {
            countLong(list, each: scale)
        }
    }

    /// Returns how many rows the list has.
    private static func countShort(
        _ list: Span<UInt32>,
        each scale: Float,
        rows: inout [UInt32],
        scales: inout [Float]
    ) -> Int {
        // Spans, so that whether the arrays are shared is asked once.
        var rows = rows.mutableSpan
        var scales = scales.mutableSpan
        var count = 0
        for position in list.indices {
            let row = list[position]
            var index = 0
            while index < count, rows[index] != row { index += 1 }
            if index == count {
                rows[index] = row
                scales[index] = 0
                count += 1
            }
            scales[index] += scale
        }
        return count
    }

    private mutating func countLong(_ list: Span<UInt32>, each scale: Float) {
        clear(forLength: list.count)
        count = 0
        for position in list.indices {
            let slot = slot(of: list[position])
            if slots[slot].epoch != epoch {
                slots[slot] = Slot(epoch: epoch, index: Int32(count))
                rows[count] = list[position]
                scales[count] = 0
                count += 1
            }
            scales[Int(slots[slot].index)] += scale
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
