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
    /// One of which no more is known than that it came.
    init(_ impression: OpenImpression, at time: Int64) {
        self.init(
            id: impression.id,
            clickID: .none,
            conversionID: .none,
            time: impression.time,
            clickTime: 0,
            closedAt: time,
            click: .none,
            conversion: .none
        )
    }

    init(_ tracked: TrackedImpression, at time: Int64) {
        self.init(
            id: tracked.id,
            clickID: tracked.clickID,
            conversionID: tracked.conversionID,
            time: tracked.time,
            clickTime: tracked.clickTime,
            closedAt: time,
            click: tracked.click,
            conversion: tracked.conversion
        )
    }
}

/// Every impression that the join knows, open or remembered, found by its id through one index, so
/// that opening, closing and forgetting each touch it once.
struct ImpressionTable: ~Copyable, Sendable {
    enum Entry {
        case unknown
        /// Open and not tracked, by number in the line.
        case inLine(Int)
        /// Open and tracked, by slot.
        case tracked(UInt32)
        /// By number in the ring of closed impressions.
        case closed(Int)
    }

    private var index = IDIndex()
    var open: OpenImpressions
    var closed = Ring<ClosedImpression>()

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
        let reference = index.first(IDIndex.tag(of: id)) { self.id(of: $0) == id }
        guard let reference else { return .unknown }
        if reference < Reference.inLine { return .tracked(reference) }
        let number = Int(reference & Reference.numberMask)
        return reference < Reference.closed ? .inLine(number) : .closed(number)
    }

    @inline(__always)
    private func id(of reference: UInt32) -> EventID {
        if reference < Reference.inLine { return open[reference].id }
        let number = Int(reference & Reference.numberMask)
        return reference < Reference.closed ? open.id(inLine: number) : closed[number].id
    }

    // The next two have the processor fetch what will be wanted soon.

    @inline(__always)
    func prefetch(_ id: EventID) { index.prefetch(IDIndex.tag(of: id)) }

    /// What ending the click windows of the next impressions takes.
    @inline(__always)
    func prefetchClosing() {
        open.prefetchInLine(8)
        guard let next = open.inLine(4) else { return }
        if next.isTracked {
            open.prefetch(next.slot)
        } else {
            open.prefetchRun(of: next)
            prefetch(next.id)
        }
    }

    /// Opens an impression whose id is unknown and that is in order.
    @inline(__always)
    mutating func append(_ impression: OpenImpression) {
        let number = open.append(impression)
        index.insert(IDIndex.tag(of: impression.id), Reference.inLine(number))
    }

    /// Opens an impression whose id is unknown and that is tracked. Returns its slot.
    mutating func append(_ tracked: TrackedImpression) -> UInt32 {
        let slot = open.append(tracked)
        index.insert(IDIndex.tag(of: tracked.id), slot)
        return slot
    }

    /// An open impression is tracked from now on. Returns its slot.
    mutating func track(_ number: Int) -> UInt32 {
        let id = open.id(inLine: number)
        let slot = open.track(number)
        index.replace(IDIndex.tag(of: id), Reference.inLine(number), with: slot)
        return slot
    }

    /// Forgets an open impression that is tracked.
    mutating func drop(_ slot: UInt32) {
        index.remove(IDIndex.tag(of: open[slot].id), slot)
        open.remove(slot)
    }

    /// Forgets the open impression whose turn it is and that is not tracked.
    mutating func dropFirst(_ id: EventID) {
        index.remove(IDIndex.tag(of: id), Reference.inLine(open.firstNumber))
        open.removeFirst()
    }

    /// Frees an open impression that is tracked, and remembers what is to be.
    mutating func close(_ slot: UInt32, as impression: ClosedImpression) {
        let reference = Reference.closed(closed.endNumber)
        index.replace(IDIndex.tag(of: impression.id), slot, with: reference)
        closed.append(impression)
        open.remove(slot)
    }

    /// Likewise the one whose turn it is, which is not tracked.
    @inline(__always)
    mutating func closeFirst(as impression: ClosedImpression) {
        index.replace(
            IDIndex.tag(of: impression.id),
            Reference.inLine(open.firstNumber),
            with: Reference.closed(closed.endNumber)
        )
        closed.append(impression)
        open.removeFirst()
    }

    mutating func removeStalePlaces() {
        Self.removeStalePlaces(of: &open, &index)
    }

    private static func removeStalePlaces(of open: inout OpenImpressions, _ index: inout IDIndex) {
        open.removeStalePlaces { impression, number, newNumber in
            index.replace(
                IDIndex.tag(of: impression.id),
                Reference.inLine(number),
                with: Reference.inLine(newNumber)
            )
        }
    }

    /// Remembers an impression that closed earlier, as a snapshot says.
    mutating func restore(_ impression: ClosedImpression) {
        index.insert(IDIndex.tag(of: impression.id), Reference.closed(closed.endNumber))
        closed.append(impression)
    }

    /// Forgets the impression that closed first.
    @inline(__always)
    mutating func forgetFirstClosed() {
        let number = closed.firstNumber
        index.remove(IDIndex.tag(of: closed.front.id), Reference.closed(number))
        closed.removeFirst()
    }
}

/// What the index has of an impression: two bits say where it is, the others its slot or its number's
/// low bits.
private enum Reference {
    static var numberMask: UInt32 { 1 << 30 - 1 }
    static var inLine: UInt32 { 1 << 30 }
    static var closed: UInt32 { 1 << 31 }

    static func inLine(_ number: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: number) & numberMask | inLine
    }

    static func closed(_ number: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: number) & numberMask | closed
    }
}
