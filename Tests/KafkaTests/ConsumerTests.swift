import Foundation
import Kafka
import TestSupport
import Testing

@Suite("Kafka consumer and producer", .serialized)
struct ConsumerTests {
    struct Found: Equatable {
        var offset: Int64
        var text: String?
        var timestamp: Int64?
    }

    /// Everything below the ends, by partition, taken from the queues in turn.
    private func readAll(
        _ broker: BrokerProcess,
        _ topic: String,
        partitionCount: Int
    ) throws -> [[Found]] {
        var consumer = try KafkaConsumer(settings: broker.settings)
        try consumer.assign(
            (0..<partitionCount).map {
                KafkaConsumer.Start(
                    topic: broker.topic(topic),
                    partition: Int32($0),
                    offset: 0
                )
            }
        )
        var records = Array(repeating: [Found](), count: partitionCount)
        var open = Set(0..<partitionCount)
        let deadline = Date(timeIntervalSinceNow: 120)
        while !open.isEmpty {
            try #require(Date() < deadline, "still open: \(open.sorted())")
            consumer.wait(milliseconds: 10)
            consumer.serve { print("\($0): \($1)") }
            for partition in open.sorted() {
                while let message = consumer.next(partition: partition) {
                    switch message.kind {
                    case .record:
                        records[partition].append(
                            Found(
                                offset: message.offset,
                                text: message.isNull ? nil : text(of: message),
                                timestamp: message.timestamp
                            )
                        )
                    case .endOfPartition: open.remove(partition)
                    case .failure(let error): throw error
                    }
                }
            }
        }
        return records
    }

    private func text(of message: borrowing KafkaMessage) -> String {
        message.withPayload { span in
            String(decoding: span.indices.map { span[$0] }, as: UTF8.self)
        }
    }

    private func nextOffset(_ consumer: borrowing KafkaConsumer, _ partition: Int) -> Int64? {
        guard let message = consumer.next(partition: partition, waitMilliseconds: 5_000) else {
            return nil
        }
        return message.offset
    }

    @Test("every record of many uneven partitions arrives once, in the order of offsets")
    func unevenPartitions() throws {
        let broker = try BrokerProcess(topics: ["uneven": 40])
        var producer = try KafkaProducer(settings: broker.settings)
        // One huge partition, some middling ones, many of a few records, some empty.
        let sizes = (0..<40).map { $0 == 0 ? 30_000 : [0, 3, 1, 700][$0 % 4] }
        for round in 0..<30_000 {
            for (partition, size) in sizes.enumerated() where round < size {
                try producer.produce(
                    topic: broker.topic("uneven"),
                    partition: Int32(partition),
                    text: "\(partition)/\(round)",
                    timestamp: 1_000_000 + Int64(round)
                )
            }
        }
        try producer.flush(timeoutMilliseconds: 30_000)
        let records = try readAll(broker, "uneven", partitionCount: 40)
        #expect(records.map(\.count) == sizes)
        for (partition, list) in records.enumerated() {
            let isInOrder = list.enumerated().allSatisfy { index, record in
                record
                    == Found(
                        offset: Int64(index),
                        text: "\(partition)/\(index)",
                        timestamp: 1_000_000 + Int64(index)
                    )
            }
            #expect(isInOrder, "partition \(partition)")
        }
        let count = try producer.partitionCounts(
            of: [broker.topic("uneven")],
            timeoutMilliseconds: 5_000
        )
        #expect(count == [40])
    }

    @Test("one partition can be read to its end while nobody takes from a much larger one")
    func noPartitionCrowdsOutAnother() throws {
        let broker = try BrokerProcess(topics: ["pair": 2])
        let topic = broker.topic("pair")
        // Small batches, as a steady producer makes them.
        var producer = try KafkaProducer(settings: broker.settings(["batch.num.messages": "10"]))
        let text = String(repeating: "x", count: 1_000)
        for _ in 0..<4_000 {
            try producer.produce(topic: topic, partition: 0, text: text)
        }
        for _ in 0..<100 {
            try producer.produce(topic: topic, partition: 1, text: text)
        }
        try producer.flush(timeoutMilliseconds: 20_000)
        // 64 KiB are read ahead at most: the large partition's queue is full at once.
        var consumer = try KafkaConsumer(
            settings: broker.settings(["queued.max.messages.kbytes": "64"])
        )
        try consumer.assign(
            (0..<2).map { KafkaConsumer.Start(topic: topic, partition: $0, offset: 0) }
        )
        var count = 0
        let deadline = Date(timeIntervalSinceNow: 120)
        reading: while Date() < deadline {
            guard let message = consumer.next(partition: 1, waitMilliseconds: 100) else { continue }
            switch message.kind {
            case .record: count += 1
            case .endOfPartition: break reading
            case .failure(let error): throw error
            }
        }
        #expect(count == 100)
        // The bound is checked before each fetch, so one fetch may exceed it.
        if broker.isEmbedded { #expect(consumer.readAheadCount(partition: 0) < 100) }
        while let message = consumer.next(partition: 0, waitMilliseconds: 5_000) {
            if message.kind == .endOfPartition { break }
            count += 1
        }
        #expect(count == 4_100)
    }

    @Test("null, empty and large payloads arrive as what they are")
    func payloads() throws {
        let broker = try BrokerProcess(topics: ["payloads": 1])
        var producer = try KafkaProducer(settings: broker.settings)
        let large = String(repeating: "large ", count: 150_000)
        let topic = broker.topic("payloads")
        try producer.produce(topic: topic, partition: 0, payload: nil, timestamp: 5)
        try producer.produce(topic: topic, partition: 0, text: "")
        for _ in 0..<3 { try producer.produce(topic: topic, partition: 0, text: large) }
        try producer.produce(
            topic: topic,
            partition: 0,
            key: "key".utf8Span.span,
            payload: "last".utf8Span.span
        )
        try producer.flush(timeoutMilliseconds: 20_000)
        let records = try readAll(broker, "payloads", partitionCount: 1)[0]
        #expect(records.map(\.text) == [nil, "", large, large, large, "last"])
        #expect(records.map(\.offset) == [0, 1, 2, 3, 4, 5])
        #expect(records.first?.timestamp == 5)
        let now = Date().timeIntervalSince1970 * 1_000
        #expect(abs(Double(records.last?.timestamp ?? 0) - now) < 60_000)
    }

    @Test("watermarks, a start in the middle, and committed offsets")
    func offsets() throws {
        let broker = try BrokerProcess(topics: ["offsets": 2])
        let topic = broker.topic("offsets")
        var producer = try KafkaProducer(settings: broker.settings)
        for index in 0..<100 {
            try producer.produce(topic: topic, partition: 1, text: "\(index)")
        }
        try producer.flush(timeoutMilliseconds: 20_000)
        let group = broker.settings(["group.id": "group-\(topic)"])
        var consumer = try KafkaConsumer(settings: group)
        let marks = try consumer.watermarks(
            of: [(topic, 1), (topic, 0)],
            timeoutMilliseconds: 5_000
        )
        #expect(marks == [Watermarks(low: 0, high: 100), Watermarks(low: 0, high: 0)])
        try consumer.assign([.init(topic: topic, partition: 1, offset: 90)])
        for expected: Int64 in 90..<100 { #expect(nextOffset(consumer, 0) == expected) }
        #expect(consumer.knownEnd(topic: topic, partition: 1) == 100)
        try consumer.beginCommit([.init(topic: topic, partition: 1, offset: 42)])
        try consumer.commitAnswer(waitMilliseconds: 10_000)?.get()
        let other = try KafkaConsumer(settings: group)
        let committed = try other.committed(
            [(topic, 0), (topic, 1)],
            timeoutMilliseconds: 10_000
        )
        #expect(committed == [nil, 42])
    }

    @Test("a topic that does not exist is named")
    func missingTopic() throws {
        let broker = try BrokerProcess(topics: ["there": 1])
        let consumer = try KafkaConsumer(settings: broker.settings)
        let error = #expect(throws: KafkaError.self) {
            _ = try consumer.partitionCounts(of: ["not-there"], timeoutMilliseconds: 5_000)
        }
        #expect(error?.description.contains("not-there") == true)
        #expect(error?.description.contains("does not exist") == true)
        #expect(error?.description.contains("\n") == false)
    }

    @Test("a broker that is not there is an error within the time, naming the address")
    func absentBroker() throws {
        let consumer = try KafkaConsumer(
            settings: KafkaSettings(["bootstrap.servers": "127.0.0.1:1"])
        )
        let start = ContinuousClock.now
        let error = #expect(throws: KafkaError.self) {
            _ = try consumer.partitionCounts(of: ["clicks"], timeoutMilliseconds: 700)
        }
        #expect(ContinuousClock.now - start < .seconds(9))
        #expect(error?.description.contains("127.0.0.1:1") == true)
        #expect(error?.description.contains("clicks") == true)
        #expect(error?.description.contains("Connection refused") == true)
    }

    @Test("a broker that accepts and is silent is an error within the time")
    func silentBroker() throws {
        let broker = try BrokerProcess(topics: ["quiet": 1])
        guard broker.isEmbedded else { return }
        broker.suspend()
        defer { broker.resume() }
        let consumer = try KafkaConsumer(settings: broker.settings)
        let start = ContinuousClock.now
        let error = #expect(throws: KafkaError.self) {
            _ = try consumer.partitionCounts(
                of: [broker.topic("quiet")],
                timeoutMilliseconds: 700
            )
        }
        #expect(ContinuousClock.now - start < .seconds(9))
        #expect(error?.description.contains(broker.servers) == true)
        #expect(error?.description.contains("700 ms") == true)
    }

    @Test("what cannot be delivered is counted and thrown by flush")
    func undelivered() throws {
        var producer = try KafkaProducer(
            settings: KafkaSettings([
                "bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": "200",
            ])
        )
        for _ in 0..<3 { try producer.produce(topic: "t", partition: 0, text: "lost") }
        let error = #expect(throws: KafkaError.self) {
            try producer.flush(timeoutMilliseconds: 5_000)
        }
        #expect(error?.reason.hasPrefix("3 failed") == true, "\(String(describing: error))")
        // Once reported, it is done with.
        try producer.flush(timeoutMilliseconds: 1_000)
    }

    @Test("a full send queue waits for the broker, and loses nothing")
    func fullSendQueue() throws {
        let broker = try BrokerProcess(topics: ["full": 1])
        var producer = try KafkaProducer(
            settings: broker.settings(["queue.buffering.max.messages": "100"])
        )
        for index in 0..<5_000 {
            try producer.produce(topic: broker.topic("full"), partition: 0, text: "\(index)")
        }
        try producer.flush(timeoutMilliseconds: 20_000)
        let records = try readAll(broker, "full", partitionCount: 1)[0]
        #expect(records.map(\.text) == (0..<5_000).map { "\($0)" })
    }

    @Test("the embedded broker says that it cannot create topics")
    func createTopic() throws {
        let broker = try BrokerProcess(topics: ["one": 1])
        guard broker.isEmbedded else { return }
        let producer = try KafkaProducer(settings: broker.settings)
        let error = #expect(throws: KafkaError.self) {
            try producer.createTopic("two", partitionCount: 3, timeoutMilliseconds: 3_000)
        }
        #expect(error?.operation == "create topic two")
    }
}
