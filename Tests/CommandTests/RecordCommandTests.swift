import Foundation
import Glibc
import Kafka
import TestSupport
import Testing

@Suite("freshet record", .serialized)
struct RecordCommandTests {
    private static let topics = ["impressions": 5, "clicks": 3, "conversions": 2]
    private static let config = "events: {max_record_bytes: 4KiB}\n"

    private func generate(
        to broker: BrokerProcess,
        start: Int,
        events: Int,
        seed: Int
    ) throws {
        let names = ["impressions", "clicks", "conversions"].map(broker.topic)
        let outcome = try CommandProcess.run([
            "generate", "--kafka", broker.servers, "--topics", names.joined(separator: ","),
            "--ctr", "0.2", "--cvr", "0.3", "--click-delay", "1", "--conversion-delay", "1",
            "--events", "\(events)", "--seed", "\(seed)", "--start", "\(start)", "--rate", "200",
            "--duplicates", "0.02", "--orphans", "0.02", "--late", "0.02", "--late-by", "8",
        ])
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    private func now() -> Int { Int(Date().timeIntervalSince1970 * 1_000) }

    /// Sends what producers send in error, and some sound events in odd clothes.
    private func poison(_ broker: BrokerProcess, time: Int) throws {
        var producer = try KafkaProducer(settings: broker.settings)
        let event = #""impression_id":"odd-%","ts":\#(time),"features":{"user":1,"ad":2}"#
        func odd(_ number: Int) -> String { event.replacing("%", with: "\(number)") }
        let large = String(repeating: "x", count: 900_000)
        var texts = [
            "", "{}", "[1]", "no JSON", "a\nb", "{\"half\":", "\u{0}",
            // Sound, each in its way.
            "{\(odd(1))}", " {\(odd(2))}", "{\n  \(odd(3))\n}\n", "{\(odd(4))}\r\n",
            #"{"_offset":1,"_timestamp":2,\#(odd(5))}"#, #"{"_null":true,\#(odd(6))}"#,
            // Too large, with and without a line end.
            #"{"x":"\#(large)"}"#, "\n\(large)", String(repeating: "y", count: 4_097),
        ]
        // Years ahead of its record's timestamp.
        texts.append(
            #"{"impression_id":"far","ts":\#(time + 100_000_000_000),"features":{"user":1}}"#
        )
        for (index, text) in texts.enumerated() {
            try producer.produce(
                topic: broker.topic(["impressions", "clicks", "conversions"][index % 17 % 3]),
                partition: Int32(index % 2),
                text: text,
                timestamp: Int64(time)
            )
            // All of them among the impressions, too.
            try producer.produce(
                topic: broker.topic("impressions"),
                partition: 4,
                text: text,
                timestamp: Int64(time)
            )
        }
        for name in ["impressions", "clicks", "conversions"] {
            try producer.produce(topic: broker.topic(name), partition: 1, payload: nil)
            let invalid: [UInt8] = [0x7b, 0x22, 0xff, 0x22, 0x7d]
            try producer.produce(topic: broker.topic(name), partition: 1, payload: invalid.span)
        }
        try producer.flush(timeoutMilliseconds: 20_000)
    }

    /// Sends a batch with a wrong checksum as the first of a partition that has a broker to itself. (What
    /// librdkafka makes of an answer in which other batches lie around a corrupt one is up to chance.)
    private func corrupt(_ broker: BrokerProcess) throws {
        for (name, count) in Self.topics {
            for partition in 0..<count {
                try broker.tell("leader \(broker.topic(name))/\(partition) \(2 + partition % 2)")
            }
        }
        let topic = broker.topic("impressions")
        try broker.tell("leader \(topic)/2 1")
        let first = try #require(broker.servers.split(separator: ",").first)
        try CorruptBatch.send(to: String(first), topic: topic, partition: 2, recordCount: 37)
    }

    private func inPartitions(of broker: BrokerProcess) throws -> Int {
        let consumer = try KafkaConsumer(settings: broker.settings)
        let partitions = Self.topics.flatMap { name, count in
            (0..<count).map { (broker.topic(name), Int32($0)) }
        }
        return try consumer.watermarks(of: partitions, timeoutMilliseconds: 5_000)
            .reduce(0) { $0 + Int($1.high) }
    }

    private func expectSame(_ one: [String: Any], _ other: [String: Any]) throws {
        #expect(one["state_digest"] as? String == other["state_digest"] as? String)
        for key in ["consumed", "trained"] + places {
            let expected = try #require(one[key] as? NSObject, "\(key)")
            #expect(expected == other[key] as? NSObject, "\(key)")
        }
    }

    /// What was quarantined, apart from the files' names for partitions.
    private func quarantine(_ folder: TemporaryFolder, _ state: String) throws -> [String] {
        try folder.lines("\(state)/quarantine.jsonl").map { line in
            ["offset", "reason", "detail"].map { "\(line[$0] ?? "")" }.joined(separator: " ")
        }.sorted()
    }

    @Test("a replay of the record of what the daemon consumed, poison and all, ends in its state")
    func recordEqualsLive() throws {
        let broker = try BrokerProcess(topics: Self.topics, brokerCount: 3)
        try #require(broker.isEmbedded, "a broker of our own takes corrupt batches")
        let fixture = try CommandFixture(Self.config + CommandFixture.kafka(broker))
        let start = now() - 3_600_000
        try corrupt(broker)
        try generate(to: broker, start: start, events: 12_000, seed: 1)
        try poison(broker, time: start + 600_000)
        let output = fixture.folder.path("record")
        let record = ["record", "--config", fixture.config, "--output", output]
        let early = try CommandProcess.run(record)
        try #require(early.status == 0, "\(early.errors)")
        #expect(early.output.hasPrefix("recorded "), "\(early.output)")
        #expect(early.output.split(separator: "\n").count == 1)
        // What comes later is appended.
        try generate(to: broker, start: start + 1_200_000, events: 4_000, seed: 2)
        let produced = try inPartitions(of: broker)

        let daemon = try CommandProcess(fixture.arguments("run", ["--snapshot-every", "500ms"]))
        try wait(for: "all \(produced) events: \(daemon.errors)") {
            try fixture.consumed() == produced
        }
        daemon.send(SIGTERM)
        #expect(try daemon.finish().status == 0)
        let live = try #require(try fixture.newest()?["summary"] as? [String: Any])
        try expectLaw(live)
        #expect(try total(live, "consumed") == produced)
        #expect(try total(live, "quarantined") > 37 + 20)
        try #require(live["disordered"] as? Int == 0)

        let late = try CommandProcess.run(record)
        try #require(late.status == 0, "\(late.errors)")
        let time = try #require(live["stream_time"] as? Int)
        for (source, more) in [("files", ["--files", output]), ("topics", [])] {
            let replay = try CommandProcess.run(
                fixture.arguments(
                    "replay",
                    ["--json", "--advance-to", "\(time)"] + more,
                    state: fixture.folder.path("by-\(source)")
                )
            )
            try #require(replay.status == 0, "\(replay.errors)")
            let replayed = try replay.json
            try expectLaw(replayed)
            try expectSame(live, replayed)
            let expected = try quarantine(fixture.folder, "state")
            #expect(expected.count > 20)
            #expect(try quarantine(fixture.folder, "by-\(source)") == expected, "\(source)")
        }
    }

    @Test("recorded again, a folder gains nothing without news; the other kind of file is refused")
    func again() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        let fixture = try CommandFixture(Self.config + CommandFixture.kafka(broker))
        try generate(to: broker, start: now() - 3_600_000, events: 500, seed: 3)
        let output = fixture.folder.path("record")
        let record = ["record", "--config", fixture.config, "--output", output]
        let first = try CommandProcess.run(record + ["--plain"])
        try #require(first.status == 0, "\(first.errors)")
        let lines = try fixture.folder.lines("record/impressions-00000.jsonl")
        #expect(lines.count > 50)
        #expect(lines.enumerated().allSatisfy { $1["_offset"] as? Int == $0 })
        #expect(lines.allSatisfy { $0["_timestamp"] as? Int == $0["ts"] as? Int })
        let again = try CommandProcess.run(record)
        #expect(again.output.hasPrefix("recorded 0 impressions, 0 clicks, 0 conversions from 10"))
        #expect(try fixture.folder.lines("record/impressions-00000.jsonl").count == lines.count)
        // A folder that was recorded plain stays so.
        let files = try FileManager.default.contentsOfDirectory(atPath: output)
        #expect(!files.contains { $0.hasSuffix(".lz4") })
        let other = fixture.folder.path("other")
        _ = try CommandProcess.run(["record", "--config", fixture.config, "--output", other])
        let mixed = try CommandProcess.run([
            "record", "--config", fixture.config, "--output", other, "--plain",
        ])
        #expect(mixed.status == 1)
        #expect(mixed.complaints.first?.contains("recorded with compression") == true)
    }

    @Test("a topic that was recreated is not appended to the old one's record")
    func recreated() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        try #require(broker.isEmbedded, "a broker of our own can be replaced")
        let fixture = try CommandFixture(Self.config + CommandFixture.kafka(broker))
        try generate(to: broker, start: now() - 3_600_000, events: 500, seed: 4)
        let output = fixture.folder.path("record")
        let first = try CommandProcess.run([
            "record", "--config", fixture.config, "--output", output,
        ])
        try #require(first.status == 0, "\(first.errors)")
        let new = try BrokerProcess(topics: Self.topics, suffix: broker.suffix)
        try generate(to: new, start: now() - 3_600_000, events: 2_000, seed: 5)
        let config = try fixture.folder.write(CommandFixture.kafka(new), to: "new.yaml")
        let text = try String(contentsOfFile: fixture.config, encoding: .utf8)
        try (text.replacing(broker.servers, with: new.servers))
            .write(toFile: config, atomically: true, encoding: .utf8)
        let second = try CommandProcess.run(["record", "--config", config, "--output", output])
        #expect(second.status == 1)
        let complaint = String(second.complaints.first ?? "")
        #expect(complaint.contains("recreated"), "\(second.errors)")
        #expect(complaint.contains("\(broker.topic("impressions")) partition"))
    }

    @Test("stopped while the brokers are silent it ends at once", arguments: ["record", "run"])
    func stopWhileSilent(command: String) throws {
        let broker = try BrokerProcess(topics: Self.topics)
        try #require(broker.isEmbedded, "a broker of our own can be suspended")
        let fixture = try CommandFixture(CommandFixture.kafka(broker, timeout: "60s"))
        broker.suspend()
        defer { broker.resume() }
        let process = try CommandProcess(
            command == "run"
                ? fixture.arguments("run")
                : ["record", "--config", fixture.config, "--output", fixture.folder.path("r")]
        )
        usleep(1_500_000)
        #expect(process.isRunning)
        let start = ContinuousClock.now
        process.send(SIGTERM)
        let outcome = try process.finish()
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(outcome.status == (command == "run" ? 0 : 1), "\(outcome.errors)")
    }
}
