internal import Events
internal import Kafka

/// Reads single records beside the stream, each with a consumer of its own: slow, and free of any
/// state that the stream's consumer may be in.
struct KafkaProbe {
    let settings: KafkaSettings
    let timeoutMilliseconds: Int

    init(settings: KafkaSettings, timeoutMilliseconds: Int) {
        var settings = settings
        // One record is wanted, so nothing is to be read ahead.
        settings.values["queued.min.messages"] = "1"
        self.settings = settings
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    /// Calls `body` with the first message at each of the offsets or behind it.
    /// - Throws: when a broker does not answer in time.
    func read(
        _ places: [(partition: Partition, offset: Int64)],
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
        for (index, place) in places.enumerated() {
            guard
                let message = consumer.next(
                    partition: index,
                    waitMilliseconds: timeoutMilliseconds
                )
            else {
                throw KafkaError(
                    operation: "read offset \(place.offset) of \(place.partition.name) "
                        + "partition \(place.partition.number)",
                    code: "_TIMED_OUT",
                    reason: "no broker answered within \(timeoutMilliseconds) ms"
                )
            }
            body(index, message)
        }
    }
}

extension KafkaSource {
    /// XXH3-64 of the payloads of the records at `offsets`, one offset by partition index: nil where
    /// none is asked for, and where the record is gone or has no payload. By the hash of the last
    /// record applied one can tell that a topic was recreated.
    public func payloadHashes(at offsets: [Int64?]) throws(SourceError) -> [UInt64?] {
        precondition(offsets.count == partitions.count)
        let wanted = offsets.indices.filter { offsets[$0] != nil }
        let places = wanted.map { (partition: partitions[$0], offset: offsets[$0] ?? 0) }
        var hashes = [UInt64?](repeating: nil, count: offsets.count)
        guard !places.isEmpty else { return hashes }
        do throws(KafkaError) {
            try probe.read(places) { index, message in
                guard message.kind == .record, message.offset == places[index].offset,
                    !message.isNull
                else { return }
                hashes[wanted[index]] = message.withPayload { xxHash3($0) }
            }
        } catch {
            throw SourceError(error)
        }
        return hashes
    }
}
