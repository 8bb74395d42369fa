import Events
import Join

/// How windows and holds end, and what is forgotten or dropped.
extension ReferenceJoiner {
    private enum Closing {
        case clickWindow(EventID)
        case conversionWindow(EventID)
        case hold(index: Int)
    }

    mutating func closeWindows(before limit: Int64, _ sink: inout RecordingSink) {
        while let (ending, closing) = earliest(before: limit) {
            if ending.time < streamTime { saw(.windowEndedBeforeStreamTime) }
            streamTime = max(streamTime, ending.time)
            switch closing {
            case .clickWindow(let id): endClickWindow(of: id, &sink)
            case .conversionWindow(let id): endConversionWindow(of: id, &sink)
            case .hold(let index): endHold(index)
            }
        }
    }

    private func earliest(before limit: Int64) -> (Ending, Closing)? {
        var endings: [(ending: Ending, closing: Closing)] = []
        for (id, impression) in open {
            if let window = impression.clickWindow { endings.append((window, .clickWindow(id))) }
            if let window = impression.conversionWindow {
                endings.append((window, .conversionWindow(id)))
            }
        }
        for one in held { endings.append((one.ending, .hold(index: one.index))) }
        return endings.filter { $0.ending.time < limit }.min {
            ($0.ending.time, $0.ending.sequence) < ($1.ending.time, $1.ending.sequence)
        }
    }

    private mutating func endClickWindow(of id: EventID, _ sink: inout RecordingSink) {
        open[id]!.clickWindow = nil
        if case .applied = open[id]!.click {
            if open[id]!.ctrTrained { return }
            if settings.ctrTiming == .known { saw(.clickWaitedForZeros) }
            train(id, ctr: true, ctcvr: nil, &sink)
            if settings.ctcvrTiming == .known, open[id]!.conversion?.isApplied == true,
                !open[id]!.ctcvrTrained
            {
                train(id, ctr: nil, ctcvr: true, &sink)
            }
            closeIfTrained(id)
            return
        }
        consumed[open[id]!.index].place = .applied
        score(id, ctr: false, ctcvr: false, &sink)
        train(id, ctr: false, ctcvr: false, &sink)
        if let waiting = heldIndex(.conversion, for: .impression(id)) {
            saw(.viewThroughAtClose)
            let conversion = held.remove(at: waiting).index
            consumed[conversion].place = .viewThrough
            open[id]!.conversion = FirstConversion(
                eventID: consumed[conversion].event.conversionID,
                isApplied: false
            )
        }
        closeIfTrained(id)
    }

    private mutating func endConversionWindow(of id: EventID, _ sink: inout RecordingSink) {
        open[id]!.conversionWindow = nil
        if open[id]!.conversion?.isApplied == true {
            if !open[id]!.ctcvrTrained { train(id, ctr: nil, ctcvr: true, &sink) }
        } else {
            if open[id]!.conversion != nil { saw(.negativeDespiteLateConversion) }
            score(id, ctr: nil, ctcvr: false, &sink)
            train(id, ctr: nil, ctcvr: false, &sink)
        }
        closeIfTrained(id)
    }

    private mutating func endHold(_ index: Int) {
        let event = consumed[index].event
        saw(event.role == .click ? .clickOrphaned : .conversionOrphaned)
        giveUp(index, .orphaned)
    }

    private mutating func giveUp(_ index: Int, _ place: Place) {
        held.removeAll { $0.index == index }
        consumed[index].place = place
        let event = consumed[index].event
        if event.role == .click { makeUnknown(event.clickID, of: event.impressionID) }
    }

    /// An impression closes when its last label has trained; its id is remembered.
    mutating func closeIfTrained(_ id: EventID) {
        let impression = open[id]!
        guard impression.ctrTrained && impression.ctcvrTrained else { return }
        open[id] = nil
        closed.append(
            ClosedImpression(
                id: id,
                time: consumed[impression.index].event.time,
                rememberedAt: streamTime,
                click: impression.click,
                clickID: impression.clickID,
                conversion: impression.conversion
            )
        )
        while closed.count > settings.closedIDsMax {
            saw(.closedForgottenByCount)
            forgetOldestClosed()
        }
    }

    mutating func forgetClosed() {
        while let oldest = closed.first,
            oldest.rememberedAt + settings.closedMemory < streamTime
        {
            saw(.closedForgottenByTime)
            forgetOldestClosed()
        }
    }

    private mutating func forgetOldestClosed() {
        let oldest = closed.removeFirst()
        makeUnknown(oldest.clickID, of: oldest.id)
    }

    mutating func dropOldestOpen() {
        guard let (id, oldest) = open.min(by: { $0.value.sequence < $1.value.sequence }) else {
            return
        }
        saw(oldest.click == .none ? .impressionDropped : .clickedImpressionDropped)
        open[id] = nil
        consumed[oldest.index].place = .dropped
        makeUnknown(oldest.clickID, of: id)
    }

    mutating func dropOldestHeld() {
        guard let oldest = held.min(by: { $0.ending.sequence < $1.ending.sequence }) else {
            return
        }
        saw(oldest.role == .click ? .heldClickDropped : .heldConversionDropped)
        giveUp(oldest.index, .dropped)
    }
}
