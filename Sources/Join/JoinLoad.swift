internal import Events

/// What a join holds, in numbers, from which its memory and its encoded size follow.
public struct JoinLoad: Equatable, Sendable {
    public var openImpressions = 0
    /// Those of the open ones that were clicked in time. Each has a record of its own. So has one that
    /// came later than another with a later time: for `memoryBytes`, not for `encodedBytes`, it counts
    /// here, too.
    public var openClicked = 0
    /// Impressions that wait for the end of their click window, in the order of opening. One that
    /// closed before that stays there until its turn, unless more than half are such.
    public var placesInLine = 0
    /// Conversion windows, likewise.
    public var conversionWindows = 0
    /// Windows and holds that do not fit at the end of their line, stale ones included; 0 in a steady
    /// load.
    public var disorderedWindows = 0
    public var heldEvents = 0
    public var closedIDs = 0
    /// Those of the closed ones that were clicked.
    public var closedClicked = 0
    /// Click ids of open and closed impressions.
    public var knownClicks = 0
    /// Words of an impression's features, and bytes of its id's text, on average.
    public var featureWords = 0.0
    public var idTextBytes = 0.0
    /// Whether impressions differ in the number of words, as those with lists do.
    public var featureWordsVary = false

    public init() {}

    /// What `Joiner.memoryBytes` comes to. Tables keep the pages that they had when they were
    /// fullest. While a snapshot is written, pages that change are there twice.
    public var memoryBytes: Int {
        let tables =
            OpenImpressions.memoryBytes(
                count: openImpressions,
                placesInLine: placesInLine,
                trackedCount: openClicked,
                blocksPerRun: blocksPerRun
            )
            + Ring<ClosedImpression>.memoryBytes(count: closedIDs)
            + IDIndex.memoryBytes(count: openImpressions + closedIDs)
            + HeldEvents.memoryBytes(count: heldEvents)
            + KnownClicks.memoryBytes(count: knownClicks)
            + PagedArray<Timer>.memoryBytes(count: disorderedWindows)
        return [conversionWindows, heldEvents].reduce(tables) { sum, count in
            sum + Ring<Timer>.memoryBytes(count: count)
        }
    }

    /// The bytes that `Joiner.encode` writes, but for the books (80 for each partition), the delays
    /// (a few kilobytes) and 16 for each conversion that is known.
    public var encodedBytes: Int {
        let perOpen = 61 + featureWords * 4 + idTextBytes
        return 40 + Int(Double(openImpressions) * perOpen) + openClicked * 33 + heldEvents * 54
            + closedIDs * 34 + closedClicked * 25
    }

    /// A run is whole blocks; where sizes vary, half of the last one is unused on average.
    private var blocksPerRun: Double {
        let blocks = (featureWords + (idTextBytes / 4).rounded(.up)) / 8
        return featureWordsVary ? blocks + 0.5 : blocks.rounded(.up)
    }
}

extension JoinState {
    /// Somewhat more than the entries of the tables take in encoded form. Reserved at once, this saves
    /// the copies of a growing buffer, and what is not filled is never touched.
    var encodedBytesMax: Int {
        let places = Place.allCases.count + 1
        return 16_384 + ledger.partitionCount * places * 8 + impressions.open.count * 110
            + impressions.open.wordBytes + held.count * 54 + impressions.closed.count * 75
    }
}
