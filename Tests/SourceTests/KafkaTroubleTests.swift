import Events
import Foundation
import Kafka
import Source
import TestSupport
import Testing

/// What brokers may do while a source reads. The oracle: it hands over what lies in the topics, once
/// and in order.
@Suite("Kafka source: trouble while reading", .serialized)
struct KafkaTroubleTests {
    /// Lets a source that is quickly satisfied read what the broker has, without taking any of it.
    private func readAhead() { usleep(700_000) }

    private func readUntil(
        _ reader: inout KafkaReader,
        count: Int,
        seconds: Double = 120
    ) throws {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while reader.texts.joined().count < count {
            try #require(Date() < deadline, "only \(reader.texts.joined().count) of \(count)")
            if try reader.round() == 0 { reader.source.wait(milliseconds: 5) }
        }
    }

    @Test("a gap that cannot be explained while the brokers are away is asked about again")
    func gapWhileAway() throws {
        var topics = try Topics([.impression: 2])
        guard topics.broker.isEmbedded else { return }
        try topics.send(.impression, 0, ["a"])
        try CorruptBatch.sendCompacted(
            to: topics.broker.servers,
            topic: topics.topic(.impression),
            partition: 0,
            records: [(0, "b"), (4, "c")],
            offsetCount: 6
        )
        try topics.send(.impression, 0, ["d"])
        try topics.send(.impression, 1, ["e"])
        var warnings: [String] = []
        var reader = KafkaReader(
            try topics.open(
                [.impression],
                extent: .live,
                settings: ["reconnect.backoff.max.ms": "200"],
                timeout: 600,
                warn: { warnings.append($0) }
            )
        )
        readAhead()
        try topics.broker.tell("down")
        for _ in 0..<3 { if try reader.round() == 0 { reader.source.wait(milliseconds: 5) } }
        #expect(reader.texts[0] == ["a", "b"])
        #expect(warnings.contains { $0.contains("trying again") }, "\(warnings)")
        try topics.broker.tell("up")
        try readUntil(&reader, count: 5)
        #expect(reader.texts == [["a", "b", "c", "d"], ["e"]])
        #expect(reader.offsets[0] == [0, 1, 5, 7])
    }

    @Test("a corrupt batch that is met while the brokers are away is passed when they are back")
    func corruptWhileAway() throws {
        var topics = try Topics([.impression: 1])
        guard topics.broker.isEmbedded else { return }
        try topics.send(.impression, 0, ["a"])
        try CorruptBatch.send(
            to: topics.broker.servers,
            topic: topics.topic(.impression),
            partition: 0,
            recordCount: 40
        )
        try topics.send(.impression, 0, ["b"])
        var warnings: [String] = []
        var reader = KafkaReader(
            try topics.open(
                [.impression],
                settings: ["reconnect.backoff.max.ms": "200"],
                timeout: 600,
                warn: { warnings.append($0) }
            )
        )
        readAhead()
        try topics.broker.tell("down")
        for _ in 0..<3 { if try reader.round() == 0 { reader.source.wait(milliseconds: 5) } }
        #expect(reader.texts == [["a"]])
        #expect(warnings.contains { $0.contains("trying again") }, "\(warnings)")
        try topics.broker.tell("up")
        try reader.readToEnd()
        #expect(reader.texts == [["a", "<corrupt 40>", "b"]])
    }

    @Test("told to stop while a question is open, it hands over nothing more and is not at its end")
    func stopAtGap() throws {
        var topics = try Topics([.impression: 1])
        guard topics.broker.isEmbedded else { return }
        try topics.send(.impression, 0, ["a"])
        try CorruptBatch.sendCompacted(
            to: topics.broker.servers,
            topic: topics.topic(.impression),
            partition: 0,
            records: [(1, "b")],
            offsetCount: 2
        )
        var isStopping = false
        let source = try topics.open(
            [.impression],
            timeout: 20_000,
            shouldStop: { isStopping }
        )
        var reader = KafkaReader(source)
        readAhead()
        topics.broker.suspend()
        isStopping = true
        let start = ContinuousClock.now
        for _ in 0..<5 { _ = try reader.round() }
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(reader.texts == [["a"]])
        let isAtEnd = reader.isAtEnd
        #expect(!isAtEnd)
        topics.broker.resume()
    }

    @Test(
        "offsets that brokers could not take are sent when they can",
        arguments: ["down", "fail commit 20 COORDINATOR_NOT_AVAILABLE"]
    )
    func commitAfterTrouble(trouble: String) throws {
        let topics = try Topics([.impression: 1])
        guard topics.broker.isEmbedded else { return }
        let settings = ["group.id": "later", "reconnect.backoff.max.ms": "200"]
        var source = try topics.open(
            [.impression],
            extent: .live,
            settings: settings,
            warn: { _ in }
        )
        try topics.broker.tell(trouble)
        source.commit(positions: [0])
        for _ in 0..<100 { source.wait(milliseconds: 5) }
        try topics.broker.tell("up")
        let observer = try KafkaConsumer(settings: topics.broker.settings(settings))
        var committed: Int64?
        let deadline = Date(timeIntervalSinceNow: 120)
        while committed == nil, Date() < deadline {
            for _ in 0..<20 { source.wait(milliseconds: 5) }
            committed = try observer.committed(
                [(topics.topic(.impression), 0)],
                timeoutMilliseconds: 10_000
            )[0]
        }
        #expect(committed == 0)
    }

    @Test("a source whose offsets were not taken yet lets go of them when brokers are away")
    func commitWhileAway() throws {
        let topics = try Topics([.impression: 1])
        guard topics.broker.isEmbedded else { return }
        let start: ContinuousClock.Instant
        do {
            var source = try topics.open(
                [.impression],
                extent: .live,
                settings: ["group.id": "away"],
                warn: { _ in }
            )
            try topics.broker.tell("down")
            start = ContinuousClock.now
            source.commit(positions: [0])
            source.finishCommit(milliseconds: 500)
            #expect(ContinuousClock.now - start < .seconds(10))
        }
        // The source is gone, too.
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test("a producer that retries makes duplicates, and each is handed over at its own offset")
    func duplicates() throws {
        let topics = try Topics([.impression: 1])
        guard topics.broker.isEmbedded else { return }
        var producer = try KafkaProducer(
            settings: topics.broker.settings([
                "socket.timeout.ms": "300", "retry.backoff.ms": "50", "linger.ms": "0",
            ])
        )
        let topic = topics.topic(.impression)
        try producer.produce(topic: topic, partition: 0, text: "first")
        try producer.flush(timeoutMilliseconds: 10_000)
        // The broker stores the record, but its word comes too late.
        try topics.broker.tell("delay 2500")
        try producer.produce(topic: topic, partition: 0, text: "again")
        usleep(3_500_000)
        try topics.broker.tell("delay 0")
        try producer.flush(timeoutMilliseconds: 20_000)
        try producer.produce(topic: topic, partition: 0, text: "last")
        try producer.flush(timeoutMilliseconds: 10_000)
        var reader = KafkaReader(try topics.open([.impression]))
        try reader.readToEnd()
        let texts = reader.texts[0]
        #expect(texts.count > 3)
        #expect(texts.first == "first" && texts.last == "last")
        #expect(texts.dropFirst().dropLast().allSatisfy { $0 == "again" })
        #expect(reader.offsets[0] == texts.indices.map(Int64.init))
    }

    @Test("a storm of faults loses and repeats nothing", arguments: 1...3)
    func storm(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let topics = try Topics([.impression: 6], brokerCount: 3)
        guard topics.broker.isEmbedded else { return }
        let topic = topics.topic(.impression)
        let settings = ["reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "200"]
        var producer = try KafkaProducer(settings: topics.broker.settings(settings))
        var reader = KafkaReader(
            try topics.open([.impression], extent: .live, settings: settings, warn: { _ in })
        )
        var sent = 0
        for _ in 0..<25 {
            for _ in 0..<Int.random(in: 0..<400, using: &random) {
                try producer.produce(
                    topic: topic,
                    partition: Int32(Int.random(in: 0..<6, using: &random)),
                    text: "\(sent)"
                )
                sent += 1
            }
            let fault = Self.fault(topic: topic, using: &random)
            try topics.broker.tell(fault.command)
            for _ in 0..<Int.random(in: 1..<20, using: &random) {
                if try reader.round() == 0 { reader.source.wait(milliseconds: 5) }
            }
            if let end = fault.end { try topics.broker.tell(end) }
            try producer.flush(timeoutMilliseconds: 30_000)
        }
        // What lies in the topics, read in peace.
        var quiet = KafkaReader(try topics.open([.impression]))
        try quiet.readToEnd()
        try readUntil(&reader, count: quiet.texts.joined().count)
        #expect(reader.found == quiet.found, "seed \(seed)")
        #expect(Set(quiet.texts.joined()) == Set((0..<sent).map(String.init)), "seed \(seed)")
    }

    /// Some trouble, and what ends it.
    private static func fault(
        topic: String,
        using random: inout SeededRandom
    ) -> (command: String, end: String?) {
        let broker = Int.random(in: 1...3, using: &random)
        let count = Int.random(in: 1...4, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return ("down", "up")
        case 1: return ("down \(broker)", "up \(broker)")
        case 2:
            let partition = Int.random(in: 0..<6, using: &random)
            return ("leader \(topic)/\(partition) \(broker)", nil)
        case 3: return ("delay \(count * 60) \(broker)", "delay 0 \(broker)")
        case 4:
            let errors = ["_TRANSPORT", "NOT_LEADER_FOR_PARTITION", "KAFKA_STORAGE_ERROR"]
            return ("fail fetch \(count) \(errors.randomElement(using: &random)!)", nil)
        default: return ("fail metadata \(count) _TRANSPORT", nil)
        }
    }
}
