import Events
import Join

/// The rules of the join written down once more, as plainly as possible, to judge `Joiner` by:
/// what closes next is found by looking at everything, and every event is remembered with its place,
/// so that the ledger is a recount.
struct ReferenceJoiner {
    struct Consumed {
        var event: Event
        var place: Place
    }

    enum Click: Equatable {
        case none, late
        case applied(time: Int64)
    }

    /// The first conversion of an impression: further ones are judged by its event id.
    struct FirstConversion {
        var eventID: EventID
        var isApplied: Bool
    }

    /// The end of a window or hold, and when it was opened relative to all others.
    struct Ending {
        var time: Int64
        var sequence: Int
    }

    struct OpenImpression {
        /// Index into `consumed`.
        var index: Int
        var sequence: Int
        var features: [UInt32]
        var text: [UInt8]
        var prediction: Prediction
        var clickWindow: Ending?
        var click = Click.none
        var clickID = EventID.none
        var conversionWindow: Ending?
        var conversion: FirstConversion?
        var ctrTrained = false
        var ctcvrTrained = false
    }

    /// What a held event waits for.
    enum Awaited: Equatable {
        case impression(EventID)
        /// A click whose impression is not known.
        case click(EventID)
    }

    struct Held {
        /// Index into `consumed`.
        var index: Int
        var role: Role
        var awaited: Awaited
        var ending: Ending
    }

    struct ClosedImpression {
        var id: EventID
        var time: Int64
        var rememberedAt: Int64
        var click: Click
        var clickID: EventID
        var conversion: FirstConversion?
    }

    let settings: JoinSettings
    let partitionCount: Int
    var streamTime = Int64.min
    var closedThrough = Int64.min
    var clickGuard: ReferenceGuard
    var conversionGuard: ReferenceGuard
    var lastSequence = 0
    var consumed: [Consumed] = []
    var quarantines: [(partition: Int32, count: Int)] = []
    var open: [EventID: OpenImpression] = [:]
    var held: [Held] = []
    /// In the order of closing.
    var closed: [ClosedImpression] = []
    /// The impression that each known click id belongs to.
    var knownClickIDs: [EventID: EventID] = [:]
    /// From impression to click, and from click to conversion, and whether that was too late.
    var clickDelays: [(delay: Int64, isLate: Bool)] = []
    var conversionDelays: [(delay: Int64, isLate: Bool)] = []
    /// How often what happened, so that a test can tell whether its streams reach every rule.
    var situations: [Situation: Int] = [:]

    init(settings: JoinSettings, partitionCount: Int) {
        self.settings = settings
        clickGuard = ReferenceGuard(settings: settings)
        conversionGuard = ReferenceGuard(settings: settings)
        self.partitionCount = partitionCount
    }

    mutating func apply(
        _ event: Event,
        features: [UInt32],
        text: [UInt8],
        sink: inout RecordingSink
    ) {
        if event.time < streamTime { saw(.disorder) }
        advance(to: event.time, sink: &sink)
        switch event.role {
        case .impression: applyImpression(event, features, text, &sink)
        case .click: applyClick(event, &sink)
        case .conversion: applyConversion(event, &sink)
        }
    }

    mutating func quarantine(partition: Int32, count: Int) {
        quarantines.append((partition, count))
    }

    /// A recount.
    func isCounted(_ delays: [(delay: Int64, isLate: Bool)], by histogram: DelayHistogram) -> Bool {
        var withinWindow = [Int](repeating: 0, count: DelayHistogram.bucketCount)
        var tooLate = withinWindow
        for one in delays {
            let bucket = DelayHistogram.bucket(of: one.delay)
            if one.isLate { tooLate[bucket] += 1 } else { withinWindow[bucket] += 1 }
        }
        return histogram.withinWindow == withinWindow && histogram.tooLate == tooLate
    }

    var ledger: Ledger {
        var ledger = Ledger(partitionCount: partitionCount)
        for one in consumed { ledger.enter(one.place, partition: one.event.partition) }
        for one in quarantines {
            ledger.enter(.quarantined, partition: one.partition, count: one.count)
        }
        return ledger
    }

    // MARK: Small steps that the rules share

    mutating func saw(_ situation: Situation) {
        situations[situation, default: 0] += 1
    }

    mutating func enter(_ event: Event, _ place: Place) -> Int {
        if place != .duplicate && place != .repeat { countForGuard(event) }
        consumed.append(Consumed(event: event, place: place))
        return consumed.count - 1
    }

    mutating func nextSequence() -> Int {
        lastSequence += 1
        return lastSequence
    }

    func closedIndex(_ id: EventID) -> Int? {
        closed.firstIndex { $0.id == id }
    }

    func heldIndex(_ role: Role, for awaited: Awaited) -> Int? {
        held.firstIndex { $0.role == role && $0.awaited == awaited }
    }

    /// A click id that is known already stays with the impression it has.
    mutating func makeKnown(_ clickID: EventID, of id: EventID) {
        if clickID.isNone { return }
        if let owner = knownClickIDs[clickID] {
            if owner != id { saw(.clickIDTaken) }
        } else {
            knownClickIDs[clickID] = id
        }
    }

    mutating func makeUnknown(_ clickID: EventID, of id: EventID) {
        if knownClickIDs[clickID] == id { knownClickIDs[clickID] = nil }
    }

    /// Where a conversion belongs whose impression has one already.
    mutating func placeOfFurther(_ eventID: EventID, after first: EventID) -> Place {
        if eventID.isNone || eventID == first { return .duplicate }
        if first.isNone { saw(.repeatOfNameless) }
        return .repeat
    }

    func example(
        _ impression: OpenImpression,
        ctr: Bool?,
        ctcvr: Bool?
    ) -> Example {
        let event = consumed[impression.index].event
        return Example(
            time: streamTime,
            impressionTime: event.time,
            labels: Labels(ctr: ctr, ctcvr: ctcvr),
            ctrWeight: event.weight,
            ctcvrWeight: event.weight,
            prediction: impression.prediction
        )
    }

    func score(_ id: EventID, ctr: Bool?, ctcvr: Bool?, _ sink: inout RecordingSink) {
        let knowable = knowable(id)
        let ctr = knowable.ctr ? ctr : nil
        let ctcvr = knowable.ctcvr ? ctcvr : nil
        if ctr == nil && ctcvr == nil { return }
        sink.score(example(open[id]!, ctr: ctr, ctcvr: ctcvr))
    }

    mutating func train(_ id: EventID, ctr: Bool?, ctcvr: Bool?, _ sink: inout RecordingSink) {
        let impression = open[id]!
        let knowable = knowable(id)
        let isLeftOut = ctr != nil && !knowable.ctr || ctcvr != nil && !knowable.ctcvr
        if isLeftOut {
            saw(impression.click == .none ? .zeroLeftOut : .clickedLeftOut)
            consumed[impression.index].place = .dropped
        }
        if ctr != nil && knowable.ctr || ctcvr != nil && knowable.ctcvr {
            if isLeftOut { saw(.trainedWithoutCTCVR) }
            sink.train(
                example(
                    impression,
                    ctr: knowable.ctr ? ctr : nil,
                    ctcvr: knowable.ctcvr ? ctcvr : nil
                ),
                features: impression.features.span,
                text: impression.text.span
            )
        }
        if ctr != nil { open[id]!.ctrTrained = true }
        if ctcvr != nil { open[id]!.ctcvrTrained = true }
    }
}
