internal import Events
internal import Kafka

/// What may come in place of the next record: a gap, an error.
extension KafkaSource {
    /// Sees to it that the offsets between the position and the next record were not lost.
    ///
    /// Compaction and transactions leave gaps, which are fine. Kafka itself refuses a position that
    /// retention has passed; the embedded broker goes on at the oldest record instead, and its low
    /// watermark gives it away.
    /// - Returns: false if no broker could be asked now.
    mutating func isGapExplained(
        partition index: Int,
        before offset: Int64
    ) throws(SourceError) -> Bool {
        defer { progress[index].verifiedMessages = max(0, progress[index].verifiedMessages - 1) }
        guard offset > progress[index].position, progress[index].verifiedMessages == 0 else {
            return true
        }
        let readAhead = consumer.readAheadCount(partition: index)
        guard try isPositionHeld(partition: index) else { return false }
        // All that was read ahead was read when the low watermark was no higher than now.
        progress[index].verifiedMessages = readAhead
        return true
    }

    /// Asks the broker whether it holds the position.
    /// - Returns: false if no broker could be asked now; a warning says so.
    /// - Throws: when it holds the position no longer, or not yet.
    private mutating func isPositionHeld(partition index: Int) throws(SourceError) -> Bool {
        let partition = partitions[index]
        let marks: [Watermarks]
        do throws(KafkaError) {
            marks = try consumer.watermarks(
                of: [(partition.name, partition.number)],
                timeoutMilliseconds: patience.milliseconds,
                shouldStop: patience.shouldStop
            )
        } catch {
            try postpone(error)
            return false
        }
        let position = progress[index].position
        if let lost = PositionLost(partition, position: position, watermarks: marks[0]) {
            throw lost.error
        }
        return true
    }

    /// A question that the brokers did not answer: it will be asked again, if that can help.
    mutating func postpone(_ error: KafkaError) throws(SourceError) {
        if error.isStop {
            isStopped = true
        } else if error.isTransient {
            warn(kind: error.code, line: "\(error.description); trying again")
        } else {
            throw SourceError(error)
        }
    }

    /// An error in a partition's queue: some end the run, some pass by themselves.
    mutating func handle(_ error: KafkaError, partition index: Int) throws(SourceError) {
        let partition = partitions[index]
        let place = "\(partition.name) partition \(partition.number)"
        if error.isPositionLost {
            guard try isPositionHeld(partition: index) else { return try restart() }
            let position = progress[index].position
            throw SourceError("\(place): cannot read from offset \(position): \(error.reason)")
        }
        guard error.isTransient else {
            throw SourceError("\(place): \(error.reason) (\(error.code))")
        }
        warn(kind: error.code, line: "\(place): \(error.reason)")
    }
}

extension KafkaError {
    /// A wrong checksum, a payload that does not unpack, an unknown format (a corrupt version byte
    /// looks like one).
    var isCorruptBatch: Bool {
        code == "_BAD_MSG" || code == "_BAD_COMPRESSION" || code == "_NOT_IMPLEMENTED"
    }

    var isPositionLost: Bool { code == "_AUTO_OFFSET_RESET" || code == "OFFSET_OUT_OF_RANGE" }
}
