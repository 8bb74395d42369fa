internal import CRdKafka

extension KafkaProducer {
    /// Creates a topic, replicated as the brokers do by default, and waits until it is there.
    /// - Throws: when it exists already, when it is refused, or when the time is over.
    ///   The embedded broker cannot create topics on request; it is started with them.
    public func createTopic(
        _ topic: String,
        partitionCount: Int,
        timeoutMilliseconds: Int
    ) throws(KafkaError) {
        let operation = "create topic \(topic)"
        let (newTopic, complaint) = unsafe ErrorText.collect {
            unsafe rd_kafka_NewTopic_new(topic, Int32(clamping: partitionCount), -1, $0, $1)
        }
        guard let newTopic = unsafe newTopic else {
            throw KafkaError(operation: operation, code: "_INVALID_ARG", reason: complaint)
        }
        defer { unsafe rd_kafka_NewTopic_destroy(newTopic) }
        guard let queue = unsafe rd_kafka_queue_new(client.handle) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, operation: operation)
        }
        defer { unsafe rd_kafka_queue_destroy(queue) }
        let options = unsafe rd_kafka_AdminOptions_new(
            client.handle,
            RD_KAFKA_ADMIN_OP_CREATETOPICS
        )
        defer { unsafe rd_kafka_AdminOptions_destroy(options) }
        // Both the wait for an answer and the brokers' own work end with the time.
        let timeout = Int32(clamping: timeoutMilliseconds)
        _ = unsafe rd_kafka_AdminOptions_set_request_timeout(options, timeout, nil, 0)
        _ = unsafe rd_kafka_AdminOptions_set_operation_timeout(options, timeout, nil, 0)
        var pointer: OpaquePointer? = unsafe newTopic
        unsafe rd_kafka_CreateTopics(client.handle, &pointer, 1, options, queue)
        guard let event = unsafe rd_kafka_queue_poll(queue, timeout) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, operation: operation)
        }
        defer { unsafe rd_kafka_event_destroy(event) }
        let code = unsafe rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(
                code,
                operation: operation,
                reason: unsafe String(cString: rd_kafka_event_error_string(event))
            )
        }
        var count = 0
        let result = unsafe rd_kafka_event_CreateTopics_result(event)
        let outcomes = unsafe rd_kafka_CreateTopics_result_topics(result, &count)
        guard count == 1, let outcome = unsafe outcomes?[0] else { return }
        let topicCode = unsafe rd_kafka_topic_result_error(outcome)
        guard topicCode == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(topicCode, operation: operation)
        }
    }
}
