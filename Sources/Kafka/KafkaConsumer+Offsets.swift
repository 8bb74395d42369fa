internal import CRdKafka

/// The offsets that a partition holds: `low..<high`.
public struct Watermarks: Equatable, Sendable {
    /// The offset of the oldest record that is still there.
    public var low: Int64
    /// The offset that the next record will get.
    public var high: Int64

    public init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }
}

extension KafkaConsumer {
    /// Asks the broker which offsets a partition holds now.
    public func watermarks(
        topic: String,
        partition: Int32,
        timeoutMilliseconds: Int
    ) throws(KafkaError) -> Watermarks {
        var marks = Watermarks(low: 0, high: 0)
        let code = unsafe rd_kafka_query_watermark_offsets(
            client.handle,
            topic,
            partition,
            &marks.low,
            &marks.high,
            Int32(clamping: timeoutMilliseconds)
        )
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(
                code,
                operation: "ask \(client.servers) for the offsets of \(topic) "
                    + "partition \(partition)"
            )
        }
        return marks
    }

    /// The end of a partition as last heard of, without asking; nil before the first fetch.
    public func knownEnd(topic: String, partition: Int32) -> Int64? {
        var marks = Watermarks(low: -1, high: -1)
        let code = unsafe rd_kafka_get_watermark_offsets(
            client.handle,
            topic,
            partition,
            &marks.low,
            &marks.high
        )
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && marks.high >= 0 ? marks.high : nil
    }

    /// For each partition the first offset whose record's timestamp is `time` (milliseconds since
    /// the epoch) or later, nil where there is none.
    public func offsets(
        atTime time: Int64,
        of partitions: [(topic: String, partition: Int32)],
        timeoutMilliseconds: Int
    ) throws(KafkaError) -> [Int64?] {
        let list = PartitionList(partitions.map { ($0.topic, $0.partition, time) })
        let code = unsafe rd_kafka_offsets_for_times(
            client.handle,
            list.pointer,
            Int32(clamping: timeoutMilliseconds)
        )
        let failure = code == RD_KAFKA_RESP_ERR_NO_ERROR ? list.firstError : code
        guard failure == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(failure, operation: "ask \(client.servers) for offsets by time")
        }
        return partitions.indices.map { list.offset(at: $0) >= 0 ? list.offset(at: $0) : nil }
    }

    /// Commits positions (the next offsets to be applied) to the consumer group, for other tools to
    /// see, and waits for the broker's word. Freshet itself never reads them back.
    public func commit(
        _ positions: [Start],
        timeoutMilliseconds: Int
    ) throws(KafkaError) {
        let operation = "commit offsets to \(client.servers)"
        guard let queue = unsafe rd_kafka_queue_new(client.handle) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, operation: operation)
        }
        defer { unsafe rd_kafka_queue_destroy(queue) }
        let list = PartitionList(positions.map { ($0.topic, $0.partition, $0.offset) })
        let code = unsafe rd_kafka_commit_queue(client.handle, list.pointer, queue, nil, nil)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(code, operation: operation)
        }
        guard
            let event = unsafe rd_kafka_queue_poll(queue, Int32(clamping: timeoutMilliseconds))
        else {
            throw KafkaError(
                RD_KAFKA_RESP_ERR__TIMED_OUT,
                operation: operation,
                reason: "no broker answered within \(timeoutMilliseconds) ms"
            )
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        let answer = unsafe rd_kafka_event_error(event)
        guard answer == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(answer, operation: operation)
        }
    }

    /// The positions that the consumer group has committed, nil where it has none.
    public func committed(
        _ partitions: [(topic: String, partition: Int32)],
        timeoutMilliseconds: Int
    ) throws(KafkaError) -> [Int64?] {
        let list = PartitionList(partitions.map { ($0.topic, $0.partition, 0) })
        let code = unsafe rd_kafka_committed(
            client.handle,
            list.pointer,
            Int32(clamping: timeoutMilliseconds)
        )
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(code, operation: "read committed offsets from \(client.servers)")
        }
        return partitions.indices.map { list.offset(at: $0) >= 0 ? list.offset(at: $0) : nil }
    }
}
