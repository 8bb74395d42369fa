internal import Events
internal import Kafka

/// Reads single records beside the stream, each with a consumer of its own: slow, and free of any
/// state that the stream's consumer may be in.
struct KafkaProbe {
    typealias Place = (partition: Partition, offset: Int64)

    let settings: KafkaSettings
    let patience: Patience

    /// How often it looks whether it should stop.
    private static let lookMilliseconds = 50

    init(settings: KafkaSettings, patience: Patience) {
        var settings = settings
        // One record is wanted, so nothing is to be read ahead.
        settings.values["queued.min.messages"] = "1"
        self.settings = settings
        self.patience = patience
    }

    /// Calls `body` with the first message at each of the offsets or behind it. What passes by itself,
    /// such as a connection that is lost, is waited out.
    /// - Throws: when a broker does not answer in time.
    func read(
        _ places: [Place],
        _ body: (Int, borrowing KafkaMessage) -> Void
    ) throws(KafkaError) {
        var consumer = try KafkaConsumer(settings: settings)
        try consumer.assign(
            places.map {
                KafkaConsumer.Start(
                    topic: $0.partition.name,
                    partition: $0.partition.number,
                    offset: $0.offset
                )
            }
        )
        for index in places.indices {
            var left = patience.milliseconds
            while !take(index, from: consumer, body) {
                let what =
                    "read offset \(places[index].offset) of \(places[index].partition.name) "
                    + "partition \(places[index].partition.number)"
                left -= Self.lookMilliseconds
                if left <= 0 {
                    throw KafkaError(
                        operation: what,
                        code: "_TIMED_OUT",
                        reason: "no broker answered within \(patience.milliseconds) ms"
                    )
                }
                if patience.shouldStop() { throw .stopped(what) }
            }
        }
    }

    /// Whether a message came that `body` was called with.
    private func take(
        _ index: Int,
        from consumer: borrowing KafkaConsumer,
        _ body: (Int, borrowing KafkaMessage) -> Void
    ) -> Bool {
        guard
            let message = consumer.next(
                partition: index,
                waitMilliseconds: Self.lookMilliseconds
            )
        else { return false }
        if case .failure(let error) = message.kind, error.isTransient { return false }
        body(index, message)
        return true
    }
}
