import Events
import Generate
import Kafka

/// Sends generated events to one topic per role, keyed by impression id.
struct KafkaEventSink: GeneratedEventSink, ~Copyable {
    private var producer: KafkaProducer
    /// By the raw value of the role.
    private let topics: [String]
    private let partitionCounts: [Int]

    private static let timeoutMilliseconds = 30_000

    /// - Parameter topics: of impressions, clicks and conversions.
    /// - Throws: `KafkaError` when a setting is refused, no broker answers, or a topic is missing.
    init(settings: KafkaSettings, topics: [String]) throws(KafkaError) {
        precondition(topics.count == Role.allCases.count)
        let producer = try KafkaProducer(settings: settings)
        partitionCounts = try producer.partitionCounts(
            of: topics,
            timeoutMilliseconds: Self.timeoutMilliseconds
        )
        self.producer = producer
        self.topics = topics
    }

    mutating func send(
        _ event: GeneratedEvent,
        key: Span<UInt8>,
        payload: Span<UInt8>
    ) throws {
        let role = Int(event.role.rawValue)
        let partition = partition(ofKey: key, partitionCount: partitionCounts[role])
        try producer.produce(
            topic: topics[role],
            partition: Int32(partition),
            key: key,
            payload: payload,
            timestamp: event.time
        )
    }

    /// Waits until the brokers have everything.
    mutating func flush() throws(KafkaError) {
        try producer.flush(timeoutMilliseconds: Self.timeoutMilliseconds)
    }
}
