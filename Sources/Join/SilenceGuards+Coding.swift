internal import StateCoding

extension SilenceGuards: StateCodable {
    /// Whether it has begun; then the bucket's start, and of each kind its counts, the silence and
    /// the blind times.
    func encode(to writer: inout StateWriter) {
        writer.write(hasBegun)
        guard hasBegun else { return }
        writer.write(bucketStart)
        for one in [clicks, conversions] {
            for age in 0..<5 { writer.write(one.recent[age]) }
            writer.write(one.trailing.bases)
            writer.write(one.trailing.events)
            writer.write(one.trailing.recentBases)
            writer.write(one.trailsFrom)
            writer.write(one.silence != nil)
            if let silence = one.silence { encode(silence, to: &writer) }
            writer.write(UInt32(one.blind.intervals.count))
            for interval in one.blind.intervals {
                writer.write(interval.lowerBound)
                writer.write(interval.upperBound)
            }
        }
    }

    private func encode(_ silence: SilentTime, to writer: inout StateWriter) {
        writer.write(silence.since)
        for bucket in 0..<4 { writer.write(silence.first[bucket]) }
        writer.write(silence.total)
        writer.write(Int64(silence.backlog))
    }

    mutating func decode(from reader: inout StateReader) throws(StateError) {
        guard try reader.read(Bool.self) else { return }
        guard isOn else { throw StateError("join: a silence guard, where there is none") }
        bucketStart = try reader.read()
        nextBoundary = bucketStart.saturatingAdding(width)
        clicks = try decodeGuard(from: &reader)
        conversions = try decodeGuard(from: &reader)
    }

    private func decodeGuard(
        from reader: inout StateReader
    ) throws(StateError) -> SilenceGuard {
        var one = SilenceGuard()
        for age in 0..<5 { one.recent[age] = try reader.readTally() }
        one.trailing = TrailingRate(
            bases: try reader.readWeight(),
            events: try reader.readWeight(),
            recentBases: try reader.readWeight()
        )
        one.trailsFrom = try reader.read()
        if try reader.read(Bool.self) { one.silence = try decodeSilence(from: &reader) }
        for _ in 0..<(try reader.readCount(of: UInt32.self, elementSize: 16)) {
            let start: Int64 = try reader.read()
            let end: Int64 = try reader.read()
            guard start < end, one.blind.intervals.last.map({ $0.upperBound < start }) ?? true,
                one.blind.intervals.count < BlindTimes.countMax
            else { throw StateError("join: blind times are out of order") }
            one.blind.add(start..<end)
        }
        return one
    }

    private func decodeSilence(
        from reader: inout StateReader
    ) throws(StateError) -> SilentTime {
        let since: Int64 = try reader.read()
        guard since <= bucketStart else {
            throw StateError("join: a silence since \(since), after stream time")
        }
        var silence = SilentTime(
            since: since,
            start: since.saturatingSubtracting(4 * width),
            first: .init(repeating: Tally()),
            total: Tally()
        )
        for bucket in 0..<4 { silence.first[bucket] = try reader.readTally() }
        silence.total = try reader.readTally()
        silence.backlog = try reader.readTallyCount()
        return silence
    }
}

extension StateWriter {
    fileprivate mutating func write(_ tally: Tally) {
        write(Int64(tally.bases))
        write(Int64(tally.events))
    }
}

extension StateReader {
    /// A count that further counting cannot make overflow.
    fileprivate mutating func readTallyCount() throws(StateError) -> Int {
        let count: Int64 = try read()
        guard (0...1 << 48).contains(count) else {
            throw StateError("join: \(count) events in a bucket")
        }
        return Int(count)
    }

    fileprivate mutating func readTally() throws(StateError) -> Tally {
        Tally(bases: try readTallyCount(), events: try readTallyCount())
    }

    fileprivate mutating func readWeight() throws(StateError) -> Double {
        let weight = try read(Double.self)
        guard weight >= 0, weight <= 0x1p60 else {
            throw StateError("join: \(weight) events of the usual")
        }
        return weight
    }
}
