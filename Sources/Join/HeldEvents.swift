internal import Events

/// A click or conversion that waits for the event it refers to.
struct HeldEvent: Linked {
    enum Kind: UInt8, CaseIterable, BitwiseCopyable {
        /// Keyed by its impression's id.
        case click
        /// Keyed by its impression's id, given or known through its click id.
        case conversionOfImpression
        /// Keyed by its click id, which no click has made known.
        case conversionOfClick
    }

    var kind: Kind
    var partition: Int32
    /// The id of what it waits for.
    var key: EventID
    /// The click id of a click, the event id of a conversion.
    var ownID: EventID
    var time: Int64
    var sequence: Int64
    var previous: UInt32 = 0
    var next: UInt32 = 0
}

/// Held events in the order of opening; at most one for each kind and key.
struct HeldEvents: ~Copyable, Sendable {
    private var list: SlotList<HeldEvent>
    private var index = IDIndex()

    init(countMax: Int) {
        list = SlotList(countMax: countMax)
    }

    func shared() -> HeldEvents {
        var other = HeldEvents(countMax: list.countMax)
        other.list = list.shared()
        other.index = index.shared()
        return other
    }

    var count: Int { list.count }
    var isFull: Bool { list.count == list.countMax }
    var memoryBytes: Int { list.memoryBytes + index.memoryBytes }

    static func memoryBytes(count: Int) -> Int {
        PagedArray<HeldEvent>.memoryBytes(count: count) + IDIndex.memoryBytes(count: count)
    }

    var oldest: UInt32? { list.oldest }

    func younger(than slot: UInt32) -> UInt32? { list.younger(than: slot) }

    subscript(slot: UInt32) -> HeldEvent { list[slot] }

    @inline(__always)
    func find(_ kind: HeldEvent.Kind, _ key: EventID) -> UInt32? {
        if list.count == 0 { return nil }
        return index.first(Self.tag(kind, key)) { list[$0].key == key && list[$0].kind == kind }
    }

    /// What looking for an event begins with.
    @inline(__always)
    func prefetch(_ kind: HeldEvent.Kind, _ key: EventID) {
        if list.count > 0 { index.prefetch(Self.tag(kind, key)) }
    }

    /// Adds an event; nothing of its kind and key is held.
    mutating func append(_ event: HeldEvent) -> UInt32 {
        let slot = list.append(event)
        index.insert(Self.tag(event.kind, event.key), slot)
        return slot
    }

    /// Removes and returns an event.
    @discardableResult
    mutating func remove(_ slot: UInt32) -> HeldEvent {
        let event = list[slot]
        index.remove(Self.tag(event.kind, event.key), slot)
        list.remove(slot)
        return event
    }

    /// A conversion held under its click id is one of this impression: its click came.
    mutating func assign(_ slot: UInt32, to impressionID: EventID) {
        index.remove(Self.tag(list[slot].kind, list[slot].key), slot)
        list[slot].kind = .conversionOfImpression
        list[slot].key = impressionID
        index.insert(Self.tag(.conversionOfImpression, impressionID), slot)
    }

    /// Replaces every event's partition.
    mutating func updatePartitions(_ transform: (Int32) -> Int32) {
        var slot = list.oldest
        while let current = slot {
            list[current].partition = transform(list[current].partition)
            slot = list.younger(than: current)
        }
    }

    private static func tag(_ kind: HeldEvent.Kind, _ key: EventID) -> UInt32 {
        IDIndex.tag(of: key, salt: UInt64(kind.rawValue))
    }
}
