import Events
import Join

/// What an impression or click does, once the windows before it have closed.
extension ReferenceJoiner {
    mutating func applyImpression(
        _ event: Event,
        _ features: [UInt32],
        _ text: [UInt8],
        _ sink: inout RecordingSink
    ) {
        let id = event.impressionID
        if open[id] != nil || closedIndex(id) != nil {
            saw(open[id] != nil ? .impressionAgainOpen : .impressionAgainClosed)
            _ = enter(event, .duplicate)
            return
        }
        if open.count >= settings.openImpressionsMax { dropOldestOpen() }

        var words = features
        var span = words.mutableSpan
        let prediction = sink.arrive(event, features: &span)
        let sequence = nextSequence()
        let index = enter(event, .pending)
        let end = event.time + settings.clickWindow
        open[id] = OpenImpression(
            index: index,
            sequence: sequence,
            features: words,
            text: text,
            prediction: prediction,
            clickWindow: Ending(time: end, sequence: sequence)
        )

        guard let waiting = heldIndex(.click, for: .impression(id)) else { return }
        let click = held.remove(at: waiting).index
        if max(consumed[click].event.time, event.time) > end {
            saw(.heldClickLate)
            clickDelays.append((consumed[click].event.time - event.time, isLate: true))
            consumed[click].place = .late
            open[id]!.click = .late
            open[id]!.clickID = consumed[click].event.clickID
        } else {
            saw(.heldClickJoined)
            join(click: click, to: id, &sink)
        }
    }

    mutating func applyClick(_ event: Event, _ sink: inout RecordingSink) {
        let id = event.impressionID
        let isHeld = heldIndex(.click, for: .impression(id)) != nil
        let openClick = open[id]?.click ?? .none
        let closedClick = closedIndex(id).map { closed[$0].click } ?? .none
        if isHeld || openClick != .none || closedClick != .none {
            if isHeld { saw(.clickAgainHeld) }
            if openClick != .none { saw(.clickAgainApplied) }
            if closedClick != .none { saw(.clickAgainClosed) }
            _ = enter(event, .duplicate)
        } else if let impression = open[id] {
            let time = consumed[impression.index].event.time
            if event.time > time + settings.clickWindow {
                saw(.clickLateForOverdue)
                clickDelays.append((event.time - time, isLate: true))
                _ = enter(event, .late)
                open[id]!.click = .late
                open[id]!.clickID = event.clickID
                makeKnown(event.clickID, of: id)
                gatherHeldConversions(of: id, clickID: event.clickID)
            } else {
                if time + settings.clickWindow < streamTime { saw(.clickForOverdue) }
                join(click: enter(event, .pending), to: id, &sink)
            }
        } else if let position = closedIndex(id) {
            _ = enter(event, .late)
            saw(.clickLate)
            clickDelays.append((max(event.time - closed[position].time, 0), isLate: true))
            closed[position].click = .late
            closed[position].clickID = event.clickID
            makeKnown(event.clickID, of: id)
            convertLate(position, clickID: event.clickID)
        } else {
            hold(event, for: .impression(id))
            makeKnown(event.clickID, of: id)
            gatherHeldConversions(of: id, clickID: event.clickID)
        }
    }

    /// A late click names the impression of a conversion that was held under its click id.
    private mutating func convertLate(_ position: Int, clickID: EventID) {
        let closing = closed[position]
        guard knownClickIDs[clickID] == closing.id,
            let waiting = heldIndex(.conversion, for: .click(clickID))
        else { return }
        let conversion = held.remove(at: waiting).index
        let eventID = consumed[conversion].event.conversionID
        if let first = closing.conversion {
            saw(.lateClickReleasesFurther)
            consumed[conversion].place = placeOfFurther(eventID, after: first.eventID)
        } else {
            saw(.lateClickReleasesViewThrough)
            consumed[conversion].place = .viewThrough
            closed[position].conversion = FirstConversion(eventID: eventID, isApplied: false)
        }
    }

    /// A held click names the impression of a conversion that was held under its click id.
    private mutating func gatherHeldConversions(of id: EventID, clickID: EventID) {
        guard knownClickIDs[clickID] == id,
            let named = heldIndex(.conversion, for: .click(clickID))
        else { return }
        saw(.heldConversionNamed)
        held[named].awaited = .impression(id)
        let both = held.filter { $0.role == .conversion && $0.awaited == .impression(id) }
            .sorted { $0.ending.sequence < $1.ending.sequence }
        if both.count == 2 {
            saw(.heldConversionsMeet)
            giveUpFurther(both[1], after: both[0])
        }
    }

    private mutating func giveUpFurther(_ further: Held, after first: Held) {
        held.removeAll { $0.index == further.index }
        consumed[further.index].place = placeOfFurther(
            consumed[further.index].event.conversionID,
            after: consumed[first.index].event.conversionID
        )
    }

    /// The click belongs to the open impression and is within its window.
    private mutating func join(click: Int, to id: EventID, _ sink: inout RecordingSink) {
        let event = consumed[click].event
        let impression = consumed[open[id]!.index].event
        if event.time < impression.time { saw(.clickBeforeImpression) }
        consumed[click].place = .applied
        consumed[open[id]!.index].place = .applied
        makeKnown(event.clickID, of: id)
        let time = max(event.time, impression.time)
        clickDelays.append((time - impression.time, isLate: false))
        open[id]!.click = .applied(time: time)
        open[id]!.clickID = event.clickID
        open[id]!.conversionWindow = Ending(
            time: time + settings.conversionWindow,
            sequence: nextSequence()
        )
        score(id, ctr: true, ctcvr: nil, &sink)
        if settings.ctrTiming == .known && !isSilent { train(id, ctr: true, ctcvr: nil, &sink) }

        let waiting = held.filter {
            $0.role == .conversion
                && ($0.awaited == .impression(id)
                    || ($0.awaited == .click(event.clickID)
                        && knownClickIDs[event.clickID] == id))
        }.sorted { $0.ending.sequence < $1.ending.sequence }
        if waiting.count == 2 {
            saw(.heldConversionsJoin)
            giveUpFurther(waiting[1], after: waiting[0])
        }
        if let first = waiting.first {
            held.removeAll { $0.index == first.index }
            saw(.heldConversionJoined)
            join(conversion: first.index, to: id, &sink)
        }
    }

    mutating func hold(_ event: Event, for awaited: Awaited) {
        if held.count >= settings.heldEventsMax { dropOldestHeld() }
        held.append(
            Held(
                index: enter(event, .pending),
                role: event.role,
                awaited: awaited,
                ending: Ending(
                    time: event.time + settings.orphanWindow,
                    sequence: nextSequence()
                )
            )
        )
    }
}
