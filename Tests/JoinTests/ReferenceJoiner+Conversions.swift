import Events
import Join

/// What a conversion does, once the windows before it have closed.
extension ReferenceJoiner {
    mutating func applyConversion(_ event: Event, _ sink: inout RecordingSink) {
        let awaited: Awaited
        if !event.impressionID.isNone {
            awaited = .impression(event.impressionID)
        } else if let id = knownClickIDs[event.clickID] {
            saw(.conversionByClickID)
            awaited = .impression(id)
        } else {
            awaited = .click(event.clickID)
        }

        if let waiting = heldIndex(.conversion, for: awaited) {
            saw(.conversionAgainHeld)
            let first = consumed[held[waiting].index].event.conversionID
            _ = enter(event, placeOfFurther(event.conversionID, after: first))
        } else if case .impression(let id) = awaited, open[id] != nil {
            convertOpen(event, id, &sink)
        } else if case .impression(let id) = awaited, let position = closedIndex(id) {
            convertClosed(event, position)
        } else {
            hold(event, for: awaited)
        }
    }

    private mutating func convertOpen(
        _ event: Event,
        _ id: EventID,
        _ sink: inout RecordingSink
    ) {
        let impression = open[id]!
        if let first = impression.conversion {
            saw(first.isApplied ? .conversionAgainApplied : .conversionAgainLate)
            _ = enter(event, placeOfFurther(event.conversionID, after: first.eventID))
            return
        }
        guard case .applied = impression.click else {
            saw(.conversionHeldForOpen)
            hold(event, for: .impression(id))
            return
        }
        if impression.conversionWindow != nil {
            join(conversion: enter(event, .pending), to: id, &sink)
        } else {
            saw(.conversionLateForOpen)
            if case .applied(let clickTime) = impression.click {
                conversionDelays.append((max(event.time - clickTime, 0), isLate: true))
            }
            _ = enter(event, .late)
            open[id]!.conversion = FirstConversion(
                eventID: event.conversionID,
                isApplied: false
            )
        }
    }

    private mutating func convertClosed(_ event: Event, _ position: Int) {
        if let first = closed[position].conversion {
            saw(.conversionAgainClosed)
            _ = enter(event, placeOfFurther(event.conversionID, after: first.eventID))
            return
        }
        closed[position].conversion = FirstConversion(
            eventID: event.conversionID,
            isApplied: false
        )
        if case .applied(let clickTime) = closed[position].click {
            conversionDelays.append((max(event.time - clickTime, 0), isLate: true))
            saw(.conversionLateForClosed)
            _ = enter(event, .late)
        } else {
            saw(closed[position].click == .late ? .viewThroughOfLateClick : .viewThroughAfterClose)
            _ = enter(event, .viewThrough)
        }
    }

    /// The conversion belongs to the open impression, whose click is applied.
    mutating func join(conversion: Int, to id: EventID, _ sink: inout RecordingSink) {
        let event = consumed[conversion].event
        guard case .applied(let clickTime) = open[id]!.click else { return }
        if event.time < clickTime { saw(.conversionBeforeClick) }
        if max(event.time, clickTime) > open[id]!.conversionWindow!.time {
            saw(.heldConversionLate)
            conversionDelays.append((event.time - clickTime, isLate: true))
            consumed[conversion].place = .late
            open[id]!.conversion = FirstConversion(
                eventID: event.conversionID,
                isApplied: false
            )
            return
        }
        consumed[conversion].place = .applied
        conversionDelays.append((max(event.time - clickTime, 0), isLate: false))
        open[id]!.conversion = FirstConversion(eventID: event.conversionID, isApplied: true)
        score(id, ctr: nil, ctcvr: true, &sink)
        if isSilent && !open[id]!.ctrTrained {
            saw(.conversionWaitsForZeros)
        } else if settings.ctcvrTiming == .known {
            train(id, ctr: nil, ctcvr: true, &sink)
            if open[id]!.ctrTrained { saw(.closedByConversion) }
            closeIfTrained(id)
        }
    }
}
