import Events
import Foundation
import Kafka
import Source
import TestSupport
import Testing

@Suite("Kafka source", .serialized)
struct KafkaSourceTests {
    private func numbered(_ count: Int, _ prefix: String = "") -> [String] {
        (0..<count).map { "\(prefix)\($0)" }
    }

    @Test("a replay hands over everything once, in order, up to the ends at its start")
    func replay() throws {
        var topics = try Topics([.impression: 20, .click: 12, .conversion: 3])
        let sizes: [Role: [Int]] = [
            .impression: (0..<20).map { [5_000, 0, 1, 90][$0 % 4] },
            .click: (0..<12).map { $0 * 7 },
            .conversion: [0, 2, 0],
        ]
        for (role, counts) in sizes {
            for (partition, count) in counts.enumerated() where count > 0 {
                try topics.send(role, Int32(partition), numbered(count, "\(role)/\(partition)/"))
            }
        }
        var reader = KafkaReader(try topics.open(Role.allCases))
        // Comes after the start, so a replay does not see it.
        try topics.send(.impression, 0, ["later"])
        try topics.send(.impression, 1, ["later"])
        try reader.readToEnd()
        let partitions = reader.source.partitions
        #expect(partitions.count == 35)
        #expect(
            partitions
                == partitions.sorted {
                    ($0.role.rawValue, $0.number) < ($1.role.rawValue, $1.number)
                }
        )
        for (index, partition) in partitions.enumerated() {
            let count = sizes[partition.role]?[Int(partition.number)] ?? 0
            #expect(
                reader.texts[index] == numbered(count, "\(partition.role)/\(partition.number)/"),
                "\(partition)"
            )
            #expect(reader.offsets[index] == (0..<Int64(count)).map { $0 })
            #expect(reader.source.endsAtStart[index] == Int64(count))
        }
        #expect(try reader.round() == 0)
    }

    @Test("live, a partition is at its end until something new is handed over, and again after it")
    func liveEnd() throws {
        var topics = try Topics([.impression: 2])
        var reader = KafkaReader(try topics.open([.impression], extent: .live))
        try reader.readToEnd()
        for step in 0..<3 {
            try topics.send(.impression, 1, ["step \(step)"])
            while try reader.round() == 0 { reader.source.wait(milliseconds: 50) }
            try reader.readToEnd()
        }
        #expect(reader.texts == [[], ["step 0", "step 1", "step 2"]])
        #expect(reader.source.backlog(partition: 1) == 0)
    }

    @Test("a record on a quiet topic arrives within milliseconds, and waiting does not spin")
    func latency() throws {
        var topics = try Topics([.impression: 16, .click: 16])
        var reader = KafkaReader(try topics.open([.impression, .click], extent: .live))
        try reader.readToEnd()
        var delays: [Duration] = []
        var rounds = 0
        for step in 0..<20 {
            try topics.send(step % 2 == 0 ? .impression : .click, Int32(step % 16), ["x"])
            let start = ContinuousClock.now
            while try reader.round() == 0 {
                reader.source.wait(milliseconds: 100)
                rounds += 1
            }
            delays.append(ContinuousClock.now - start)
        }
        let median = delays.sorted()[delays.count / 2]
        print("median delay on a quiet topic: \(median), \(rounds) rounds for 20 records")
        #expect(median < .milliseconds(200))
        #expect(rounds < 400)
    }

    @Test("stopped anywhere and resumed, every record comes once and in order", arguments: 1...3)
    func resume(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var topics = try Topics([.impression: 5])
        let sizes = (0..<5).map { _ in Int.random(in: 0..<3_000, using: &random) }
        for (partition, count) in sizes.enumerated() {
            try topics.send(.impression, Int32(partition), numbered(count))
        }
        var points: [Partition: ResumePoint] = [:]
        var texts = Array(repeating: [String](), count: 5)
        var restarts = 0
        while texts.map(\.count) != sizes {
            try #require(restarts < 200, "seed \(seed)")
            var reader = KafkaReader(
                try topics.open([.impression], resume: points),
                resume: points
            )
            for _ in 0..<Int.random(in: 1..<30, using: &random) {
                if try reader.fetch(Int.random(in: 0..<5, using: &random)) == 0 {
                    reader.source.wait(milliseconds: 5)
                }
            }
            points = reader.points
            for index in texts.indices { texts[index] += reader.texts[index] }
            restarts += 1
        }
        #expect(texts == sizes.map { numbered($0) }, "seed \(seed)")
    }

    @Test("earliest, latest and a partition that is new since the snapshot")
    func starts() throws {
        var topics = try Topics([.impression: 2])
        try topics.send(.impression, 0, numbered(3))
        try topics.send(.impression, 1, numbered(4))
        var latest = KafkaReader(
            try topics.open([.impression], start: .latest, extent: .live)
        )
        try latest.readToEnd()
        try topics.send(.impression, 1, ["new"])
        while try latest.round() == 0 { latest.source.wait(milliseconds: 50) }
        #expect(latest.texts == [[], ["new"]])
        let resume = [topics.partition(.impression, 0): ResumePoint(position: 2)]
        var resumed = KafkaReader(try topics.open([.impression], resume: resume))
        try resumed.readToEnd()
        #expect(resumed.texts == [["2"], ["0", "1", "2", "3", "new"]])
        // Neither is there a record of that time yet, so both start at the end.
        var later = KafkaReader(
            try topics.open([.impression], start: .timestamp(4_000_000_000_000))
        )
        try later.readToEnd()
        #expect(later.texts == [[], []])
    }

    @Test("a start by time begins at the first record of that time")
    func startByTime() throws {
        var topics = try Topics([.impression: 1])
        // The embedded broker answers every time with the end.
        guard !topics.broker.isEmbedded else { return }
        for time: Int64 in [1_000, 2_000, 3_000] {
            try topics.producer.produce(
                topic: topics.topic(.impression),
                partition: 0,
                text: "\(time)",
                timestamp: time
            )
        }
        try topics.producer.flush(timeoutMilliseconds: 10_000)
        var reader = KafkaReader(try topics.open([.impression], start: .timestamp(1_500)))
        try reader.readToEnd()
        #expect(reader.texts == [["2000", "3000"]])
    }

    @Test("tombstones, large records and timestamps are told apart")
    func contents() throws {
        var topics = try Topics([.impression: 1])
        let topic = topics.topic(.impression)
        try topics.send(.impression, 0, ["a"])
        try topics.producer.produce(topic: topic, partition: 0, payload: nil, timestamp: 7)
        try topics.producer.produce(
            topic: topic,
            partition: 0,
            text: String(repeating: "x", count: 900_000),
            timestamp: 8
        )
        try topics.producer.produce(
            topic: topic,
            partition: 0,
            text: String(repeating: "y", count: 1_001),
            timestamp: 9
        )
        try topics.send(.impression, 0, [String(repeating: "z", count: 1_000)])
        var reader = KafkaReader(try topics.open([.impression], recordBytesMax: 1_000))
        try reader.readToEnd()
        #expect(
            reader.texts == [
                [
                    "a", "<null>", "<large 900000>", "<large 1001>",
                    String(repeating: "z", count: 1_000),
                ]
            ]
        )
        #expect(
            reader.found[0].map(\.header) == ["0@1000", "1@7", "2@8", "3@9", "4@1000"]
        )
        var whole = KafkaReader(try topics.open([.impression]))
        try whole.readToEnd()
        #expect(whole.texts[0].map(\.utf8.count) == [1, 6, 900_000, 1_001, 1_000])
    }

    @Test("a replay of 300,000 records of 700 bytes counts and measures them all")
    func throughput() throws {
        var topics = try Topics([.impression: 32])
        let fields = (0..<50).map { "\"field_\($0)\":\($0 * 97)" }.joined(separator: ",")
        let tail = fields.utf8.prefix(690)
        for index in 0..<300_000 {
            let payload = Array("\(1_000_000_000 + index * 7_919)".utf8) + tail
            try topics.producer.produce(
                topic: topics.topic(.impression),
                partition: Int32(index % 32),
                payload: payload.span
            )
        }
        try topics.producer.flush(timeoutMilliseconds: 60_000)
        var source = try topics.open([.impression])
        let start = ContinuousClock.now
        var count = 0
        var byteCount = 0
        var isOpen = true
        while isOpen {
            let before = count
            isOpen = false
            for index in source.partitions.indices where !source.isAtEnd(partition: index) {
                isOpen = true
                try source.fetch(partition: index) { _, _, payload in
                    count += 1
                    byteCount += payload.count
                }
            }
            if count == before { source.wait(milliseconds: 5) }
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        print(
            "read \(Int(Double(count) / seconds)) records of \(byteCount / count) bytes per second"
        )
        #expect(count == 300_000)
    }

    /// What another consumer of the group sees.
    private func committed(
        _ topics: borrowing Topics,
        group: String,
        partitionCount: Int32
    ) throws -> [Int64?] {
        let observer = try KafkaConsumer(settings: topics.broker.settings(["group.id": group]))
        return try observer.committed(
            (0..<partitionCount).map { (topics.topic(.impression), $0) },
            timeoutMilliseconds: 10_000
        )
    }

    @Test(
        "positions are committed without waiting, and other consumers of the group see the newest"
    )
    func commit() throws {
        var topics = try Topics([.impression: 3])
        try topics.send(.impression, 1, numbered(9))
        try topics.send(.impression, 2, numbered(4))
        let group = "group-\(topics.topic(.impression))"
        let points = [topics.partition(.impression, 2): ResumePoint(position: 4)]
        var source = try topics.open([.impression], resume: points, settings: ["group.id": group])
        for position: Int64 in 1...7 {
            let start = ContinuousClock.now
            // Nothing of partition 2 has been applied; it stands where it was resumed.
            source.commit(positions: [0, position, 0])
            #expect(ContinuousClock.now - start < .seconds(2))
        }
        source.finishCommit(milliseconds: 10_000)
        #expect(try committed(topics, group: group, partitionCount: 3) == [0, 7, 4])
        // While it reads, answers are taken and what waits is sent.
        source.commit(positions: [0, 8, 4])
        source.commit(positions: [0, 9, 4])
        for _ in 0..<200 { source.wait(milliseconds: 5) }
        #expect(try committed(topics, group: group, partitionCount: 3) == [0, 9, 4])
    }

    @Test("without a group nothing is committed")
    func commitWithoutGroup() throws {
        let topics = try Topics([.impression: 1])
        for settings in [[:], ["group.id": ""]] {
            var source = try topics.open([.impression], settings: settings)
            source.commit(positions: [0])
            source.finishCommit(milliseconds: 1_000)
        }
        #expect(try committed(topics, group: "freshet", partitionCount: 1) == [nil])
    }
}

/// SplitMix64.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var bits = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return bits ^ (bits >> 31)
    }
}
