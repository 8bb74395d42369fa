import Events
import Foundation
import Pipeline
import Snapshot
import TestSupport
import Testing

/// A folder with a configuration of a small model and short windows, a stream, and state directories.
final class FaultScene {
    let folder = try! TemporaryFolder()
    let config: String
    private(set) var produced = 0

    /// - Parameters:
    ///   - broker: where `run` and `replay` read; nil: `replay` reads the folder `events`.
    ///   - librdkafka: further settings of the client.
    ///   - cohort: the width of the metrics' cohorts; wide ones make small snapshots.
    ///   - more: further lines of the configuration.
    init(
        broker: BrokerProcess? = nil,
        librdkafka: String = "",
        cohort: String = "10s",
        _ more: String = ""
    ) throws {
        var text = """
            features:
              - {name: user, kind: categorical, rows: 512}
              - {name: ad, kind: categorical, rows: 256}
              - {name: recent, kind: list, rows: 256}
              - {name: price, kind: numeric}
              - {name: age, kind: bucketed, buckets: [25, 45]}
            model: {embedding_dimension: 4, experts: {count: 2, layers: [8]}, towers: {layers: [4]}}
            metrics: {cohort: \(cohort)}
            \(more)

            """
        if !more.contains("join:") {
            text +=
                "join: {click_window: 4s, conversion_window: 6s, orphan_window: 2s, closed_memory: 10s}\n"
        }
        if let broker {
            text += """
                kafka:
                  settings: {bootstrap.servers: "\(broker.servers)"\(librdkafka.isEmpty ? "" : ", ")\(librdkafka)}
                  topics:
                    impressions: \(broker.topic("impressions"))
                    clicks: \(broker.topic("clicks"))
                    conversions: \(broker.topic("conversions"))

                """
        }
        config = try folder.write(text, to: "config.yaml")
    }

    var events: String { folder.path("events") }

    /// Sends exactly `events` events, with flaws, to the broker or to the folder `events`.
    /// - Parameter isLive: Whether they come when their times come, from now on; otherwise they are
    ///   of the first of January 2026.
    func generate(
        to broker: BrokerProcess? = nil,
        events: Int,
        seed: UInt64,
        isLive: Bool = false
    ) throws {
        var arguments = [
            "--events", "\(events)", "--seed", "\(seed)", "--ctr", "0.2", "--cvr", "0.3",
            "--duplicates", "0.02", "--orphans", "0.02",
        ]
        arguments +=
            isLive
            ? ["--click-delay", "0.3", "--conversion-delay", "0.3", "--live", "--rate", "2000"]
            : [
                "--click-delay", "1", "--conversion-delay", "2", "--late", "0.02", "--late-by",
                "12",
            ]
        if let broker {
            let topics = Role.allCases.map { broker.topic($0.plural) }.joined(separator: ",")
            arguments += ["--kafka", broker.servers, "--topics", topics]
            arguments += ["--kafka-setting", "compression.codec=lz4"]
        } else {
            arguments += ["--files", self.events, "--partitions", "3"]
        }
        let outcome = try CommandProcess.run(["generate"] + arguments)
        try #require(outcome.status == 0, "\(outcome.errors)")
        produced += events
    }

    /// Puts lines that are no events between those of the folder `events`, at random places.
    func poison(linesPerFile: Int, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for name in try FileManager.default.contentsOfDirectory(atPath: events).sorted()
        where name.hasSuffix(".jsonl") {
            var lines = folder.read("events/" + name).split(separator: UInt8(ascii: "\n"))
            for _ in 0..<linesPerFile {
                let line = ["no JSON", #"{"ts": 1}"#, #"{"impression_id": "x", "ts": 9e99}"#]
                    .randomElement(using: &random)!
                lines.insert(
                    Data(line.utf8),
                    at: Int.random(in: 0...lines.count, using: &random)
                )
            }
            let text = lines.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
            _ = try folder.write(text + "\n", to: "events/" + name)
            produced += linesPerFile
        }
    }

    /// The arguments of a command on the state directory `state`.
    func arguments(_ command: String, state: String, _ more: [String] = []) -> [String] {
        [command, "--config", config, "--state", folder.path(state)] + more
    }

    /// The text of `CURRENT`; nil without one.
    func current(_ state: String) -> String? {
        let text = folder.read(state + "/CURRENT")
        return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
    }

    /// What the newest snapshot says; nil without one. May be asked while snapshots are written.
    func newest(_ state: String) throws -> SnapshotBody? {
        let store = SnapshotStore(reading: folder.path(state))
        for _ in 0..<100 {
            guard let name = try store.current() else { return nil }
            if let manifest = try? store.manifest(of: name, as: SnapshotBody.self) {
                return manifest.body
            }
            // It has been replaced and removed in between.
            usleep(1_000)
        }
        return try store.current().map { try store.manifest(of: $0, as: SnapshotBody.self).body }
    }

    /// Waits until `CURRENT` names another snapshot, the process has ended or time is up.
    func awaitProgress(
        beyond before: String?,
        of process: CommandProcess,
        state: String,
        seconds: Double = 120
    ) -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while process.isRunning, ContinuousClock.now < deadline {
            if current(state) != before { return true }
            usleep(500)
        }
        return current(state) != before
    }
}

/// consumed = applied + duplicate + … + pending, for each kind of event.
func expectLaw(_ summary: Summary) {
    for role in Role.allCases {
        let places = Place.allCases.reduce(0) { $0 + summary[$1][role] }
        #expect(summary.consumed[role] == places, "\(role)")
    }
}

/// Two states that must be the same to the bit, with the same positions and counts.
func expectSame(_ actual: SnapshotBody, _ expected: SnapshotBody, _ comment: Comment) {
    expectLaw(actual.summary)
    #expect(actual.summary.stateDigest == expected.summary.stateDigest, comment)
    #expect(actual.positions == expected.positions, comment)
    #expect(actual.summary.consumed == expected.summary.consumed, comment)
    for place in Place.allCases {
        #expect(actual.summary[place] == expected.summary[place], "\(place), \(comment)")
    }
    #expect(actual.summary.trained == expected.summary.trained, comment)
    #expect(actual.summary.streamTime == expected.summary.streamTime, comment)
    #expect(actual.summary.disordered == expected.summary.disordered, comment)
}
