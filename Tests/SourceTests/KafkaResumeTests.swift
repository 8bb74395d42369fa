import Events
import Foundation
import Kafka
import Source
import TestSupport
import Testing

@Suite("Kafka source: resuming", .serialized)
struct KafkaResumeTests {
    private func hash(_ text: String) -> UInt64 { xxHash3(text.utf8Span.span) }

    /// The error of resuming after `last` at offset 2, two partitions.
    private func refusal(_ topics: borrowing Topics, last: String) -> String? {
        do {
            var reader = KafkaReader(
                try topics.open(
                    [.impression],
                    resume: [
                        topics.partition(.impression, 0): ResumePoint(position: 0),
                        topics.partition(.impression, 1): ResumePoint(
                            position: 3,
                            lastPayloadHash: hash(last)
                        ),
                    ]
                )
            )
            try reader.readToEnd()
            return nil
        } catch { return "\(error)" }
    }

    @Test("a recreated topic is refused by name, whether it is shorter, as long, or longer")
    func recreated() throws {
        var old = try Topics([.impression: 2])
        try old.send(.impression, 1, ["a", "b", "c", "d"])
        let none = refusal(old, last: "c")
        #expect(none == nil)
        guard old.broker.isEmbedded else { return }
        for count in [2, 3, 4, 50] {
            var new = try Topics([.impression: 2], named: old.broker)
            try new.send(.impression, 1, (0..<count).map { "new \($0)" })
            let text = refusal(new, last: "c") ?? "accepted with \(count) records"
            #expect(text.contains("\(new.topic(.impression)) partition 1"))
            #expect(text.contains(count < 3 ? "offset 3, is beyond the end" : "offset 2 is not"))
            #expect(text.contains("recreated"))
        }
        // The same record at the same place is as good as the old topic.
        var same = try Topics([.impression: 2], named: old.broker)
        try same.send(.impression, 1, ["x", "y", "c"])
        let accepted = refusal(same, last: "c")
        #expect(accepted == nil)
    }

    @Test("a tombstone where a payload was read is another topic's")
    func tombstone() throws {
        var topics = try Topics([.impression: 2])
        try topics.send(.impression, 1, ["a", "b"])
        try topics.producer.produce(
            topic: topics.topic(.impression),
            partition: 1,
            payload: nil
        )
        try topics.send(.impression, 1, ["d"])
        let text = refusal(topics, last: "c")
        #expect(text?.contains("offset 2 is not") == true)
    }

    @Test("what was compacted away, or cannot be read, is not compared")
    func absent() throws {
        for isCorrupt in [false, true] {
            var topics = try Topics([.impression: 2])
            guard topics.broker.isEmbedded else { return }
            if isCorrupt {
                try CorruptBatch.send(
                    to: topics.broker.servers,
                    topic: topics.topic(.impression),
                    partition: 1,
                    recordCount: 3
                )
            } else {
                try CorruptBatch.sendCompacted(
                    to: topics.broker.servers,
                    topic: topics.topic(.impression),
                    partition: 1,
                    records: [(0, "a")],
                    offsetCount: 3
                )
            }
            try topics.send(.impression, 1, ["d"])
            let text = refusal(topics, last: "c")
            #expect(text == nil)
        }
    }

    @Test("a partition with nothing applied stands where it starts, also in an old topic")
    func startPositions() throws {
        var topics = try Topics([.impression: 2])
        try topics.send(.impression, 1, ["a", "b"])
        let earliest = try topics.open([.impression]).startPositions
        #expect(earliest == [0, 0])
        let latest = try topics.open([.impression], start: .latest).startPositions
        #expect(latest == [0, 2])
        let resume = [topics.partition(.impression, 1): ResumePoint(position: 1)]
        let resumed = try topics.open([.impression], resume: resume).startPositions
        #expect(resumed == [0, 1])
    }

    @Test("told to stop, an opening that waits for brokers ends at once", arguments: [true, false])
    func stopWhileOpening(isSuspended: Bool) throws {
        let topics = try Topics([.impression: 2])
        guard topics.broker.isEmbedded else { return }
        if isSuspended { topics.broker.suspend() } else { try topics.broker.tell("down") }
        defer { topics.broker.resume() }
        let start = ContinuousClock.now
        let error = #expect(throws: SourceError.self) {
            _ = try topics.open(
                [.impression],
                timeout: 30_000,
                shouldStop: { ContinuousClock.now - start > .milliseconds(300) }
            )
        }
        #expect(error?.isStop == true)
        #expect(ContinuousClock.now - start < .seconds(15))
    }

    @Test("an opening outlives a change of leaders, and errors that pass")
    func openingInTrouble() throws {
        let topics = try Topics([.impression: 2], brokerCount: 2)
        guard topics.broker.isEmbedded else { return }
        for trouble in [
            "leader \(topics.topic(.impression))/0 2", "leader \(topics.topic(.impression))/0 1",
            "fail offsets 3 NOT_LEADER_FOR_PARTITION", "fail offsets 3 _TRANSPORT",
            "fail metadata 2 _TRANSPORT",
        ] {
            try topics.broker.tell(trouble)
            let positions = try topics.open([.impression]).startPositions
            #expect(positions == [0, 0], "\(trouble)")
        }
    }

    @Test("an answer that takes longer than the looks around is waited for")
    func slowBroker() throws {
        var topics = try Topics([.impression: 2])
        guard topics.broker.isEmbedded else { return }
        try topics.send(.impression, 0, ["a"])
        try topics.broker.tell("delay 600")
        var reader = KafkaReader(
            try topics.open(
                [.impression],
                resume: [
                    topics.partition(.impression, 0): ResumePoint(
                        position: 1,
                        lastPayloadHash: hash("a")
                    )
                ]
            )
        )
        try topics.broker.tell("delay 0")
        try reader.readToEnd()
        #expect(reader.texts == [[], []])
    }
}
