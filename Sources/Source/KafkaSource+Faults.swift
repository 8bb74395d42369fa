internal import Events
internal import Kafka

/// What may come in place of the next record: a gap, a corrupt batch, an error.
extension KafkaSource {
    /// Sees to it that the offsets between the position and the next record were not lost.
    ///
    /// Compaction and transactions leave gaps, which are fine. Kafka itself refuses a position that
    /// retention has passed; the embedded broker goes on at the oldest record instead, and its low
    /// watermark gives it away.
    mutating func explainGap(
        partition index: Int,
        before offset: Int64,
        into receive: RecordReceiver
    ) throws(SourceError) {
        defer { progress[index].verifiedMessages = max(0, progress[index].verifiedMessages - 1) }
        guard offset > progress[index].position else { return }
        closeCorruptRange(partition: index, at: offset, into: receive)
        let position = progress[index].position
        guard offset > position, progress[index].verifiedMessages == 0 else { return }
        let readAhead = consumer.readAheadCount(partition: index)
        if let lost = try lostPosition(partition: index, position: position) { throw lost.error }
        // All that was read ahead was read when the low watermark was no higher than now.
        progress[index].verifiedMessages = readAhead
    }

    /// Whether the broker no longer, or not yet, holds `position`.
    private func lostPosition(
        partition index: Int,
        position: Int64
    ) throws(SourceError) -> PositionLost? {
        let partition = partitions[index]
        do throws(KafkaError) {
            let watermarks = try consumer.watermarks(
                topic: partition.name,
                partition: partition.number,
                timeoutMilliseconds: timeoutMilliseconds
            )
            return PositionLost(partition, position: position, watermarks: watermarks)
        } catch {
            throw SourceError(error)
        }
    }

    /// An error in a partition's queue: some end the run, some pass by themselves.
    mutating func handle(_ error: KafkaError, partition index: Int) throws(SourceError) {
        let partition = partitions[index]
        let place = "\(partition.name) partition \(partition.number)"
        if error.isPositionLost {
            let position = progress[index].position
            if let lost = try lostPosition(partition: index, position: position) {
                throw lost.error
            }
            throw SourceError("\(place): cannot read from offset \(position): \(error.reason)")
        }
        guard error.isTransient else {
            throw SourceError("\(place): \(error.reason) (\(error.code))")
        }
        warn(kind: error.code, line: "\(place): \(error.reason)")
    }

    /// A batch whose checksum is wrong, or that does not decompress, starts at `base`. Its end is
    /// where the next batch starts if that comes next, or has to be searched if the client reads
    /// the same batch again and again.
    mutating func passCorruptBatch(
        at base: Int64,
        partition index: Int,
        into receive: RecordReceiver
    ) throws(SourceError) {
        guard let before = progress[index].corruptBatch else {
            progress[index].corruptBatch = base
            return
        }
        if base > before {
            closeCorruptRange(partition: index, at: base, into: receive)
            progress[index].corruptBatch = base
            return
        }
        do throws(KafkaError) {
            var search = CorruptBatchSearch(
                base: base,
                position: progress[index].position,
                timeoutMilliseconds: timeoutMilliseconds
            )
            let end = try search.end(partition: index, of: consumer)
            try consumer.seek(
                partition: index,
                offset: end,
                timeoutMilliseconds: timeoutMilliseconds
            )
            closeCorruptRange(partition: index, at: end, into: receive)
        } catch {
            // A broker went away meanwhile: the batch will be met again, and searched again.
            warn(kind: error.code, line: error.description)
            try rewind(partition: index)
        }
    }

    private mutating func rewind(partition index: Int) throws(SourceError) {
        do throws(KafkaError) {
            try consumer.seek(
                partition: index,
                offset: progress[index].position,
                timeoutMilliseconds: timeoutMilliseconds
            )
        } catch {
            throw SourceError(error)
        }
    }

    /// Hands over the offsets from the position to `end` as one corrupt record, if a corrupt batch
    /// was met there.
    mutating func closeCorruptRange(
        partition index: Int,
        at end: Int64,
        into receive: RecordReceiver
    ) {
        let end = min(end, progress[index].end)
        let position = progress[index].position
        guard progress[index].corruptBatch != nil, end > position else { return }
        progress[index].corruptBatch = nil
        progress[index].position = end
        progress[index].isAtEnd = false
        receive(
            RecordHeader(offset: position, offsetCount: end - position, timestamp: nil),
            .corrupt,
            Span()
        )
    }
}

/// Finds the first offset behind a corrupt batch. The batch's own word for its length may be what
/// is corrupt, so its end is found by asking for offsets: as long as the same batch comes back, the
/// offset lies in it.
struct CorruptBatchSearch {
    let base: Int64
    /// An offset within the batch.
    let position: Int64
    let timeoutMilliseconds: Int

    /// Doubles the step until it is past the batch, then halves it: 2 log₂(length) seeks.
    mutating func end(
        partition index: Int,
        of consumer: borrowing KafkaConsumer
    ) throws(KafkaError) -> Int64 {
        var inside = position
        var step: Int64 = 1
        while try isInside(inside + step, partition: index, of: consumer) {
            inside += step
            step *= 2
        }
        var outside = inside + step
        while outside - inside > 1 {
            let middle = inside + (outside - inside) / 2
            if try isInside(middle, partition: index, of: consumer) {
                inside = middle
            } else {
                outside = middle
            }
        }
        return outside
    }

    private func isInside(
        _ offset: Int64,
        partition index: Int,
        of consumer: borrowing KafkaConsumer
    ) throws(KafkaError) -> Bool {
        try consumer.seek(
            partition: index,
            offset: offset,
            timeoutMilliseconds: timeoutMilliseconds
        )
        guard
            let message = consumer.next(
                partition: index,
                waitMilliseconds: timeoutMilliseconds
            )
        else {
            throw KafkaError(
                operation: "find the end of a corrupt batch",
                code: "_TIMED_OUT",
                reason: "no broker answered within \(timeoutMilliseconds) ms"
            )
        }
        guard case .failure(let error) = message.kind else { return false }
        // Beyond the topic's end the broker refuses the offset.
        if error.isPositionLost { return false }
        guard error.isCorruptBatch else { throw error }
        return message.offset == base
    }
}

extension KafkaError {
    var isCorruptBatch: Bool { code == "_BAD_MSG" || code == "_BAD_COMPRESSION" }

    var isPositionLost: Bool { code == "_AUTO_OFFSET_RESET" || code == "OFFSET_OUT_OF_RANGE" }

    /// Errors that end by themselves, or with a broker's return.
    var isTransient: Bool {
        switch code {
        case "_TRANSPORT", "_ALL_BROKERS_DOWN", "_TIMED_OUT", "_TIMED_OUT_QUEUE", "_RESOLVE",
            "_NODE_UPDATE", "_WAIT_COORD", "_WAIT_CACHE", "REQUEST_TIMED_OUT",
            "LEADER_NOT_AVAILABLE", "NOT_LEADER_FOR_PARTITION", "BROKER_NOT_AVAILABLE",
            "REPLICA_NOT_AVAILABLE", "NETWORK_EXCEPTION", "KAFKA_STORAGE_ERROR",
            "FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH", "OFFSET_NOT_AVAILABLE",
            "THROTTLING_QUOTA_EXCEEDED":
            true
        default: false
        }
    }
}
