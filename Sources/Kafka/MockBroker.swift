internal import CRdKafka

/// librdkafka's embedded brokers: real TCP servers on loopback ports of their own choosing, for
/// trying things out and for tests. They keep records in memory only, and at most 5 MiB or 100,000
/// batches per partition, dropping the oldest without a word.
@safe
public struct MockBroker: ~Copyable {
    private let host: OpaquePointer
    private let cluster: OpaquePointer

    /// A topic to be created.
    public struct Topic: Equatable, Sendable {
        public var name: String
        public var partitionCount: Int

        public init(name: String, partitionCount: Int) {
            self.name = name
            self.partitionCount = partitionCount
        }
    }

    /// Starts `brokerCount` brokers that have `topics`.
    public init(brokerCount: Int = 1, topics: [Topic]) throws(KafkaError) {
        let operation = "start an embedded broker"
        guard (1...64).contains(brokerCount) else {
            throw KafkaError(
                operation: operation,
                code: "_INVALID_ARG",
                reason: "the number of brokers is 1 to 64, not \(brokerCount)"
            )
        }
        guard let configuration = unsafe rd_kafka_conf_new() else {
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, operation: operation)
        }
        // The host instance only lends its threads; it says nothing and has no broker of its own.
        _ = unsafe rd_kafka_conf_set(configuration, "log_level", "0", nil, 0)
        let (host, complaint) = unsafe ErrorText.collect {
            unsafe rd_kafka_new(RD_KAFKA_PRODUCER, configuration, $0, $1)
        }
        guard let host = unsafe host else {
            unsafe rd_kafka_conf_destroy(configuration)
            throw KafkaError(operation: operation, code: "_FAIL", reason: complaint)
        }
        guard let cluster = unsafe rd_kafka_mock_cluster_new(host, Int32(brokerCount)) else {
            unsafe rd_kafka_destroy(host)
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, operation: operation)
        }
        do throws(KafkaError) {
            try unsafe Self.create(topics, in: cluster)
        } catch {
            unsafe rd_kafka_mock_cluster_destroy(cluster)
            unsafe rd_kafka_destroy(host)
            throw error
        }
        unsafe self.host = host
        unsafe self.cluster = cluster
    }

    deinit {
        unsafe rd_kafka_mock_cluster_destroy(cluster)
        unsafe rd_kafka_destroy(host)
    }

    private static func create(
        _ topics: [Topic],
        in cluster: OpaquePointer
    ) throws(KafkaError) {
        for topic in topics {
            let code = unsafe rd_kafka_mock_topic_create(
                cluster,
                topic.name,
                Int32(clamping: topic.partitionCount),
                1
            )
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                throw KafkaError(
                    code,
                    operation: "create topic \(topic.name) with "
                        + "\(topic.partitionCount) partitions"
                )
            }
        }
    }

    /// The brokers' addresses, host:port separated by commas.
    public var servers: String {
        unsafe String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
    }

    /// Ends every connection and refuses new ones until `isDown` is set back.
    public func setDown(_ isDown: Bool) {
        if isDown {
            unsafe rd_kafka_mock_broker_set_down(cluster, -1)
        } else {
            unsafe rd_kafka_mock_broker_set_up(cluster, -1)
        }
    }

    /// Makes broker `broker` (from 1) the leader of a partition.
    public func setLeader(topic: String, partition: Int32, broker: Int32) {
        unsafe rd_kafka_mock_partition_set_leader(cluster, topic, partition, broker)
    }

    /// Delays every answer.
    public func setRoundTripTime(milliseconds: Int) {
        unsafe rd_kafka_mock_broker_set_rtt(cluster, -1, Int32(clamping: milliseconds))
    }

    /// Makes the next fetch requests fail: the broker disconnects the client for each.
    public func dropNextFetches(_ count: Int) {
        let errors = Array(repeating: RD_KAFKA_RESP_ERR__TRANSPORT, count: count)
        unsafe rd_kafka_mock_push_request_errors_array(cluster, 1, count, errors)
    }
}
