internal import CRdKafka

/// What can be done to the embedded brokers. Brokers are numbered from 1; nil stands for all of them.
extension MockBroker {
    /// The requests that can be made to fail.
    public enum Request: String, CaseIterable, Sendable {
        case produce, fetch, offsets, metadata, commit, coordinator

        /// Its key in Kafka's protocol.
        fileprivate var key: Int16 {
            switch self {
            case .produce: 0
            case .fetch: 1
            case .offsets: 2
            case .metadata: 3
            case .commit: 8
            case .coordinator: 10
            }
        }
    }

    /// Ends every connection and refuses new ones until `isDown` is set back.
    public func setDown(_ isDown: Bool, broker: Int32? = nil) throws(KafkaError) {
        let code =
            isDown
            ? unsafe rd_kafka_mock_broker_set_down(cluster, broker ?? -1)
            : unsafe rd_kafka_mock_broker_set_up(cluster, broker ?? -1)
        try check(code, "take broker \(name(broker)) \(isDown ? "down" : "up")")
    }

    /// Makes a broker the leader of a partition; nil leaves it without one.
    public func setLeader(
        topic: String,
        partition: Int32,
        broker: Int32?
    ) throws(KafkaError) {
        try check(
            unsafe rd_kafka_mock_partition_set_leader(cluster, topic, partition, broker ?? -1),
            "make broker \(name(broker)) the leader of \(topic) partition \(partition)"
        )
    }

    /// Delays every answer.
    public func setRoundTripTime(milliseconds: Int, broker: Int32? = nil) throws(KafkaError) {
        try check(
            unsafe rd_kafka_mock_broker_set_rtt(
                cluster,
                broker ?? -1,
                Int32(clamping: milliseconds)
            ),
            "delay broker \(name(broker))"
        )
    }

    /// Makes the next requests of a kind fail.
    /// - Parameter error: Kafka's name of the error, for example `NOT_LEADER_FOR_PARTITION`; with
    ///   `_TRANSPORT` the broker disconnects the client instead.
    public func failNext(
        _ request: Request,
        count: Int,
        error: String
    ) throws(KafkaError) {
        let codes = (-200...120).lazy.map { rd_kafka_resp_err_t(rawValue: $0) }
        guard
            let code = codes.first(where: { unsafe String(cString: rd_kafka_err2name($0)) == error }
            )
        else {
            throw KafkaError(
                operation: "make requests fail with \(error)",
                code: "_INVALID_ARG",
                reason: "Kafka has no error of that name"
            )
        }
        let errors = Array(repeating: code, count: count)
        unsafe rd_kafka_mock_push_request_errors_array(cluster, request.key, count, errors)
    }

    private func check(_ code: rd_kafka_resp_err_t, _ operation: String) throws(KafkaError) {
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, operation: operation) }
    }

    private func name(_ broker: Int32?) -> String { broker.map(String.init) ?? "all" }
}
