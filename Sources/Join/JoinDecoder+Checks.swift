internal import Events
internal import StateCoding

// What no joiner could have written, though each value by itself could be.
extension JoinDecoder {
    /// Stream time is in the guards' bucket, and windows are closed as far as that at most.
    func checkTimes() throws(StateError) {
        let guards = state.guards
        guard state.closedThrough <= state.streamTime,
            !guards.hasBegun
                || guards.bucketStart <= state.streamTime
                    && (state.streamTime < guards.nextBoundary || guards.nextBoundary == .max)
        else { throw StateError("join: stream time \(state.streamTime) is out of order") }
    }

    mutating func checkOpen(_ impression: TrackedImpression) throws(StateError) {
        guard case .unknown = state.impressions.find(impression.id) else {
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
            impression.conversion != .viewThrough, isClicked || !impression.isDropped
        else { throw StateError("join: the labels of an open impression contradict each other") }
        if impression.isDropped {
            dropped[Int(impression.partition)] += 1
        } else if isClicked {
            clicked[Int(impression.partition)] += 1
        } else {
            pending[Int(impression.partition)] += 1
        }
    }

    mutating func checkClick(of impression: TrackedImpression) throws(StateError) {
        if impression.click == .late {
            guard impression.clickTime == 0, impression.conversionSequence == 0 else {
                throw StateError("join: a late click opened a conversion window")
            }
            return
        }
        guard impression.clickTime >= impression.time, impression.clickTime <= state.streamTime
        else { throw StateError("join: a click at \(impression.clickTime) is out of order") }
        guard impression.conversionSequence > impression.sequence,
            impression.conversionSequence < state.nextSequence
        else { throw StateError("join: a conversion window is out of order") }
        sequences.append(impression.conversionSequence)
    }

    /// What came before stream time, has been given its number, and is in a known partition.
    mutating func checkOpening(
        _ time: Int64,
        _ sequence: Int64,
        _ partition: Int32
    ) throws(StateError) {
        guard time <= state.streamTime else {
            throw StateError("join: an event at \(time) is after stream time \(state.streamTime)")
        }
        guard sequence > 0, sequence < state.nextSequence else {
            throw StateError("join: opening sequence \(sequence) is out of range")
        }
        guard partition >= 0, partition < pending.count else {
            throw StateError("join: no partition \(partition)")
        }
        sequences.append(sequence)
    }

    func checkHeld() throws(StateError) {
        var slot = state.held.oldest
        while let current = slot {
            let event = state.held[current]
            let isPossible: Bool
            switch (event.kind, state.impressions.find(event.key)) {
            case (.conversionOfClick, _):
                isPossible = state.knownClicks.impression(of: event.key) == nil
            case (_, .unknown): isPossible = true
            case (.conversionOfImpression, .inLine): isPossible = true
            case (.conversionOfImpression, .tracked(let slot)):
                isPossible = state.impressions.open[slot].click != .applied
            default: isPossible = false
            }
            guard isPossible else { throw StateError("join: an event is held for what is there") }
            slot = state.held.younger(than: current)
        }
    }

    mutating func checkSequences() throws(StateError) {
        sequences.sort()
        for index in sequences.indices.dropFirst()
        where sequences[index] == sequences[index - 1] {
            throw StateError("join: opening sequence \(sequences[index]) is taken twice")
        }
    }

    func checkPending() throws(StateError) {
        for partition in pending.indices {
            guard state.ledger.count(.pending, partition: partition) == pending[partition],
                state.ledger.count(.applied, partition: partition) >= clicked[partition],
                state.ledger.count(.dropped, partition: partition) >= dropped[partition]
            else { throw StateError("join: partition \(partition) has other events than counts") }
        }
    }
}
