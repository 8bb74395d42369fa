internal import Events
internal import StateCoding

/// Builds a joiner from encoded state, refusing whatever no joiner could have written.
struct JoinDecoder {
    private(set) var joiner: Joiner
    private(set) var reader: StateReader
    private var timers: [Timer] = []
    /// Of all windows and holds, which must be unique.
    private var sequences: [Int64] = []
    /// Events by partition that the ledger must at least have as pending or applied.
    private var pending: [Int] = []
    private var clicked: [Int] = []
    private var lastOpenSequence: Int64 = 0
    private var lastHeldSequence: Int64 = 0

    /// `joiner` is empty.
    init(joiner: Joiner, reader: StateReader) {
        self.joiner = joiner
        self.reader = reader
    }

    mutating func decode() throws(StateError) {
        joiner.streamTime = try reader.read()
        joiner.nextSequence = try reader.read()
        guard (1...1 << 60).contains(joiner.nextSequence) else {
            throw StateError("join: opening sequence \(joiner.nextSequence)")
        }
        try decodeLedger()
        let settings = joiner.settings
        for _ in 0..<(try readCount("openImpressionsMax", settings.openImpressionsMax, size: 60)) {
            try decodeOpen()
        }
        for _ in 0..<(try readCount("heldEventsMax", settings.heldEventsMax, size: 53)) {
            try decodeHeld()
        }
        for _ in 0..<(try readCount("closedIDsMax", settings.closedIDsMax, size: 26)) {
            try decodeClosed()
        }
        try checkHeld()
        try checkSequences()
        try checkPending()
        timers.sort { $0.isBefore($1) }
        for timer in timers { joiner.timers.insert(timer) }
    }

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
        joiner.grow(toPartitionCount: partitionCount)
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
            joiner.ledger.restore(partition: partition, consumed: Int(consumed), counts: counts)
        }
        pending = Array(repeating: 0, count: partitionCount)
        clicked = pending
    }

    private mutating func decodeOpen() throws(StateError) {
        var impression = OpenImpression(
            id: try readID(),
            time: try reader.read(),
            sequence: try reader.read(),
            weight: 1,
            partition: try reader.read()
        )
        impression.weight = try reader.read()
        impression.prediction = Prediction(
            ctrLogit: try reader.read(),
            cvrLogit: try reader.read()
        )
        impression.click = try readClick()
        impression.conversion = try readConversion()
        impression.ctrTrained = try reader.read()
        impression.ctcvrTrained = try reader.read()
        try checkOpen(impression)
        if impression.click != .none {
            impression.clickID = try readClickID(of: impression.id)
            impression.clickTime = try reader.read()
            impression.conversionSequence = try reader.read()
            try checkClick(of: impression)
        }
        if impression.conversion != .none { impression.conversionID = try readID() }

        let featureCount = Int(try reader.read(UInt32.self))
        let textCount = Int(try reader.read(UInt32.self))
        let features = try reader.readWords(count: featureCount)
        let text = try reader.readBytes(count: textCount)
        let slot = joiner.impressions.append(
            impression,
            features: features.span,
            text: text.span
        )
        setTimers(impression, slot: slot)
    }

    private mutating func checkOpen(_ impression: OpenImpression) throws(StateError) {
        guard case .unknown = joiner.impressions.find(impression.id) else {
            throw StateError("join: an impression is open twice")
        }
        guard impression.sequence > lastOpenSequence else {
            throw StateError("join: open impressions are out of order")
        }
        lastOpenSequence = impression.sequence
        try checkOpening(impression.time, impression.sequence, impression.partition)
        let isClicked = impression.click == .applied
        let isTrained = impression.ctrTrained || impression.ctcvrTrained
        let isFinished = impression.ctrTrained && impression.ctcvrTrained
        guard isClicked || (!isTrained && impression.conversion == .none), !isFinished,
            impression.conversion != .viewThrough
        else { throw StateError("join: the labels of an open impression contradict each other") }
        if isClicked {
            clicked[Int(impression.partition)] += 1
        } else {
            pending[Int(impression.partition)] += 1
        }
    }

    private mutating func checkClick(of impression: OpenImpression) throws(StateError) {
        if impression.click == .late {
            guard impression.clickTime == 0, impression.conversionSequence == 0 else {
                throw StateError("join: a late click opened a conversion window")
            }
            return
        }
        guard impression.clickTime >= impression.time, impression.clickTime <= joiner.streamTime
        else { throw StateError("join: a click at \(impression.clickTime) is out of order") }
        guard impression.conversionSequence > impression.sequence,
            impression.conversionSequence < joiner.nextSequence
        else { throw StateError("join: a conversion window is out of order") }
        sequences.append(impression.conversionSequence)
    }

    private mutating func setTimers(_ impression: OpenImpression, slot: UInt32) {
        let settings = joiner.settings
        if impression.isClickWindowOpen {
            timers.append(
                Timer(
                    end: Joiner.end(of: settings.clickWindow, from: impression.time),
                    sequence: impression.sequence,
                    slot: slot,
                    kind: .clickWindow
                )
            )
        }
        if impression.isConversionWindowOpen {
            timers.append(
                Timer(
                    end: Joiner.end(of: settings.conversionWindow, from: impression.clickTime),
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
        guard joiner.held.find(kind, event.key) == nil else {
            throw StateError("join: two events are held for one id")
        }
        pending[Int(event.partition)] += 1
        let slot = joiner.held.append(event)
        timers.append(
            Timer(
                end: Joiner.end(of: joiner.settings.orphanWindow, from: event.time),
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
            closedAt: try reader.read(),
            click: try readClick(),
            conversion: try readConversion()
        )
        if closed.click != .none { closed.clickID = try readClickID(of: closed.id) }
        if closed.conversion != .none { closed.conversionID = try readID() }
        guard case .unknown = joiner.impressions.find(closed.id) else {
            throw StateError("join: a closed impression is there twice")
        }
        let previous = joiner.impressions.closed.last?.closedAt ?? .min
        guard closed.closedAt >= previous, closed.closedAt <= joiner.streamTime else {
            throw StateError("join: closed impressions are out of order")
        }
        let isPossible =
            closed.click == .applied
            ? closed.conversion != .viewThrough
            : closed.conversion == .none || closed.conversion == .viewThrough
        guard isPossible else {
            throw StateError("join: the labels of a closed impression contradict each other")
        }
        joiner.impressions.restore(closed)
    }

    /// What came before stream time, has been given its number, and is in a known partition.
    private mutating func checkOpening(
        _ time: Int64,
        _ sequence: Int64,
        _ partition: Int32
    ) throws(StateError) {
        guard time <= joiner.streamTime else {
            throw StateError("join: an event at \(time) is after stream time \(joiner.streamTime)")
        }
        guard sequence > 0, sequence < joiner.nextSequence else {
            throw StateError("join: opening sequence \(sequence) is out of range")
        }
        guard partition >= 0, partition < pending.count else {
            throw StateError("join: no partition \(partition)")
        }
        sequences.append(sequence)
    }

    private func checkHeld() throws(StateError) {
        var slot = joiner.held.oldest
        while let current = slot {
            let event = joiner.held[current]
            let isPossible: Bool
            switch (event.kind, joiner.impressions.find(event.key)) {
            case (.conversionOfClick, _):
                isPossible = joiner.knownClicks.impression(of: event.key) == nil
            case (_, .unknown): isPossible = true
            case (.conversionOfImpression, .open(let open)):
                isPossible = joiner.impressions.open[open].click != .applied
            default: isPossible = false
            }
            guard isPossible else { throw StateError("join: an event is held for what is there") }
            slot = joiner.held.younger(than: current)
        }
    }

    private mutating func checkSequences() throws(StateError) {
        sequences.sort()
        for index in sequences.indices.dropFirst()
        where sequences[index] == sequences[index - 1] {
            throw StateError("join: opening sequence \(sequences[index]) is taken twice")
        }
    }

    private func checkPending() throws(StateError) {
        for partition in pending.indices {
            guard joiner.ledger.count(.pending, partition: partition) == pending[partition],
                joiner.ledger.count(.applied, partition: partition) >= clicked[partition]
            else { throw StateError("join: partition \(partition) has other events than counts") }
        }
    }

    private mutating func readID() throws(StateError) -> EventID {
        EventID(high: try reader.read(), low: try reader.read())
    }

    private mutating func readClickID(of impressionID: EventID) throws(StateError) -> EventID {
        let clickID = try readID()
        if try reader.read(Bool.self) {
            guard joiner.knownClicks.insert(clickID, of: impressionID) else {
                throw StateError("join: a click id belongs to two impressions")
            }
        }
        return clickID
    }

    private mutating func readClick() throws(StateError) -> ClickState {
        let value = try reader.read(UInt8.self)
        guard let state = ClickState(rawValue: value) else {
            throw StateError("join: \(value) is no state of a click")
        }
        return state
    }

    private mutating func readConversion() throws(StateError) -> ConversionState {
        let value = try reader.read(UInt8.self)
        guard let state = ConversionState(rawValue: value) else {
            throw StateError("join: \(value) is no state of a conversion")
        }
        return state
    }
}
