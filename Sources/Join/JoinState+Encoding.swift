internal import Events
internal import StateCoding

extension JoinState {
    func encode(to writer: inout StateWriter) {
        writer.reserve(encodedBytesMax)
        writer.write(streamTime)
        writer.write(closedThrough)
        writer.write(nextSequence)
        encodeLedger(to: &writer)
        delays.clicks.encode(to: &writer)
        delays.conversions.encode(to: &writer)
        guards.encode(to: &writer)
        writer.write(UInt64(impressions.open.count))
        impressions.open.visit { tracked in
            encodeOpen(tracked, to: &writer)
            return true
        }
        writer.write(UInt64(held.count))
        var slot = held.oldest
        while let current = slot {
            encodeHeld(held[current], to: &writer)
            slot = held.younger(than: current)
        }
        writer.write(UInt64(impressions.closed.count))
        for number in impressions.closed.firstNumber..<impressions.closed.endNumber {
            encodeClosed(impressions.closed[number], to: &writer)
        }
    }

    private func encodeLedger(to writer: inout StateWriter) {
        writer.write(UInt64(ledger.partitionCount))
        for partition in 0..<ledger.partitionCount {
            writer.write(Int64(ledger.consumed(partition: partition)))
            for place in Place.allCases {
                writer.write(Int64(ledger.count(place, partition: partition)))
            }
        }
    }

    private func encodeOpen(_ tracked: TrackedImpression, to writer: inout StateWriter) {
        let impression = tracked.impression
        writer.write(impression.id)
        writer.write(impression.time)
        writer.write(impression.sequence)
        writer.write(impression.partition)
        writer.write(impression.weight)
        writer.write(impression.prediction.ctrLogit)
        writer.write(impression.prediction.cvrLogit)
        writer.write(tracked.click.rawValue)
        writer.write(tracked.conversion.rawValue)
        writer.write(tracked.ctrTrained)
        writer.write(tracked.ctcvrTrained)
        writer.write(tracked.isDropped)
        if tracked.click != .none {
            encodeClickID(tracked.clickID, of: impression.id, to: &writer)
            writer.write(tracked.clickTime)
            writer.write(tracked.conversionSequence)
        }
        if tracked.conversion != .none { writer.write(tracked.conversionID) }
        impressions.open.withRun(impression.run) { features, text in
            writer.write(UInt32(features.count))
            writer.write(UInt32(text.count))
            writer.write(words: features)
            writer.write(bytes: text)
        }
    }

    private func encodeHeld(_ event: HeldEvent, to writer: inout StateWriter) {
        writer.write(event.kind.rawValue)
        writer.write(event.partition)
        writer.write(event.key)
        writer.write(event.time)
        writer.write(event.sequence)
        if event.kind == .click {
            encodeClickID(event.ownID, of: event.key, to: &writer)
        } else {
            writer.write(event.ownID)
        }
    }

    private func encodeClosed(_ impression: ClosedImpression, to writer: inout StateWriter) {
        writer.write(impression.id)
        writer.write(impression.time)
        writer.write(impression.closedAt)
        writer.write(impression.click.rawValue)
        writer.write(impression.conversion.rawValue)
        if impression.click != .none {
            encodeClickID(impression.clickID, of: impression.id, to: &writer)
        }
        if impression.click == .applied { writer.write(impression.clickTime) }
        if impression.conversion != .none { writer.write(impression.conversionID) }
    }

    /// The click id, and whether it is this impression's: another may have borne it before.
    private func encodeClickID(
        _ clickID: EventID,
        of impressionID: EventID,
        to writer: inout StateWriter
    ) {
        writer.write(clickID)
        writer.write(knownClicks.impression(of: clickID) == impressionID)
    }
}

extension StateWriter {
    fileprivate mutating func write(_ id: EventID) {
        write(id.high)
        write(id.low)
    }
}
