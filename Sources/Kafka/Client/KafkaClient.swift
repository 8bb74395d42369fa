internal import CRdKafka

/// One librdkafka instance with the queue of its log lines. The base of consumer and producer.
///
/// Any thread may call librdkafka with the same handles, which never change. It is shared with the
/// thread that waits for an answer (`Inquiry`), and ends with the last who uses it.
@safe
final class KafkaClient: @unchecked Sendable {
    let handle: OpaquePointer
    let servers: String
    private let logQueue: OpaquePointer
    private let redact: Redaction

    /// - Parameters:
    ///   - required: settings that cannot be changed; a user's other value is refused.
    ///   - defaults: settings that hold unless the user gives them.
    ///   - events: the kinds of events that the main queue is to carry.
    init(
        _ type: rd_kafka_type_t,
        settings: KafkaSettings,
        required: [String: String],
        defaults: [String: String],
        events: Int32 = 0
    ) throws(KafkaError) {
        guard let servers = settings.servers, !servers.isEmpty else {
            throw KafkaError(
                operation: "connect to Kafka",
                code: "_INVALID_ARG",
                reason: "the setting bootstrap.servers is missing"
            )
        }
        for (name, value) in required.sorted(by: { $0.key < $1.key }) {
            guard settings.values[name, default: value] == value else {
                throw KafkaError(
                    operation: "use the Kafka setting \(name)",
                    code: "_INVALID_ARG",
                    reason: "it has to be \(value); remove it"
                )
            }
        }
        let values = defaults.merging(settings.values) { $1 }.merging(required) { $1 }
        let redact = Redaction(secretsOf: settings)
        let configuration = try unsafe Self.configuration(values)
        unsafe rd_kafka_conf_set_events(configuration, events)
        let (handle, complaint) = unsafe ErrorText.collect {
            unsafe rd_kafka_new(type, configuration, $0, $1)
        }
        guard let handle = unsafe handle else {
            // The configuration belongs to the instance only if there is one.
            unsafe rd_kafka_conf_destroy(configuration)
            throw KafkaError(
                operation: "create a Kafka client",
                code: "_INVALID_ARG",
                reason: redact(complaint)
            )
        }
        guard let queue = unsafe rd_kafka_queue_new(handle) else {
            unsafe rd_kafka_destroy(handle)
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, operation: "create a Kafka client")
        }
        unsafe rd_kafka_set_log_queue(handle, queue)
        unsafe self.handle = handle
        unsafe self.logQueue = queue
        self.servers = servers
        self.redact = redact
    }

    deinit {
        unsafe rd_kafka_queue_destroy(logQueue)
        unsafe rd_kafka_destroy(handle)
    }

    private static func configuration(
        _ values: [String: String]
    ) throws(KafkaError) -> OpaquePointer {
        guard let configuration = unsafe rd_kafka_conf_new() else {
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, operation: "configure a Kafka client")
        }
        let values = values.merging(["log.queue": "true"]) { $1 }
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            let (result, complaint) = unsafe ErrorText.collect {
                unsafe rd_kafka_conf_set(configuration, name, value, $0, $1)
            }
            guard result == RD_KAFKA_CONF_OK else {
                unsafe rd_kafka_conf_destroy(configuration)
                throw KafkaError(
                    operation: "use the Kafka setting \(name)",
                    code: "_INVALID_ARG",
                    reason: Redaction(value: value)(complaint)
                )
            }
        }
        return unsafe configuration
    }

    /// Hands over the warnings and errors that librdkafka has logged since, oldest first.
    /// `facility` is its short word for the kind of line.
    func drainLog(_ receive: (_ facility: String, _ line: String) -> Void) {
        while let event = unsafe rd_kafka_queue_poll(logQueue, 0) {
            defer { unsafe rd_kafka_event_destroy(event) }
            var facility: UnsafePointer<CChar>?
            var text: UnsafePointer<CChar>?
            var level: Int32 = 0
            // Syslog's levels: 4 is a warning, 5 a notice.
            guard unsafe rd_kafka_event_log(event, &facility, &text, &level) == 0, level <= 4,
                let facility = unsafe facility, let text = unsafe text
            else { continue }
            let kind = unsafe String(cString: facility)
            let line = unsafe String(cString: text)
            // What the owner's thread logs as an error repeats what a broker's thread has said.
            if kind == "ERROR" && line.hasPrefix("[thrd:app]") { continue }
            receive(kind, redact(Self.line(line)))
        }
    }

    /// A log line without librdkafka's thread name and trailing space.
    private static func line(_ text: String) -> String {
        var line = Substring(text)
        if line.hasPrefix("[thrd:"), let end = line.firstIndex(of: "]") {
            line = line[line.index(after: end)...].drop { $0 == ":" || $0 == " " }
        }
        while line.last?.isWhitespace == true { line.removeLast() }
        return String(line)
    }

    /// Asks anew which brokers lead which partitions.
    func refreshMetadata(timeoutMilliseconds: Int) {
        var answer: UnsafePointer<rd_kafka_metadata>?
        let timeout = Int32(clamping: max(1, timeoutMilliseconds))
        _ = unsafe rd_kafka_metadata(handle, 1, nil, &answer, timeout)
        if let answer = unsafe answer { unsafe rd_kafka_metadata_destroy(answer) }
    }

    /// The number of partitions of each of `topics`.
    ///
    /// Asks for the list of all topics, because some brokers create a topic that is asked for by
    /// its name.
    /// - Throws: when a topic does not exist, or no broker answers within the time.
    func partitionCounts(
        of topics: [String],
        timeoutMilliseconds: Int
    ) throws(KafkaError) -> [Int] {
        var answer: UnsafePointer<rd_kafka_metadata>?
        let code = unsafe rd_kafka_metadata(
            handle,
            1,
            nil,
            &answer,
            Int32(clamping: timeoutMilliseconds)
        )
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let answer = unsafe answer else {
            throw noAnswer(
                code,
                operation: "read \(Self.phrase(topics)) from \(servers)",
                timeoutMilliseconds: timeoutMilliseconds
            )
        }
        defer { unsafe rd_kafka_metadata_destroy(answer) }
        let found = unsafe UnsafeBufferPointer(
            start: answer.pointee.topics,
            count: Int(answer.pointee.topic_cnt)
        )
        var counts: [Int] = []
        for topic in topics {
            let operation = "read topic \(topic) from \(servers)"
            guard
                let index = unsafe found.firstIndex(where: {
                    unsafe String(cString: $0.topic) == topic
                })
            else {
                throw KafkaError(
                    RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                    operation: operation,
                    reason: "the topic does not exist, or may not be seen by this user"
                )
            }
            let topicCode = unsafe found[index].err
            guard topicCode == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaError(topicCode, operation: operation)
            }
            counts.append(Int(unsafe found[index].partition_cnt))
        }
        return counts
    }

    private static func phrase(_ topics: [String]) -> String {
        "topic\(topics.count == 1 ? "" : "s") \(topics.joined(separator: ", "))"
    }

    /// The error of a request that no broker answered in time, with the last that the log says.
    private func noAnswer(
        _ code: rd_kafka_resp_err_t,
        operation: String,
        timeoutMilliseconds: Int
    ) -> KafkaError {
        guard code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT else {
            return KafkaError(code, operation: operation)
        }
        var reason = "no broker answered within \(timeoutMilliseconds) ms"
        // A failed connection says more than its consequences, which are logged after it.
        var failure: String?
        drainLog { if $0 == "FAIL" || failure == nil { failure = $1 } }
        if let failure { reason += "; \(failure)" }
        return KafkaError(code, operation: operation, reason: reason)
    }
}
