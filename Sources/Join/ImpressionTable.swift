internal import Events

/// What is remembered of an impression after it closed.
struct ClosedImpression: BitwiseCopyable, Sendable {
    var id: EventID
    var clickID: EventID
    /// Of the first conversion.
    var conversionID: EventID
    /// Of the impression.
    var time: Int64
    /// Of an applied click, else 0.
    var clickTime: Int64
    /// Stream time at closing.
    var closedAt: Int64
    var click: ClickState
    var conversion: ConversionState
}

extension ClosedImpression {
    init(_ impression: OpenImpression, at time: Int64) {
        self.init(
            id: impression.id,
            clickID: impression.clickID,
            conversionID: impression.conversionID,
            time: impression.time,
            clickTime: impression.clickTime,
            closedAt: time,
            click: impression.click,
            conversion: impression.conversion
        )
    }
}

/// Every impression that the join knows, open or remembered, found by its id through one index, so
/// that opening, closing and forgetting each touch it once.
struct ImpressionTable: ~Copyable, Sendable {
    enum Entry {
        case unknown
        case open(UInt32)
        /// By number in the ring of closed impressions.
        case closed(Int)
    }

    /// References: the slot of an open impression, or the low 30 bits of a closed one's number, marked
    /// by the top bit.
    private var index = IDIndex()
    var open: OpenImpressions
    var closed = Ring<ClosedImpression>()

    private static var closedMark: UInt32 { 1 << 31 }

    init(openMax: Int) {
        open = OpenImpressions(countMax: openMax)
    }

    func shared() -> ImpressionTable {
        var other = ImpressionTable(openMax: open.countMax)
        other.index = index.shared()
        other.open = open.shared()
        other.closed = closed.shared()
        return other
    }

    var memoryBytes: Int { index.memoryBytes + open.memoryBytes + closed.memoryBytes }

    @inline(__always)
    func find(_ id: EventID) -> Entry {
        let reference = index.first(IDIndex.tag(of: id)) { reference in
            reference < Self.closedMark
                ? open[reference].id == id
                : closed[Int(reference & ~Self.closedMark)].id == id
        }
        guard let reference else { return .unknown }
        return reference < Self.closedMark
            ? .open(reference) : .closed(Int(reference & ~Self.closedMark))
    }

    // The next four have the processor fetch what will be wanted soon.

    @inline(__always)
    func prefetch(_ id: EventID) { index.prefetch(IDIndex.tag(of: id)) }

    /// The record of an impression that closes soon.
    @inline(__always)
    func prefetchOpen(_ slot: UInt32) { open.prefetch(slot) }

    /// All else of it.
    @inline(__always)
    func prefetchRest(of slot: UInt32) {
        open.prefetchRun(of: slot)
        prefetch(open[slot].id)
    }

    /// What forgetting closed impressions takes.
    @inline(__always)
    func prefetchClosed() {
        closed.prefetch(8)
        if closed.count > 4 { prefetch(closed[closed.firstNumber + 4].id) }
    }

    /// Opens an impression whose id is unknown.
    @inline(__always)
    mutating func append(
        _ impression: OpenImpression,
        features: Span<UInt32>,
        text: Span<UInt8>
    ) -> UInt32 {
        let slot = open.append(impression, features: features, text: text)
        index.insert(IDIndex.tag(of: impression.id), slot)
        return slot
    }

    /// Forgets an open impression.
    mutating func drop(_ slot: UInt32) {
        index.remove(IDIndex.tag(of: open[slot].id), slot)
        open.remove(slot)
    }

    /// Frees an open impression and remembers its id.
    @inline(__always)
    mutating func close(_ slot: UInt32, at time: Int64) {
        let reference = Self.reference(closed.endNumber)
        index.replace(IDIndex.tag(of: open[slot].id), slot, with: reference)
        closed.append(ClosedImpression(open[slot], at: time))
        open.remove(slot)
    }

    /// Remembers an impression that closed earlier, as a snapshot says.
    mutating func restore(_ impression: ClosedImpression) {
        index.insert(IDIndex.tag(of: impression.id), Self.reference(closed.endNumber))
        closed.append(impression)
    }

    /// Forgets the impression that closed first.
    @inline(__always)
    mutating func forgetFirstClosed() {
        let number = closed.firstNumber
        index.remove(IDIndex.tag(of: closed[number].id), Self.reference(number))
        closed.removeFirst()
    }

    private static func reference(_ number: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: number) & (1 << 30 - 1) | closedMark
    }
}
