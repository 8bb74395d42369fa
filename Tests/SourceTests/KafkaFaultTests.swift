import Events
import Foundation
import Kafka
import Source
import TestSupport
import Testing

@Suite("Kafka source: faults", .serialized)
struct KafkaFaultTests {
    /// The error of opening or reading, one line.
    private func failure(_ body: () throws -> Void) -> String {
        let error = #expect(throws: SourceError.self) { try body() }
        let text = error?.description ?? ""
        #expect(!text.contains("\n"))
        print("  says: \(text)")
        return text
    }

    @Test("a missing topic is named")
    func missingTopic() throws {
        let topics = try Topics([.impression: 1])
        let text = failure { _ = try topics.open([.impression, .click]) }
        #expect(text.contains(topics.topic(.click)) && text.contains("does not exist"))
    }

    @Test("a silent broker is an error within the time, naming the address")
    func absentBroker() {
        let start = ContinuousClock.now
        let text = failure {
            _ = try KafkaSource(
                settings: KafkaSettings(["bootstrap.servers": "127.0.0.1:1"]),
                topics: [.impression: "impressions"],
                connectTimeoutMilliseconds: 500
            )
        }
        #expect(text.contains("127.0.0.1:1") && text.contains("500 ms"))
        #expect(ContinuousClock.now - start < .seconds(8))
    }

    @Test("a refused setting is named")
    func refusedSetting() {
        let text = failure {
            _ = try KafkaSource(
                settings: KafkaSettings(["bootstrap.servers": "127.0.0.1:1", "no.such": "1"]),
                topics: [.impression: "impressions"]
            )
        }
        #expect(text.contains("no.such"))
    }

    @Test("a saved position beyond the end is an error: the topic was recreated")
    func positionBeyondEnd() throws {
        var topics = try Topics([.impression: 1])
        try topics.send(.impression, 0, ["a", "b"])
        let partition = topics.partition(.impression, 0)
        let text = failure {
            _ = try topics.open([.impression], resume: [partition: ResumePoint(position: 3)])
        }
        #expect(text.contains("offset 3") && text.contains("recreated"))
        _ = try topics.open([.impression], resume: [partition: ResumePoint(position: 2)])
    }

    @Test("a saved position of a partition that is not there is an error")
    func positionOfUnknownPartition() throws {
        let topics = try Topics([.impression: 1])
        let partition = topics.partition(.impression, 1)
        let text = failure {
            _ = try topics.open([.impression], resume: [partition: ResumePoint(position: 3)])
        }
        #expect(text.contains("partition 1") && text.contains(partition.name))
    }

    @Test("retention that passed the saved position is an error with both offsets")
    func retentionPassedResume() throws {
        var topics = try Topics([.impression: 1])
        // The embedded broker keeps 5 MiB.
        guard topics.broker.isEmbedded else { return }
        try sendIncompressible(&topics, megabytes: 8)
        let partition = topics.partition(.impression, 0)
        let text = failure {
            _ = try topics.open([.impression], resume: [partition: ResumePoint(position: 3)])
        }
        #expect(text.contains("offset 3, is gone") && text.contains("earliest available is"))
        // Without a saved position, earliest is what is there.
        var reader = KafkaReader(try topics.open([.impression]))
        try reader.readToEnd()
        #expect((reader.offsets[0].first ?? 0) > 3)
        #expect(reader.offsets[0].last == 7_999)
    }

    @Test("retention that passes a slow reader is an error, and nothing is skipped before it")
    func retentionPassedReader() throws {
        var topics = try Topics([.impression: 1])
        guard topics.broker.isEmbedded else { return }
        try sendIncompressible(&topics, megabytes: 1)
        let source = try topics.open(
            [.impression],
            extent: .live,
            settings: ["queued.max.messages.kbytes": "64"]
        )
        var reader = KafkaReader(source)
        try sendIncompressible(&topics, megabytes: 8)
        let deadline = Date(timeIntervalSinceNow: 120)
        let error = #expect(throws: SourceError.self) {
            while Date() < deadline {
                if try reader.round() == 0 { reader.source.wait(milliseconds: 5) }
            }
        }
        #expect(error?.description.contains("is gone") == true)
        #expect(reader.offsets[0] == reader.offsets[0].indices.map(Int64.init))
        #expect(reader.offsets[0].count < 9_000)
    }

    /// Records of 1,000 bytes that do not compress.
    private func sendIncompressible(_ topics: inout Topics, megabytes: Int) throws {
        var random = SeededRandom(seed: 5)
        for _ in 0..<megabytes * 1_000 {
            let payload = (0..<125).map { _ in String(random.next() % 100_000_000 + 100_000_000) }
                .map { $0.dropFirst() }.joined()
            try topics.producer.produce(
                topic: topics.topic(.impression),
                partition: 0,
                text: payload
            )
        }
        try topics.producer.flush(timeoutMilliseconds: 30_000)
    }

    @Test(
        "a corrupt batch counts its offsets, and what follows is read",
        arguments: [1, 2, 100, 1_000]
    )
    func corruptBatch(recordCount: Int) throws {
        var topics = try Topics([.impression: 2])
        guard topics.broker.isEmbedded else { return }
        let topic = topics.topic(.impression)
        func corrupt(_ partition: Int32, _ count: Int) throws {
            try CorruptBatch.send(
                to: topics.broker.servers,
                topic: topic,
                partition: partition,
                recordCount: count
            )
        }
        try topics.send(.impression, 0, ["a", "b", "c"])
        try corrupt(0, recordCount)
        try topics.send(.impression, 0, ["d", "e"])
        // Two in a row, at the start and at the end.
        try corrupt(1, recordCount)
        try topics.send(.impression, 1, ["f"])
        try corrupt(1, 3)
        try corrupt(1, recordCount)
        var reader = KafkaReader(try topics.open([.impression]))
        try reader.readToEnd()
        #expect(reader.texts[0] == ["a", "b", "c", "<corrupt \(recordCount)>", "d", "e"])
        let last = reader.texts[1]
        #expect(Array(last.prefix(2)) == ["<corrupt \(recordCount)>", "f"])
        #expect(last.dropFirst(2) == ["<corrupt 3>", "<corrupt \(recordCount)>"])
        #expect(
            reader.points[topics.partition(.impression, 1)]
                == ResumePoint(position: Int64(2 * recordCount + 4))
        )
        // A resume within the corrupt batch counts what is left of it.
        let middle = [
            topics.partition(.impression, 0): ResumePoint(position: 3 + Int64(recordCount / 2)),
            topics.partition(.impression, 1): ResumePoint(position: Int64(2 * recordCount + 4)),
        ]
        var resumed = KafkaReader(try topics.open([.impression], resume: middle))
        try resumed.readToEnd()
        #expect(resumed.texts[0] == ["<corrupt \(recordCount - recordCount / 2)>", "d", "e"])
    }

    @Test("while the brokers are away the source waits, and then goes on without loss")
    func brokersAway() throws {
        let broker = try MockBroker(
            brokerCount: 2,
            topics: [.init(name: "impressions", partitionCount: 4)]
        )
        let settings = KafkaSettings([
            "bootstrap.servers": broker.servers, "reconnect.backoff.max.ms": "200",
        ])
        var producer = try KafkaProducer(settings: settings)
        var warnings: [String] = []
        var reader = KafkaReader(
            try KafkaSource(
                settings: settings,
                topics: [.impression: "impressions"],
                warn: { warnings.append($0) }
            )
        )
        func send(_ range: Range<Int>) throws {
            for index in range {
                try producer.produce(
                    topic: "impressions",
                    partition: Int32(index % 4),
                    text: "\(index)"
                )
            }
        }
        try send(0..<400)
        try producer.flush(timeoutMilliseconds: 20_000)
        while reader.texts.joined().count < 200 {
            if try reader.round() == 0 { reader.source.wait(milliseconds: 5) }
        }
        for phase in 1...3 {
            try broker.setDown(true)
            let until = Date(timeIntervalSinceNow: 0.5)
            while Date() < until {
                if try reader.round() == 0 { reader.source.wait(milliseconds: 5) }
            }
            try send(400 * phase..<400 * (phase + 1))
            try broker.setDown(false)
            try broker.setLeader(
                topic: "impressions",
                partition: Int32(phase),
                broker: Int32(1 + phase % 2)
            )
            try broker.failNext(.fetch, count: 2, error: "_TRANSPORT")
            try producer.flush(timeoutMilliseconds: 20_000)
        }
        let deadline = Date(timeIntervalSinceNow: 120)
        while reader.texts.joined().count < 1_600, Date() < deadline {
            if try reader.round() == 0 { reader.source.wait(milliseconds: 5) }
        }
        for partition in 0..<4 {
            // A producer may deliver twice when a broker goes away, so values may repeat.
            #expect(Set(reader.texts[partition]) == Set((0..<400).map { "\($0 * 4 + partition)" }))
            #expect(
                reader.offsets[partition] == reader.offsets[partition].indices.map(Int64.init)
            )
        }
        #expect(!warnings.isEmpty)
        #expect(warnings.count < 100)
    }
}
