internal import CRdKafka
internal import Glibc

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
    /// Asks the brokers which offsets partitions hold now.
    /// - Parameter shouldStop: asked every 50 ms while there is no answer.
    public func watermarks(
        of partitions: [(topic: String, partition: Int32)],
        timeoutMilliseconds: Int,
        shouldStop: () -> Bool = { false }
    ) throws(KafkaError) -> [Watermarks] {
        let what =
            partitions.count == 1
            ? "\(partitions[0].topic) partition \(partitions[0].partition)"
            : "\(partitions.count) partitions"
        let operation = "ask \(client.servers) for the offsets of \(what)"
        let client = client
        return try Inquiry.ask(operation, shouldStop: shouldStop) { () throws(KafkaError) in
            let lows = try client.offsets(
                Int64(RD_KAFKA_OFFSET_BEGINNING),
                of: partitions,
                timeoutMilliseconds: timeoutMilliseconds,
                operation: operation
            )
            let highs = try client.offsets(
                Int64(RD_KAFKA_OFFSET_END),
                of: partitions,
                timeoutMilliseconds: timeoutMilliseconds,
                operation: operation
            )
            return zip(lows, highs).map { Watermarks(low: $0, high: $1) }
        }
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
        timeoutMilliseconds: Int,
        shouldStop: () -> Bool = { false }
    ) throws(KafkaError) -> [Int64?] {
        let client = client
        let operation = "ask \(client.servers) for offsets by time"
        return try Inquiry.ask(operation, shouldStop: shouldStop) { () throws(KafkaError) in
            try client.offsets(
                time,
                of: partitions,
                timeoutMilliseconds: timeoutMilliseconds,
                operation: operation
            ).map { $0 >= 0 ? $0 : nil }
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

extension KafkaClient {
    /// For each partition the first offset of a time, negative where there is none. What passes by itself,
    /// such as a change of leaders, is waited out.
    ///
    /// The protocol takes librdkafka's symbols for beginning and end as times, too. The library's own
    /// call for watermarks asks partition by partition, and forgets its timeout when a broker goes away.
    fileprivate func offsets(
        _ time: Int64,
        of partitions: [(topic: String, partition: Int32)],
        timeoutMilliseconds: Int,
        operation: String
    ) throws(KafkaError) -> [Int64] {
        let deadline = ContinuousClock.now + .milliseconds(timeoutMilliseconds)
        while true {
            let left = max(1, (deadline - .now) / .milliseconds(1))
            let list = PartitionList(partitions.map { ($0.topic, $0.partition, time) })
            let code = unsafe rd_kafka_offsets_for_times(
                handle,
                list.pointer,
                Int32(clamping: Int64(left))
            )
            let failure = code == RD_KAFKA_RESP_ERR_NO_ERROR ? list.firstError : code
            if failure == RD_KAFKA_RESP_ERR_NO_ERROR {
                return partitions.indices.map { list.offset(at: $0) }
            }
            let error = KafkaError(failure, operation: operation)
            let pauseMilliseconds: UInt32 = 50
            guard error.isTransient,
                ContinuousClock.now + .milliseconds(pauseMilliseconds) < deadline
            else { throw error }
            usleep(pauseMilliseconds * 1_000)
            // Who leads a partition that nobody reads yet is not asked again by itself.
            refreshMetadata(timeoutMilliseconds: Int((deadline - .now) / .milliseconds(1)))
        }
    }
}
