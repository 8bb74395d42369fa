internal import Events

/// Which impression a click id belongs to: that of the first click which bore it, as long as the
/// join knows that impression.
struct KnownClicks: ~Copyable, Sendable {
    private struct Entry: BitwiseCopyable, Sendable {
        var clickID: EventID
        var impressionID: EventID
    }

    /// Dense: the last one fills the place of a removed one.
    private var entries = PagedArray<Entry>()
    private var index = IDIndex()

    func shared() -> KnownClicks {
        KnownClicks(entries: entries.shared(), index: index.shared())
    }

    var count: Int { entries.count }
    var memoryBytes: Int { entries.memoryBytes + index.memoryBytes }

    static func memoryBytes(count: Int) -> Int {
        PagedArray<Entry>.memoryBytes(count: count) + IDIndex.memoryBytes(count: count)
    }

    func impression(of clickID: EventID) -> EventID? {
        find(clickID).map { entries[Int($0)].impressionID }
    }

    /// Makes a click id known, unless it is already; says whether it was made known.
    mutating func insert(_ clickID: EventID, of impressionID: EventID) -> Bool {
        if clickID.isNone || find(clickID) != nil { return false }
        index.insert(IDIndex.tag(of: clickID), UInt32(entries.count))
        entries.append(Entry(clickID: clickID, impressionID: impressionID))
        return true
    }

    /// The impression is forgotten: its click id becomes unknown, unless that is another's.
    mutating func remove(_ clickID: EventID, of impressionID: EventID) {
        guard !clickID.isNone, let place = find(clickID),
            entries[Int(place)].impressionID == impressionID
        else { return }
        index.remove(IDIndex.tag(of: clickID), place)
        let last = entries.removeLast()
        if Int(place) < entries.count {
            entries[Int(place)] = last
            index.replace(
                IDIndex.tag(of: last.clickID),
                UInt32(entries.count),
                with: place
            )
        }
    }

    /// What looking for a click id begins with.
    @inline(__always)
    func prefetch(_ clickID: EventID) {
        if !clickID.isNone { index.prefetch(IDIndex.tag(of: clickID)) }
    }

    private func find(_ clickID: EventID) -> UInt32? {
        if entries.isEmpty { return nil }
        return index.first(IDIndex.tag(of: clickID)) { entries[Int($0)].clickID == clickID }
    }
}
