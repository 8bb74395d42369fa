internal import Events

/// Open impressions, with their features and id texts.
///
/// They wait in a line, in the order of opening, for the ends of their click windows. Nothing happens
/// to most of them there. One that is clicked is tracked from then on: a record of its own has all
/// that becomes known of it, and its place in the line refers there. What is still open when its turn
/// comes leaves the line and stays in the list of tracked ones, which is in the order of opening, too.
///
/// An impression that came out of order is tracked at once: its window ends before those of others
/// that are in front of it.
struct OpenImpressions: ~Copyable, Sendable {
    /// A place that refers to one that closed since is stale.
    private var line = Ring<OpenImpression>()
    /// Those in the line that are not tracked.
    private var untrackedCount = 0
    /// No impression in the line is from after this.
    private var lastTime = Int64.min
    /// Linked once they have left the line.
    private var tracked: SlotList<TrackedImpression>
    private var arena = WordArena()

    init(countMax: Int) {
        tracked = SlotList(countMax: countMax)
    }

    func shared() -> OpenImpressions {
        var other = OpenImpressions(countMax: countMax)
        other.line = line.shared()
        other.untrackedCount = untrackedCount
        other.firstTime = firstTime
        other.lastTime = lastTime
        other.tracked = tracked.shared()
        other.arena = arena.shared()
        return other
    }

    var count: Int { untrackedCount + tracked.count }
    var countMax: Int { tracked.countMax }
    var isFull: Bool { count == countMax }
    var memoryBytes: Int { line.memoryBytes + tracked.memoryBytes + arena.memoryBytes }

    /// What features and texts take, rounded up to blocks.
    var wordBytes: Int { arena.usedBytes }

    /// With so many places in the line, and runs of so many blocks on average.
    static func memoryBytes(
        count: Int,
        placesInLine: Int,
        trackedCount: Int,
        blocksPerRun: Double
    ) -> Int {
        Ring<OpenImpression>.memoryBytes(count: placesInLine)
            + PagedArray<TrackedImpression>.memoryBytes(count: trackedCount)
            + WordArena.memoryBytes(count: count, blocksPerRun: blocksPerRun)
    }

    /// A tracked one.
    subscript(slot: UInt32) -> TrackedImpression {
        @inline(__always) _read { yield tracked[slot] }
        @inline(__always) _modify { yield &tracked[slot] }
    }

    // MARK: The line

    /// The place whose turn is next. It may be stale, and only the record of one that is tracked
    /// knows its run and partition.
    var first: OpenImpression? { line.first }

    /// Likewise, in a line that is not empty.
    var front: OpenImpression {
        @inline(__always) _read { yield line.front }
    }

    var firstNumber: Int { line.firstNumber }

    /// When the impression came whose turn is next; `Int64.max` where there is none.
    private(set) var firstTime = Int64.max

    /// By its number, which is given as its low 30 bits.
    @inline(__always)
    func id(inLine number: Int) -> EventID { line[number].id }

    /// The place so many after the first.
    @inline(__always)
    func inLine(_ distance: Int) -> OpenImpression? {
        distance < line.count ? line[line.firstNumber + distance] : nil
    }

    /// Has the processor fetch the place so many after the first.
    @inline(__always)
    func prefetchInLine(_ distance: Int) { line.prefetch(distance) }

    /// Whether one that came at this time would be in order.
    func isInOrder(_ time: Int64) -> Bool { line.isEmpty || time >= lastTime }

    /// Adds an impression that is in order, and returns its number.
    @inline(__always)
    mutating func append(_ impression: OpenImpression) -> Int {
        lastTime = impression.time
        untrackedCount += 1
        addPlace(impression)
        return line.endNumber - 1
    }

    /// Adds one of which more is known, or that is out of order, and returns its slot.
    mutating func append(_ impression: TrackedImpression) -> UInt32 {
        let slot = tracked.insert(impression)
        var place = impression.impression
        place.slot = slot
        lastTime = line.isEmpty ? place.time : max(lastTime, place.time)
        addPlace(place)
        return slot
    }

    @inline(__always)
    private mutating func addPlace(_ place: OpenImpression) {
        if line.isEmpty { firstTime = place.time }
        line.append(place)
    }

    @inline(__always)
    private mutating func removeFirstPlace() {
        line.removeFirst()
        firstTime = line.first?.time ?? .max
    }

    /// One in the line is tracked from now on.
    mutating func track(_ number: Int) -> UInt32 {
        let slot = tracked.insert(TrackedImpression(line[number]))
        line[number].slot = slot
        untrackedCount -= 1
        return slot
    }

    /// Removes an impression that is not tracked and whose turn it is.
    @inline(__always)
    mutating func removeFirst() {
        arena.free(line.front.run)
        removeFirstPlace()
        untrackedCount -= 1
    }

    /// Takes one that is tracked, or was, out of the line. Returns its slot if it is still open.
    mutating func passFirst() -> UInt32? {
        let place = line.front
        removeFirstPlace()
        guard tracked[place.slot].sequence == place.sequence else { return nil }
        tracked.link(place.slot)
        return place.slot
    }

    // MARK: Tracked ones

    mutating func remove(_ slot: UInt32) {
        arena.free(tracked[slot].impression.run)
        tracked.remove(slot)
    }

    // MARK: All of them

    /// What was opened first.
    enum Oldest {
        case inLine(OpenImpression)
        case tracked(UInt32)
    }

    /// Passes stale places at the line's front.
    mutating func findOldest() -> Oldest? {
        while let place = line.first, isStale(place) { removeFirstPlace() }
        let slot = tracked.oldest
        guard let place = line.first else { return slot.map { .tracked($0) } }
        if let slot, tracked[slot].sequence < place.sequence { return .tracked(slot) }
        return place.isTracked ? .tracked(place.slot) : .inLine(place)
    }

    /// Shows every open impression in the order of opening, as if all were tracked, as long as
    /// `body` returns true. Says whether it always did.
    @discardableResult
    func visit(_ body: (TrackedImpression) -> Bool) -> Bool {
        var slot = tracked.oldest
        for number in line.firstNumber..<line.endNumber {
            let place = line[number]
            if isStale(place) { continue }
            while let older = slot, tracked[older].sequence < place.sequence {
                guard body(tracked[older]) else { return false }
                slot = tracked.younger(than: older)
            }
            let impression =
                place.isTracked ? tracked[place.slot] : TrackedImpression(place)
            guard body(impression) else { return false }
        }
        while let rest = slot {
            guard body(tracked[rest]) else { return false }
            slot = tracked.younger(than: rest)
        }
        return true
    }

    /// Replaces every impression's partition.
    mutating func updatePartitions(_ transform: (Int32) -> Int32) {
        updateEach { $0.partition = transform($0.partition) }
    }

    private mutating func updateEach(_ body: (inout OpenImpression) -> Void) {
        var slot = tracked.oldest
        while let current = slot {
            body(&tracked[current].impression)
            slot = tracked.younger(than: current)
        }
        for number in line.firstNumber..<line.endNumber {
            let place = line[number]
            if !place.isTracked {
                body(&line[number])
            } else if !isStale(place) {
                body(&tracked[place.slot].impression)
            }
        }
    }

    @inline(__always)
    private func isStale(_ place: OpenImpression) -> Bool {
        place.isTracked && tracked[place.slot].sequence != place.sequence
    }

    var isLineMostlyStale: Bool {
        line.count > 64 && (untrackedCount + tracked.unlinkedCount) * 2 < line.count
    }

    /// Removes stale places. Those behind them move up: `move` is told the old and the new number of
    /// those that are not tracked.
    mutating func removeStalePlaces(move: (OpenImpression, Int, Int) -> Void) {
        var end = line.firstNumber
        for number in line.firstNumber..<line.endNumber {
            let place = line[number]
            if isStale(place) { continue }
            if !place.isTracked && end != number { move(place, number, end) }
            line[end] = place
            end += 1
        }
        line.removeLast(line.endNumber - end)
        firstTime = line.first?.time ?? .max
    }

    // MARK: Features and texts

    /// Stores the features and the text of an impression that is to be added.
    @inline(__always)
    mutating func store(features: Span<UInt32>, text: Span<UInt8>) -> WordArena.Run {
        let counts = WordArena.Run(
            featureCount: UInt32(features.count),
            textCount: UInt32(text.count)
        )
        if arena.isWasteful(for: counts) { compactArena() }
        return arena.store(features: features, text: text)
    }

    @inline(__always)
    mutating func withMutableFeatures<Result>(
        _ run: WordArena.Run,
        _ body: (inout MutableSpan<UInt32>) -> Result
    ) -> Result {
        arena.withMutableFeatures(run, body)
    }

    /// Lends an impression's features and id text.
    @inline(__always)
    func withRun<Result>(
        _ run: WordArena.Run,
        _ body: (Span<UInt32>, Span<UInt8>) -> Result
    ) -> Result {
        arena.withRun(run, body)
    }

    @inline(__always)
    func prefetch(_ slot: UInt32) { tracked.prefetch(slot) }

    @inline(__always)
    func prefetchRun(of impression: OpenImpression) { arena.prefetch(impression.run) }

    private mutating func compactArena() {
        var full = WordArena()
        swap(&full, &arena)
        var compact = WordArena()
        updateEach { impression in
            impression.run = full.withRun(impression.run) {
                compact.store(features: $0, text: $1)
            }
        }
        arena = compact
    }
}
