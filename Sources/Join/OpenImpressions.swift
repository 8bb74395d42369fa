internal import Events

/// What is known of an impression's click.
enum ClickState: UInt8, BitwiseCopyable { case none, applied, late }

/// What is known of an impression's conversion. A held one is with the held events.
enum ConversionState: UInt8, BitwiseCopyable { case none, applied, late, viewThrough }

/// An impression whose labels are not all final or not all trained.
struct OpenImpression: Linked {
    var id: EventID
    /// Of the click, `none` until there is one.
    var clickID = EventID.none
    /// Of the first conversion.
    var conversionID = EventID.none
    var time: Int64
    /// Of an applied click; starts the conversion window.
    var clickTime: Int64 = 0
    /// Of the click window, hence of the impression.
    var sequence: Int64
    /// Of the conversion window, 0 until there is an applied click.
    var conversionSequence: Int64 = 0
    var prediction = Prediction(ctrLogit: 0, cvrLogit: 0)
    var weight: Float
    var partition: Int32
    var run = WordArena.Run()
    var previous: UInt32 = 0
    var next: UInt32 = 0
    var click = ClickState.none
    var conversion = ConversionState.none
    /// Labels that were trained or left out: their windows are of no more use. Both: the impression
    /// closes.
    var ctrTrained = false
    var ctcvrTrained = false
    /// A label of it was left out, so that its place is `dropped` though its windows go on.
    var isDropped = false

    var hasUntrainedConversion: Bool { conversion == .applied && !ctcvrTrained }

    var place: Place { isDropped ? .dropped : click == .applied ? .applied : .pending }
    var isClickWindowOpen: Bool { !ctrTrained }
    var isConversionWindowOpen: Bool { click == .applied && !ctcvrTrained }

    /// Says whether no label is left to train.
    @inline(__always)
    mutating func markTrained(_ labels: Labels) -> Bool {
        if labels.ctr != nil { ctrTrained = true }
        if labels.ctcvr != nil { ctcvrTrained = true }
        return ctrTrained && ctcvrTrained
    }
}

extension OpenImpression {
    func example(_ labels: Labels, at time: Int64) -> Example {
        Example(
            time: time,
            impressionTime: self.time,
            labels: labels,
            ctrWeight: weight,
            ctcvrWeight: weight,
            prediction: prediction
        )
    }
}

extension Labels {
    var isEmpty: Bool { ctr == nil && ctcvr == nil }
}

/// Open impressions in the order of opening, with their features and id texts.
struct OpenImpressions: ~Copyable, Sendable {
    private var list: SlotList<OpenImpression>
    private var arena = WordArena()

    init(countMax: Int) {
        list = SlotList(countMax: countMax)
    }

    func shared() -> OpenImpressions {
        var other = OpenImpressions(countMax: list.countMax)
        other.list = list.shared()
        other.arena = arena.shared()
        return other
    }

    var count: Int { list.count }
    var countMax: Int { list.countMax }
    var isFull: Bool { count == countMax }
    var memoryBytes: Int { list.memoryBytes + arena.memoryBytes }

    /// What features and texts take, rounded up to blocks.
    var wordBytes: Int { arena.usedBytes }

    /// With runs of so many blocks on average.
    static func memoryBytes(count: Int, blocksPerRun: Double) -> Int {
        PagedArray<OpenImpression>.memoryBytes(count: count)
            + WordArena.memoryBytes(count: count, blocksPerRun: blocksPerRun)
    }

    var oldest: UInt32? { list.oldest }

    func younger(than slot: UInt32) -> UInt32? { list.younger(than: slot) }

    subscript(slot: UInt32) -> OpenImpression {
        @inline(__always) _read { yield list[slot] }
        @inline(__always) _modify { yield &list[slot] }
    }

    /// Adds an impression, storing its features and text, and returns its slot.
    @inline(__always)
    mutating func append(
        _ impression: OpenImpression,
        features: Span<UInt32>,
        text: Span<UInt8>
    ) -> UInt32 {
        let counts = WordArena.Run(
            featureCount: UInt32(features.count),
            textCount: UInt32(text.count)
        )
        if arena.isWasteful(for: counts) { compactArena() }
        var impression = impression
        impression.run = arena.store(features: features, text: text)
        return list.append(impression)
    }

    /// Replaces every impression's partition.
    mutating func updatePartitions(_ transform: (Int32) -> Int32) {
        var slot = list.oldest
        while let current = slot {
            list[current].partition = transform(list[current].partition)
            slot = list.younger(than: current)
        }
    }

    @inline(__always)
    mutating func remove(_ slot: UInt32) {
        arena.free(list[slot].run)
        list.remove(slot)
    }

    @inline(__always)
    mutating func withMutableFeatures<Result>(
        of slot: UInt32,
        _ body: (inout MutableSpan<UInt32>) -> Result
    ) -> Result {
        arena.withMutableFeatures(list[slot].run, body)
    }

    /// Lends an impression's features and id text.
    @inline(__always)
    func withRun<Result>(
        of impression: OpenImpression,
        _ body: (Span<UInt32>, Span<UInt8>) -> Result
    ) -> Result {
        arena.withRun(impression.run, body)
    }

    @inline(__always)
    func prefetch(_ slot: UInt32) { list.prefetch(slot) }

    @inline(__always)
    func prefetchRun(of slot: UInt32) { arena.prefetch(list[slot].run) }

    private mutating func compactArena() {
        var compact = WordArena()
        var slot = list.oldest
        while let current = slot {
            let run = list[current].run
            list[current].run = arena.withRun(run) { compact.store(features: $0, text: $1) }
            slot = list.younger(than: current)
        }
        arena = compact
    }
}
