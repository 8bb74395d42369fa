internal import Events
internal import StateCoding

/// Builds a joiner from encoded state, refusing whatever no joiner could have written.
struct JoinDecoder: ~Copyable {
    var state: JoinState
    var reader: StateReader
    private let features: ([UInt32]) -> [UInt32]?
    private var timers: [Timer] = []
    /// Of all windows and holds, which must be unique.
    var sequences: [Int64] = []
    /// Events by partition that the ledger must at least have as pending or applied.
    var pending: [Int] = []
    var clicked: [Int] = []
    /// Likewise those that must be dropped.
    var dropped: [Int] = []
    var lastOpenSequence: Int64 = 0
    var lastHeldSequence: Int64 = 0

    /// - Parameters:
    ///   - state: an empty one.
    ///   - features: what an open impression's features become; nil if they cannot.
    init(
        state: consuming JoinState,
        reader: StateReader,
        features: @escaping ([UInt32]) -> [UInt32]?
    ) {
        self.state = state
        self.reader = reader
        self.features = features
    }

    mutating func decode() throws(StateError) {
        state.streamTime = try reader.read()
        state.closedThrough = try reader.read()
        state.nextSequence = try reader.read()
        guard (1...1 << 60).contains(state.nextSequence) else {
            throw StateError("join: opening sequence \(state.nextSequence)")
        }
        try decodeLedger()
        try state.delays.clicks.decode(from: &reader)
        try state.delays.conversions.decode(from: &reader)
        try state.guards.decode(from: &reader)
        try checkTimes()
        let settings = state.settings
        for _ in 0..<(try readCount("openImpressionsMax", settings.openImpressionsMax, size: 61)) {
            try decodeOpen()
        }
        for _ in 0..<(try readCount("heldEventsMax", settings.heldEventsMax, size: 53)) {
            try decodeHeld()
        }
        for _ in 0..<(try readCount("closedIDsMax", settings.closedIDsMax, size: 34)) {
            try decodeClosed()
        }
        try checkHeld()
        try checkSequences()
        try checkPending()
        timers.sort { $0.isBefore($1) }
        for timer in timers { state.timers.insert(timer) }
    }

    /// What was decoded.
    consuming func takeState() -> JoinState { state }

    private mutating func readCount(
        _ limitName: String,
        _ limit: Int,
        size: Int
    ) throws(StateError) -> Int {
        let count = try reader.readCount(elementSize: size)
        guard count <= limit else {
            throw StateError("join: \(count) entries, but \(limitName) is \(limit)")
        }
        return count
    }

    private mutating func decodeLedger() throws(StateError) {
        let size = (1 + Place.allCases.count) * 8
        let partitionCount = try reader.readCount(elementSize: size)
        state.ledger.grow(toPartitionCount: partitionCount)
        for partition in 0..<partitionCount {
            let consumed = try reader.read(Int64.self)
            var counts: [Int] = []
            for _ in Place.allCases {
                let count = try reader.read(Int64.self)
                // Bounds first, so that the sum cannot overflow.
                guard (0...1 << 56).contains(count) else {
                    throw StateError("join: count \(count) in partition \(partition)")
                }
                counts.append(Int(count))
            }
            guard consumed == counts.reduce(0, +) else {
                throw StateError("join: the counts of partition \(partition) do not balance")
            }
            state.ledger.restore(partition: partition, consumed: Int(consumed), counts: counts)
        }
        pending = Array(repeating: 0, count: partitionCount)
        clicked = pending
        dropped = pending
    }

    private mutating func decodeOpen() throws(StateError) {
        let impression = OpenImpression(
            id: try readID(),
            time: try reader.read(),
            sequence: try reader.read(),
            partition: try reader.read(),
            weight: try reader.read(),
            prediction: Prediction(ctrLogit: try reader.read(), cvrLogit: try reader.read())
        )
        var tracked = TrackedImpression(impression)
        tracked.click = try readClick()
        tracked.conversion = try readConversion()
        tracked.ctrTrained = try reader.read()
        tracked.ctcvrTrained = try reader.read()
        tracked.isDropped = try reader.read()
        try checkOpen(tracked)
        if tracked.click != .none {
            tracked.clickID = try readClickID(of: impression.id)
            tracked.clickTime = try reader.read()
            tracked.conversionSequence = try reader.read()
            try checkClick(of: tracked)
        }
        if tracked.conversion != .none { tracked.conversionID = try readID() }
        tracked.impression.run = try readRun()
        restore(tracked)
    }

    private mutating func readRun() throws(StateError) -> WordArena.Run {
        let featureCount = Int(try reader.read(UInt32.self))
        let textCount = Int(try reader.read(UInt32.self))
        let words = try reader.readWords(count: featureCount)
        guard let features = features(words) else {
            throw StateError("join: an open impression's features do not fit the schema")
        }
        let text = try reader.readBytes(count: textCount)
        return state.impressions.open.store(features: features.span, text: text.span)
    }

    private mutating func restore(_ impression: TrackedImpression) {
        let settings = state.settings
        let isInOrder = state.impressions.open.isInOrder(impression.time)
        if isInOrder && impression.click == .none {
            state.impressions.append(impression.impression)
            return
        }
        var impression = impression
        impression.hasClickTimer = !isInOrder
        let slot = state.impressions.append(impression)
        if impression.hasClickTimer && impression.isClickWindowOpen {
            timers.append(
                Timer(
                    end: JoinState.end(of: settings.clickWindow, from: impression.time),
                    sequence: impression.sequence,
                    slot: slot,
                    kind: .clickWindow
                )
            )
        }
        if impression.isConversionWindowOpen {
            timers.append(
                Timer(
                    end: JoinState.end(of: settings.conversionWindow, from: impression.clickTime),
                    sequence: impression.conversionSequence,
                    slot: slot,
                    kind: .conversionWindow
                )
            )
        }
    }

    private mutating func decodeHeld() throws(StateError) {
        let rawKind = try reader.read(UInt8.self)
        guard let kind = HeldEvent.Kind(rawValue: rawKind) else {
            throw StateError("join: \(rawKind) is no kind of held event")
        }
        var event = HeldEvent(
            kind: kind,
            partition: try reader.read(),
            key: try readID(),
            ownID: .none,
            time: try reader.read(),
            sequence: try reader.read()
        )
        event.ownID = kind == .click ? try readClickID(of: event.key) : try readID()
        guard event.sequence > lastHeldSequence else {
            throw StateError("join: held events are out of order")
        }
        lastHeldSequence = event.sequence
        try checkOpening(event.time, event.sequence, event.partition)
        guard state.held.find(kind, event.key) == nil else {
            throw StateError("join: two events are held for one id")
        }
        pending[Int(event.partition)] += 1
        let slot = state.held.append(event)
        timers.append(
            Timer(
                end: JoinState.end(of: state.settings.orphanWindow, from: event.time),
                sequence: event.sequence,
                slot: slot,
                kind: .hold
            )
        )
    }

    private mutating func decodeClosed() throws(StateError) {
        var closed = ClosedImpression(
            id: try readID(),
            clickID: .none,
            conversionID: .none,
            time: try reader.read(),
            clickTime: 0,
            closedAt: try reader.read(),
            click: try readClick(),
            conversion: try readConversion()
        )
        if closed.click != .none { closed.clickID = try readClickID(of: closed.id) }
        if closed.click == .applied { closed.clickTime = try reader.read() }
        if closed.conversion != .none { closed.conversionID = try readID() }
        guard closed.time <= closed.closedAt,
            closed.click != .applied
                || (closed.time...closed.closedAt).contains(closed.clickTime)
        else { throw StateError("join: a closed impression's times are out of order") }
        guard case .unknown = state.impressions.find(closed.id) else {
            throw StateError("join: a closed impression is there twice")
        }
        let previous = state.impressions.closed.last?.closedAt ?? .min
        guard closed.closedAt >= previous, closed.closedAt <= state.streamTime else {
            throw StateError("join: closed impressions are out of order")
        }
        let isPossible =
            closed.click == .applied
            ? closed.conversion != .viewThrough
            : closed.conversion == .none || closed.conversion == .viewThrough
        guard isPossible else {
            throw StateError("join: the labels of a closed impression contradict each other")
        }
        state.impressions.restore(closed)
    }

    private mutating func readID() throws(StateError) -> EventID {
        EventID(high: try reader.read(), low: try reader.read())
    }

    private mutating func readClickID(of impressionID: EventID) throws(StateError) -> EventID {
        let clickID = try readID()
        if try reader.read(Bool.self) {
            guard state.knownClicks.insert(clickID, of: impressionID) else {
                throw StateError("join: a click id belongs to two impressions")
            }
        }
        return clickID
    }

    private mutating func readClick() throws(StateError) -> ClickState {
        let value = try reader.read(UInt8.self)
        guard let click = ClickState(rawValue: value) else {
            throw StateError("join: \(value) is no state of a click")
        }
        return click
    }

    private mutating func readConversion() throws(StateError) -> ConversionState {
        let value = try reader.read(UInt8.self)
        guard let conversion = ConversionState(rawValue: value) else {
            throw StateError("join: \(value) is no state of a conversion")
        }
        return conversion
    }
}
