import Foundation
import Glibc
import Kafka
import TestSupport
import Testing

@Suite("freshet run", .serialized)
struct RunCommandTests {
    private static let topics = ["impressions": 4, "clicks": 3, "conversions": 2]

    /// Sends a stream to the broker's topics.
    /// - Returns: how many events it had.
    private func generate(to broker: BrokerProcess, _ options: [String]) throws -> Int {
        let names = ["impressions", "clicks", "conversions"].map(broker.topic)
        let outcome = try CommandProcess.run(
            [
                "generate", "--kafka", broker.servers, "--topics", names.joined(separator: ","),
                "--ctr", "0.2", "--cvr", "0.3", "--click-delay", "1", "--conversion-delay", "1",
                "--json",
            ] + options
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        return try ["impressions", "clicks", "conversions"].reduce(0) {
            $0 + (try outcome.json[$1] as? Int ?? 0)
        }
    }

    private func now() -> Int { Int(Date().timeIntervalSince1970 * 1_000) }

    @Test("consumes everything once over restarts, and a replay of the topics ends in its state")
    func resumesAndEqualsReplay() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        let fixture = try CommandFixture(CommandFixture.kafka(broker))
        let start = now() - 3_600_000
        var produced = try generate(
            to: broker,
            [
                "--events", "20000", "--seed", "1", "--start", "\(start)", "--rate", "200",
                "--duplicates", "0.02", "--orphans", "0.02", "--late", "0.02", "--late-by", "8",
            ]
        )
        let arguments = fixture.arguments("run", ["--snapshot-every", "500ms"])

        let first = try CommandProcess(arguments)
        try wait(for: "all \(produced) events: \(first.errors)") {
            try fixture.consumed() == produced
        }
        first.send(SIGTERM)
        let stopped = try first.finish()
        #expect(stopped.status == 0, "\(stopped.errors)")
        #expect(stopped.complaints.isEmpty)

        // Goes on with what comes live; a kill in between loses nothing either.
        let killed = try CommandProcess(arguments)
        produced += try generate(
            to: broker,
            ["--live", "--events", "600", "--seed", "2", "--rate", "150"]
        )
        killed.send(SIGKILL)
        #expect(try killed.finish().status == nil)
        let second = try CommandProcess(arguments)
        produced += try generate(
            to: broker,
            ["--live", "--events", "300", "--seed", "3", "--rate", "150"]
        )
        try wait(for: "all \(produced) events: \(second.errors)") {
            try fixture.consumed() >= produced
        }
        second.send(SIGTERM)
        #expect(try second.finish().status == 0)

        let snapshot = try #require(try fixture.newest())
        let live = try #require(snapshot["summary"] as? [String: Any])
        try expectLaw(live)
        #expect(try total(live, "consumed") == produced)
        for place in ["duplicate", "late", "orphaned"] {
            #expect(try total(live, place) > 0, "\(place)")
        }
        let positions = try #require(snapshot["positions"] as? [[String: Any]])
        #expect(positions.count == 9)
        #expect(positions.reduce(0) { $0 + ($1["position"] as? Int ?? 0) } == produced)
        try expectCommitted(positions, broker)
        let time = try #require(live["stream_time"] as? Int)
        #expect(time > now() - 60_000, "stream time follows the clock")

        let replay = try CommandProcess.run(
            fixture.arguments(
                "replay",
                ["--json", "--advance-to", "\(time)"],
                state: fixture.folder.path("replayed")
            )
        )
        try #require(replay.status == 0, "\(replay.errors)")
        let replayed = try replay.json
        #expect(replayed["disordered"] as? Int == 0)
        // A machine that stalls for longer than the ordering delay makes the live run disordered.
        try #require(live["disordered"] as? Int == 0)
        #expect(replayed["state_digest"] as? String == live["state_digest"] as? String)
        for key in ["consumed", "applied", "trained"] {
            let expected = try #require(live[key] as? NSObject)
            #expect(expected == replayed[key] as? NSObject, "\(key)")
        }
    }

    /// The positions of the last snapshot, as lag tools see them.
    private func expectCommitted(
        _ positions: [[String: Any]],
        _ broker: BrokerProcess
    ) throws {
        let consumer = try KafkaConsumer(settings: broker.settings(["group.id": "freshet"]))
        let partitions = try positions.map {
            (
                topic: try #require($0["name"] as? String),
                partition: Int32(try #require($0["partition"] as? Int))
            )
        }
        let committed = try consumer.committed(partitions, timeoutMilliseconds: 10_000)
        #expect(committed == positions.map { ($0["position"] as? Int).map(Int64.init) })
    }

    @Test("on a state directory in use exits at once and names who uses it")
    func secondDaemon() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        let fixture = try CommandFixture(CommandFixture.kafka(broker))
        let first = try CommandProcess(fixture.arguments("run"))
        try wait(for: "the first daemon") {
            !fixture.folder.read("state/LOCK").isEmpty
        }
        for command in ["run", "replay"] {
            let second = try CommandProcess.run(fixture.arguments(command))
            #expect(second.status == 1)
            #expect(second.errors.split(separator: "\n").count == 1, "\(second.errors)")
            #expect(second.errors.contains("in use by process \(first.identifier)"))
        }
        #expect(first.isRunning)
        first.send(SIGINT)
        #expect(try first.finish().status == 0)
    }

    @Test("without a topic says which, in one line", arguments: ["run", "replay"])
    func missingTopic(command: String) throws {
        let broker = try BrokerProcess(topics: ["impressions": 1, "clicks": 1])
        let fixture = try CommandFixture(CommandFixture.kafka(broker, timeout: "4s"))
        let process = try CommandProcess(fixture.arguments(command))
        let outcome = try process.finish()
        #expect(process.elapsed < .seconds(30))
        #expect(outcome.status == 1)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.complaints.first?.contains(broker.topic("conversions")) == true)
    }

    @Test("with a broker that says nothing gives up within the configured time, in one line")
    func silentBroker() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        try #require(broker.isEmbedded, "a broker of our own is needed to suspend it")
        let fixture = try CommandFixture(CommandFixture.kafka(broker, timeout: "2s"))
        broker.suspend()
        defer { broker.resume() }
        let process = try CommandProcess(fixture.arguments("run"))
        let outcome = try process.finish()
        #expect(process.elapsed < .seconds(9), "\(process.elapsed)")
        #expect(outcome.status == 1)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.complaints.first?.contains(broker.servers) == true, "\(outcome.errors)")
    }
}
