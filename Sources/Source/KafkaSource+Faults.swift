internal import Events
internal import Kafka

/// What may come in place of the next record: a gap, an error.
extension KafkaSource {
    /// Sees to it that the offsets between the position and the next record were not lost.
    ///
    /// Compaction and transactions leave gaps, which are fine. Kafka itself refuses a position that
    /// retention has passed; the embedded broker goes on at the oldest record instead, and its low
    /// watermark gives it away.
    mutating func explainGap(partition index: Int, before offset: Int64) throws(SourceError) {
        defer { progress[index].verifiedMessages = max(0, progress[index].verifiedMessages - 1) }
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
}

extension KafkaError {
    /// A wrong checksum, a payload that does not unpack, an unknown format (a corrupt version byte
    /// looks like one).
    var isCorruptBatch: Bool {
        code == "_BAD_MSG" || code == "_BAD_COMPRESSION" || code == "_NOT_IMPLEMENTED"
    }

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
