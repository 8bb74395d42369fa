internal import CRdKafka

/// Sends records to chosen partitions. One thread owns it.
///
/// What is still queued when it is destroyed is lost: `flush` first.
@safe
public struct KafkaProducer: ~Copyable {
    let client: KafkaClient
    /// librdkafka's handles by topic.
    private var topics: [String: TopicHandle] = [:]
    /// The main queue, which a client always has.
    private let events: OpaquePointer?
    /// Records whose delivery has failed since the last flush, and the first such failure.
    private var failedCount = 0
    private var firstFailure: KafkaError?

    @safe private struct TopicHandle {
        let pointer: OpaquePointer
    }

    /// Only failures are reported back, which `flush` then throws.
    static let requiredSettings = ["delivery.report.only.error": "true"]

    static let defaultSettings = [
        "client.id": "freshet",
        "compression.codec": "lz4",
        "linger.ms": "5",
    ]

    /// Creates a producer. Does not wait for a broker.
    /// - Throws: naming the setting that was refused, in librdkafka's words, without its value.
    public init(settings: KafkaSettings) throws(KafkaError) {
        var defaults = Self.defaultSettings
        // The library takes two names for one setting; the user's must not be overruled.
        if settings.values["compression.type"] != nil { defaults["compression.codec"] = nil }
        client = try KafkaClient(
            RD_KAFKA_PRODUCER,
            settings: settings,
            required: Self.requiredSettings,
            defaults: defaults,
            events: RD_KAFKA_EVENT_DR
        )
        unsafe events = rd_kafka_queue_get_main(client.handle)
    }

    deinit {
        for topic in topics.values { unsafe rd_kafka_topic_destroy(topic.pointer) }
        unsafe rd_kafka_queue_destroy(events)
    }

    /// Queues one record, copying it. While the queue is full (`queue.buffering.max.messages`,
    /// `queue.buffering.max.kbytes`) waits for the broker to take some.
    ///
    /// - Parameters:
    ///   - payload: nil sends a null value (a tombstone).
    ///   - timestamp: milliseconds since the epoch; nil takes the time of the call.
    public mutating func produce(
        topic: String,
        partition: Int32,
        key: Span<UInt8>? = nil,
        payload: Span<UInt8>?,
        timestamp: Int64? = nil
    ) throws(KafkaError) {
        let handle = try handle(of: topic)
        let operation = "send to topic \(topic) partition \(partition)"
        while true {
            let code = unsafe Self.withBytes(key) { keyBytes in
                unsafe Self.withBytes(payload) { payloadBytes in
                    unsafe send(
                        handle,
                        partition: partition,
                        key: keyBytes,
                        payload: payloadBytes,
                        timestamp: timestamp
                    )
                }
            }
            switch code {
            case RD_KAFKA_RESP_ERR_NO_ERROR: return
            case RD_KAFKA_RESP_ERR__QUEUE_FULL: collectFailures(waitMilliseconds: 10)
            default: throw KafkaError(code, operation: operation)
            }
        }
    }

    /// Queues one record of text, for tests and small tools.
    public mutating func produce(
        topic: String,
        partition: Int32,
        text: String,
        timestamp: Int64? = nil
    ) throws(KafkaError) {
        try produce(
            topic: topic,
            partition: partition,
            payload: text.utf8Span.span,
            timestamp: timestamp
        )
    }

    /// Waits until every queued record is delivered.
    /// - Throws: when the time is over first, or when any record since the last flush could not be
    ///   delivered: how many, and why the first.
    public mutating func flush(timeoutMilliseconds: Int) throws(KafkaError) {
        var left = timeoutMilliseconds
        // With delivery events librdkafka only counts here; the events are ours to take.
        while unsafe rd_kafka_flush(client.handle, 10) == RD_KAFKA_RESP_ERR__TIMED_OUT, left > 0 {
            collectFailures(waitMilliseconds: 0)
            left -= 10
        }
        collectFailures(waitMilliseconds: 0)
        let operation = "deliver records to \(client.servers)"
        if var failure = firstFailure {
            failure.operation = operation
            failure.reason = "\(failedCount) failed, the first one: \(failure.reason)"
            failedCount = 0
            firstFailure = nil
            throw failure
        }
        let waiting = unsafe rd_kafka_outq_len(client.handle)
        guard waiting == 0 else {
            throw KafkaError(
                RD_KAFKA_RESP_ERR__TIMED_OUT,
                operation: operation,
                reason: "\(waiting) still wait after \(timeoutMilliseconds) ms"
            )
        }
    }

    /// The number of partitions of each of `topics`.
    /// - Throws: when a topic does not exist, or no broker answers within the time.
    public func partitionCounts(
        of topics: [String],
        timeoutMilliseconds: Int
    ) throws(KafkaError) -> [Int] {
        try client.partitionCounts(of: topics, timeoutMilliseconds: timeoutMilliseconds)
    }

    private mutating func handle(of topic: String) throws(KafkaError) -> TopicHandle {
        if let handle = topics[topic] { return handle }
        guard let pointer = unsafe rd_kafka_topic_new(client.handle, topic, nil) else {
            throw KafkaError(
                rd_kafka_last_error(),
                operation: "send to topic \(topic)"
            )
        }
        let handle = unsafe TopicHandle(pointer: pointer)
        topics[topic] = handle
        return handle
    }

    private func send(
        _ topic: TopicHandle,
        partition: Int32,
        key: UnsafeRawBufferPointer?,
        payload: UnsafeRawBufferPointer?,
        timestamp: Int64?
    ) -> rd_kafka_resp_err_t {
        unsafe withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 6) { arguments in
            var count = 0
            func append(
                _ type: rd_kafka_vtype_t,
                _ set: (inout rd_kafka_vu_t) -> Void
            ) {
                unsafe arguments.initializeElement(at: count, to: rd_kafka_vu_t())
                unsafe arguments[count].vtype = type
                unsafe set(&arguments[count])
                count += 1
            }
            unsafe append(RD_KAFKA_VTYPE_RKT) { unsafe $0.u.rkt = topic.pointer }
            unsafe append(RD_KAFKA_VTYPE_PARTITION) { unsafe $0.u.i32 = partition }
            unsafe append(RD_KAFKA_VTYPE_MSGFLAGS) { unsafe $0.u.i = RD_KAFKA_MSG_F_COPY }
            if let payload = unsafe payload {
                unsafe append(RD_KAFKA_VTYPE_VALUE) {
                    // An empty payload needs an address all the same: nil would be a null value.
                    unsafe $0.u.mem.ptr =
                        UnsafeMutableRawPointer(mutating: payload.baseAddress)
                        ?? UnsafeMutableRawPointer(bitPattern: 1)
                    unsafe $0.u.mem.size = payload.count
                }
            }
            if let key = unsafe key {
                unsafe append(RD_KAFKA_VTYPE_KEY) {
                    unsafe $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: key.baseAddress)
                    unsafe $0.u.mem.size = key.count
                }
            }
            if let timestamp {
                unsafe append(RD_KAFKA_VTYPE_TIMESTAMP) { unsafe $0.u.i64 = timestamp }
            }
            guard
                let error = unsafe rd_kafka_produceva(
                    client.handle,
                    arguments.baseAddress,
                    count
                )
            else { return RD_KAFKA_RESP_ERR_NO_ERROR }
            defer { unsafe rd_kafka_error_destroy(error) }
            return unsafe rd_kafka_error_code(error)
        }
    }

    private static func withBytes<Result>(
        _ bytes: Span<UInt8>?,
        _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        guard let bytes else { return body(nil) }
        return unsafe bytes.withUnsafeBytes { unsafe body($0) }
    }

    private mutating func collectFailures(waitMilliseconds: Int32) {
        var wait = waitMilliseconds
        while let event = unsafe rd_kafka_queue_poll(events, wait) {
            wait = 0
            while let message = unsafe rd_kafka_event_message_next(event) {
                let code = unsafe message.pointee.err
                guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
                failedCount += 1
                if firstFailure == nil { firstFailure = KafkaError(code, operation: "deliver") }
            }
            unsafe rd_kafka_event_destroy(event)
        }
        client.drainLog { _, _ in }
    }
}
