internal import Events

/// A hash table from ids to 32-bit references, in buckets of eight entries, a cache line each.
///
/// The ids themselves stay with what is referred to: an entry is 8 bytes, 32 bits of the id's hash
/// (its tag) and the reference. One comparison looks at all tags of a bucket, as in Abseil's Swiss
/// tables, so that finding, entering and removing take the same few steps for almost every id.
///
/// An entry's home is the bucket that the top bits of its tag name, so that growing and removing look
/// at no record. What finds its home full lies in the first bucket after it that had room; removing
/// brings such entries back: there are no tombstones. The layout depends on the history, hence nothing
/// that iterates over it is offered.
///
/// It doubles when it is three quarters full, all at once: about 40 ms for a million ids.
struct IDIndex: ~Copyable, Sendable {
    /// Buckets: eight tags, 0 where there is no entry, and their references.
    private var words: Pages<UInt32>
    /// The number of buckets - 1, a power of two - 1; they are whole pages.
    private var mask: Int
    /// 32 - log2 of the number of buckets
    private var shift: UInt32
    private(set) var count = 0

    private static var bucketSize: Int { 8 }
    private static var wordsPerBucket: Int { 2 * bucketSize }

    init() {
        self.init(bits: (Pages<UInt32>.pageSize / Self.wordsPerBucket).trailingZeroBitCount)
    }

    private init(bits: Int) {
        self.init(words: Pages(), bits: bits)
        while words.elementCount <= mask * Self.wordsPerBucket { words.appendPage() }
    }

    private init(words: consuming Pages<UInt32>, bits: Int) {
        self.words = words
        mask = 1 << bits - 1
        shift = UInt32(32 - bits)
    }

    func shared() -> IDIndex {
        var other = IDIndex(words: words.shared(), bits: Int(32 - shift))
        other.count = count
        return other
    }

    var memoryBytes: Int { words.memoryBytes }

    static func memoryBytes(count: Int) -> Int {
        var bytes = Pages<UInt32>.pageBytes
        while count * 4 > bytes / 8 * 3 { bytes *= 2 }
        return bytes
    }

    /// The tag of an id; ids of different namespaces in one table differ by their salt.
    @inline(__always)
    static func tag(of id: EventID, salt: UInt64 = 0) -> UInt32 {
        let folded = (id.low &+ salt) ^ (id.high << 32 | id.high >> 32)
        return max(UInt32(truncatingIfNeeded: (folded &* 0x9E37_79B9_7F4A_7C15) >> 32), 1)
    }

    /// What looking for an id with this tag begins with.
    @inline(__always)
    func prefetch(_ tag: UInt32) { words.prefetch(home(of: tag)) }

    /// The first reference under `tag` that `matches`: whose record has the id looked for.
    @inline(__always)
    func first(_ tag: UInt32, where matches: (UInt32) -> Bool) -> UInt32? {
        var bucket = home(of: tag)
        while true {
            var found = words.matches(tag, at: bucket)
            while found != 0 {
                let reference = words[Self.reference(bucket + found.trailingZeroBitCount)]
                if matches(reference) { return reference }
                found &= found &- 1
            }
            if hasRoom(bucket) { return nil }
            bucket = after(bucket)
        }
    }

    /// Enters a reference that is not there yet.
    @inline(__always)
    mutating func insert(_ tag: UInt32, _ reference: UInt32) {
        if (count + 1) * 4 > (mask + 1) * Self.bucketSize * 3 { grow() }
        place(tag, reference)
        count += 1
    }

    @inline(__always)
    mutating func replace(_ tag: UInt32, _ reference: UInt32, with other: UInt32) {
        words[Self.reference(place(of: tag, reference))] = other
    }

    @inline(__always)
    mutating func remove(_ tag: UInt32, _ reference: UInt32) {
        let hole = place(of: tag, reference)
        let bucket = hole & -Self.wordsPerBucket
        let wasFull = !hasRoom(bucket)
        words[hole] = 0
        count -= 1
        if wasFull { fill(hole, of: bucket) }
    }

    /// Brings back what found a bucket full, now that it has room, and so on with the room of that.
    @inline(never)
    private mutating func fill(_ hole: Int, of bucket: Int) {
        var (hole, bucketOfHole, bucket) = (hole, bucket, bucket)
        var wasFull = true
        while wasFull {
            bucket = after(bucket)
            wasFull = !hasRoom(bucket)
            let distance = self.distance(from: bucketOfHole, to: bucket)
            for place in bucket..<bucket + Self.bucketSize where words[place] != 0 {
                guard self.distance(from: home(of: words[place]), to: bucket) >= distance else {
                    continue
                }
                words[hole] = words[place]
                words[Self.reference(hole)] = words[Self.reference(place)]
                words[place] = 0
                (hole, bucketOfHole) = (place, bucket)
                break
            }
        }
    }

    // A bucket is named by the place of its first tag, an entry by the place of its tag.

    @inline(__always)
    private func home(of tag: UInt32) -> Int { Int(tag &>> shift) &* Self.wordsPerBucket }

    @inline(__always)
    private func after(_ bucket: Int) -> Int {
        (bucket &+ Self.wordsPerBucket) & (mask &* Self.wordsPerBucket)
    }

    private func distance(from bucket: Int, to other: Int) -> Int {
        (other &- bucket) & (mask &* Self.wordsPerBucket)
    }

    @inline(__always)
    private static func reference(_ place: Int) -> Int { place &+ bucketSize }

    @inline(__always)
    private func hasRoom(_ bucket: Int) -> Bool { words.matches(0, at: bucket) != 0 }

    @inline(__always)
    private func place(of tag: UInt32, _ reference: UInt32) -> Int {
        var bucket = home(of: tag)
        while true {
            let found =
                words.matches(tag, at: bucket)
                & words.matches(reference, at: Self.reference(bucket))
            if found != 0 { return bucket &+ found.trailingZeroBitCount }
            precondition(!hasRoom(bucket), "an id is not in its index")
            bucket = after(bucket)
        }
    }

    @inline(__always)
    private mutating func place(_ tag: UInt32, _ reference: UInt32) {
        var bucket = home(of: tag)
        var free = words.matches(0, at: bucket)
        while free == 0 {
            bucket = after(bucket)
            free = words.matches(0, at: bucket)
        }
        let place = bucket &+ free.trailingZeroBitCount
        words[place] = tag
        words[Self.reference(place)] = reference
    }

    @inline(never)
    private mutating func grow() {
        var larger = IDIndex(bits: 33 - Int(shift))
        for bucket in stride(from: 0, to: words.elementCount, by: Self.wordsPerBucket) {
            for place in bucket..<bucket + Self.bucketSize where words[place] != 0 {
                larger.place(words[place], words[Self.reference(place)])
            }
        }
        larger.count = count
        self = larger
    }
}
