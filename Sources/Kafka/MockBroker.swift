internal import CRdKafka

/// librdkafka's embedded brokers: real TCP servers on loopback ports of their own choosing, for
/// trying things out and for tests. They keep records in memory only, and at most 5 MiB or 100,000
/// batches per partition, dropping the oldest without a word.
@safe
public struct MockBroker: ~Copyable {
    private let host: OpaquePointer
    let cluster: OpaquePointer

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
}
