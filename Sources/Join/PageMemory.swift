internal import Glibc
internal import Synchronization

/// Memory for the pages of large tables, taken from the system 2 MiB at a time.
///
/// So much, so aligned, the system can map as one: the processor then knows where all of it is,
/// where it would have to look up each 4 KiB, which for a table of many megabytes takes about as
/// long as the wait for the memory itself. Pieces of one size share such a slab, and a slab goes
/// back when none is used, but for the last one that has room.
///
/// All threads share it: pages end wherever the last snapshot that has them ends.
enum PageMemory {
    private static let slabBytes = 1 << 21
    /// By the size of a piece, in bytes: the addresses of slabs that have room, with a bit for each
    /// piece that is free.
    private static let rooms = Mutex<[Int: [UInt: UInt64]]>([:])

    static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        precondition(pieces(of: byteCount) <= 64)
        let address = rooms.withLock { rooms in
            var slabs = rooms[byteCount] ?? [:]
            rooms[byteCount] = nil
            defer { rooms[byteCount] = slabs }
            guard let (slab, free) = slabs.first else {
                let slab = makeSlab()
                slabs[slab] = allFree(byteCount) & ~1
                return slab
            }
            slabs[slab] = free & (free - 1) == 0 ? nil : free & (free - 1)
            return slab + UInt(free.trailingZeroBitCount * byteCount)
        }
        return unsafe UnsafeMutableRawPointer(bitPattern: address)!
    }

    /// Takes back what `allocate` gave for the same size.
    static func deallocate(_ piece: UnsafeMutableRawPointer, byteCount: Int) {
        let address = UInt(bitPattern: piece)
        let slab = address & ~UInt(slabBytes - 1)
        rooms.withLock { rooms in
            var slabs = rooms[byteCount] ?? [:]
            rooms[byteCount] = nil
            defer { rooms[byteCount] = slabs }
            let free = (slabs[slab] ?? 0) | 1 << UInt64(Int(address - slab) / byteCount)
            if free == allFree(byteCount) && slabs.count > 1 {
                slabs[slab] = nil
                unsafe UnsafeMutableRawPointer(bitPattern: slab)!.deallocate()
            } else {
                slabs[slab] = free
            }
        }
    }

    private static func pieces(of byteCount: Int) -> Int { slabBytes / byteCount }

    private static func allFree(_ byteCount: Int) -> UInt64 {
        ~0 >> UInt64(64 - pieces(of: byteCount))
    }

    private static func makeSlab() -> UInt {
        let slab = UnsafeMutableRawPointer.allocate(
            byteCount: slabBytes,
            alignment: slabBytes
        )
        // Advice: where the system does not take it, all is as before.
        unsafe madvise(slab, slabBytes, MADV_HUGEPAGE)
        return UInt(bitPattern: slab)
    }
}
