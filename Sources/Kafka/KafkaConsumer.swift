internal import CRdKafka

/// Reads chosen partitions from chosen offsets, each through a queue of its own: the caller decides
/// from which partition it takes next, and librdkafka's limits on what it reads ahead
/// (`queued.max.messages.kbytes`) hold per partition, so that no partition can crowd out another.
///
/// One thread owns it. It joins no consumer group; a group's name serves only to commit offsets.
@safe
public struct KafkaConsumer: ~Copyable {
    let client: KafkaClient
    private var queues: [PartitionQueue] = []
    private let arrivals: ArrivalSignal
    /// Carries the answers to commits.
    let commitAnswers: OpaquePointer

    /// Settings that correctness rests on. Without checksums a corrupt batch passes for a good one;
    /// with any other reset, records that retention removed are skipped without a word.
    static let requiredSettings = [
        "check.crcs": "true",
        "auto.offset.reset": "error",
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        "enable.partition.eof": "true",
    ]

    /// `fetch.wait.max.ms` trades requests per second on a quiet topic for latency (with the
    /// library's 500 the median is 371 ms). The limit per partition keeps 32 partitions in 128 MiB.
    static let defaultSettings = [
        "group.id": "freshet",
        "client.id": "freshet",
        "fetch.wait.max.ms": "10",
        "queued.max.messages.kbytes": "4096",
    ]

    /// Ordinarily closing takes a few milliseconds.
    private static let closeMilliseconds = 1_000

    /// Creates a consumer that reads nothing yet. Does not wait for a broker.
    /// - Throws: naming the setting that was refused, in librdkafka's words, without its value.
    public init(settings: KafkaSettings) throws(KafkaError) {
        var settings = settings
        // librdkafka's consumer needs a name of a group, though it joins none.
        if settings.values["group.id"] == "" { settings.values["group.id"] = nil }
        let client = try KafkaClient(
            RD_KAFKA_CONSUMER,
            settings: settings,
            required: Self.requiredSettings,
            defaults: Self.defaultSettings
        )
        guard let answers = unsafe rd_kafka_queue_new(client.handle) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, operation: "create a Kafka client")
        }
        do throws(KafkaError) {
            arrivals = try ArrivalSignal()
        } catch {
            unsafe rd_kafka_queue_destroy(answers)
            throw error
        }
        unsafe commitAnswers = answers
        self.client = client
        unsafe rd_kafka_poll_set_consumer(client.handle)
    }

    deinit {
        // Queues first: librdkafka counts references to them and would wait for ours. Their
        // arrival signals end with them, before the pipe closes, and the client goes last.
        for queue in queues { queue.destroy() }
        unsafe rd_kafka_queue_destroy(commitAnswers)
        arrivals.close()
        ConsumerClosing.close(client, waitMilliseconds: Self.closeMilliseconds)
    }

    /// Where a partition is to be read from.
    public struct Start: Equatable, Sendable {
        public var topic: String
        public var partition: Int32
        /// An offset proper, not one of librdkafka's negative symbols.
        public var offset: Int64

        public init(topic: String, partition: Int32, offset: Int64) {
            self.topic = topic
            self.partition = partition
            self.offset = offset
        }
    }

    /// Starts to read. Partitions are known by their index in `starts` from here on. Once only.
    public mutating func assign(_ starts: [Start]) throws(KafkaError) {
        precondition(queues.isEmpty, "partitions are assigned once")
        for start in starts {
            queues.append(
                try PartitionQueue(
                    client: client,
                    topic: start.topic,
                    partition: start.partition,
                    arrivals: arrivals
                )
            )
        }
        let list = PartitionList(starts.map { ($0.topic, $0.partition, $0.offset) })
        let code = unsafe rd_kafka_assign(client.handle, list.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(code, operation: "start to read from \(client.servers)")
        }
    }

    /// The next message of a partition, waiting for it at most the given time.
    public func next(partition index: Int, waitMilliseconds: Int = 0) -> KafkaMessage? {
        queues[index].next(waitMilliseconds: waitMilliseconds)
    }

    /// Messages of a partition that librdkafka has read ahead.
    public func readAheadCount(partition index: Int) -> Int {
        queues[index].count
    }

    /// Waits until something arrives in a queue that was empty, at most the given time.
    public func wait(milliseconds: Int) {
        arrivals.wait(milliseconds: milliseconds)
    }

    /// Lets librdkafka do what it does in its owner's thread, and hands over what it has logged
    /// (warnings and errors only). To be called every now and then.
    /// `facility` is the library's short word for the kind of line.
    public func serve(log receive: (_ facility: String, _ line: String) -> Void) {
        // A few at a time: an error may come back as often as it is taken.
        for _ in 0..<16 {
            guard let pointer = unsafe rd_kafka_consumer_poll(client.handle, 0) else { break }
            let message = unsafe KafkaMessage(pointer)
            if case .failure(let error) = message.kind { receive(error.code, error.reason) }
        }
        client.drainLog(receive)
    }

    /// The number of partitions of each of `topics`.
    /// - Parameter shouldStop: asked every 50 ms while there is no answer.
    /// - Throws: when a topic does not exist, or no broker answers within the time.
    public func partitionCounts(
        of topics: [String],
        timeoutMilliseconds: Int,
        shouldStop: () -> Bool = { false }
    ) throws(KafkaError) -> [Int] {
        let client = client
        return try Inquiry.ask(
            "read topics \(topics.joined(separator: ", ")) from \(client.servers)",
            shouldStop: shouldStop
        ) { () throws(KafkaError) in
            try client.partitionCounts(of: topics, timeoutMilliseconds: timeoutMilliseconds)
        }
    }
}
