import Foundation
import Glibc
import TestSupport
import Testing

@Suite("freshet replay --compare", .serialized)
struct CompareCommandTests {
    /// Writes configurations beside the fixture's: the same one under another name, and others.
    private func variants(_ fixture: CommandFixture) throws -> [String] {
        let base = String(decoding: fixture.folder.read("config.yaml"), as: UTF8.self)
        return [
            try fixture.folder.write(base, to: "same.yaml"),
            try fixture.folder.write(base + "optimizer: {embedding_rate: 0.2}\n", to: "fast.yaml"),
            try fixture.folder.write(
                base.replacing("  - {name: price, kind: numeric}\n", with: "")
                    .replacing("click_window: 20s", with: "click_window: 10s"),
                to: "short.yml"
            ),
        ]
    }

    private func compare(_ files: [String]) -> [String] { files.flatMap { ["--compare", $0] } }

    /// The configurations of a comparison by name, the law checked in each.
    private func configurations(_ json: [String: Any]) throws -> [String: [String: Any]] {
        let comparison = try #require(json["comparison"] as? [String: Any])
        let all = try #require(comparison["configurations"] as? [[String: Any]])
        for configuration in all { try expectLaw(configuration) }
        return Dictionary(
            uniqueKeysWithValues: try all.map { (try #require($0["name"] as? String), $0) }
        )
    }

    private func digest(_ summary: [String: Any]?) throws -> String {
        try #require(summary?["state_digest"] as? String)
    }

    @Test("ends in the states of separate replays, and differs from itself by exactly nothing")
    func states() throws {
        let fixture = try CommandFixture.generated(events: 30_000, seed: 1)
        let others = try variants(fixture)
        let report = fixture.folder.path("report.html")
        let outcome = try CommandProcess.run(
            fixture.arguments(
                "replay",
                fixture.fileOptions(
                    compare(others) + ["--report", report, "--snapshot-every", "5000"]
                )
            )
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        let json = try outcome.json
        let compared = try configurations(json)
        #expect(Set(compared.keys) == ["config", "same", "fast", "short"])
        #expect(try digest(compared["config"]) == digest(json))
        #expect(try digest(compared["same"]) == digest(json))
        for (name, file) in zip(["same", "fast", "short"], others) {
            let alone = try CommandProcess.run(
                ["replay", "--config", file, "--state", fixture.folder.path("alone-" + name)]
                    + fixture.fileOptions()
            )
            #expect(try digest(compared[name]) == digest(alone.json), "\(name)")
            // Saved where it says, resumable by itself.
            let state = "\(fixture.state)/compare/\(name)"
            #expect(
                try digest(fixture.newest(state: state)?["summary"] as? [String: Any])
                    == digest(alone.json)
            )
        }

        let comparison = try #require(json["comparison"] as? [String: Any])
        #expect((comparison["warning"] as? String)?.contains("serving policy") == true)
        #expect((comparison["remarks"] as? [String])?.count == 1)
        let differences = try #require(comparison["differences"] as? [[String: Any]])
        #expect(differences.map { $0["other"] as? String } == ["same", "fast", "short"])
        #expect(differences.allSatisfy { $0["seed"] as? Int == 1 })
        for (difference, isSame) in zip(differences, [true, false, false]) {
            let tasks = try #require(difference["tasks"] as? [String: [String: [String: Any]]])
            #expect(Set(tasks.keys) == ["ctr", "cvr", "ctcvr"])
            for figure in tasks.values.flatMap(\.values) {
                for part in ["difference", "low", "high"] {
                    let value = try #require(figure[part] as? Double)
                    #expect(isSame ? value == 0 : value != 0)
                }
            }
        }

        // The page says the same.
        let reader = try ReportReader(report)
        let exact = try JSONValue(outcome).member("comparison")
        var count = 0
        for (difference, name) in zip(
            try exact.member("differences").elements,
            ["same", "fast", "short"]
        ) {
            count += try reader.expect(difference.member("tasks"), at: "comparison", of: name)
        }
        #expect(count == 3 * 3 * 4 * 5)
        for (summary, name) in zip(
            try exact.member("configurations").elements,
            ["config", "same", "fast", "short"]
        ) {
            for key in ["state_digest", "consumed", "applied", "trained"] {
                count += try reader.expect(summary.member(key), at: key, of: name)
            }
        }
        #expect(count == 3 * 3 * 4 * 5 + 4 * 9)
        #expect(reader.document.contains("Logs cannot evaluate a different serving policy"))
    }

    @Test("killed and stopped at any moment goes on with each where it was")
    func killed() throws {
        let seed: UInt64 = 2
        var random = SeededGenerator(seed: seed)
        let fixture = try CommandFixture.generated(events: 60_000, seed: 2)
        let others = Array(try variants(fixture).dropFirst())
        let options = fixture.fileOptions(compare(others) + ["--snapshot-every", "2000"])
        let whole = try CommandProcess(
            fixture.arguments("replay", options, state: fixture.folder.path("whole"))
        )
        let expected = try whole.finish()
        try #require(expected.status == 0, "\(expected.errors)")
        var duration = Double(whole.elapsed / .milliseconds(1))

        var interrupted = 0
        var state = fixture.state
        for life in 0..<16 where life < 4 || interrupted < 2 {
            // A machine that was busy when it was measured may be faster now: then from the start again.
            if life > 0 && life % 4 == 0 {
                duration /= 2
                state = fixture.folder.path("state-\(life)")
            }
            let signal = life % 4 == 2 ? SIGINT : SIGKILL
            let process = try CommandProcess(fixture.arguments("replay", options, state: state))
            usleep(UInt32(Double.random(in: 0.2...0.5, using: &random) * duration * 1_000))
            process.send(signal)
            let outcome = try process.finish()
            if outcome.status == 0 { continue }
            interrupted += 1
            if signal == SIGINT && outcome.status == 1 && !outcome.output.isEmpty {
                _ = try configurations(outcome.json)
                #expect(outcome.complaints.first?.contains("the same command continues") == true)
            }
        }
        #expect(interrupted >= 2, "seed \(seed)")
        let last = try CommandProcess.run(fixture.arguments("replay", options, state: state))
        try #require(last.status == 0, "\(last.errors)")
        let (ended, uninterrupted) = try (configurations(last.json), configurations(expected.json))
        for (name, summary) in uninterrupted {
            #expect(try digest(ended[name]) == digest(summary), "\(name), seed \(seed)")
        }
        let differences = try [last, expected].map { outcome in
            let comparison = try #require(outcome.json["comparison"] as? [String: Any])
            return try #require(comparison["differences"] as? NSArray)
        }
        #expect(differences[0] == differences[1], "seed \(seed)")
    }

    @Test("goes over topics as over files")
    func topics() throws {
        let broker = try BrokerProcess(topics: ["impressions": 3, "clicks": 2, "conversions": 1])
        let fixture = try CommandFixture(CommandFixture.kafka(broker))
        let names = ["impressions", "clicks", "conversions"].map(broker.topic)
        let generated = try CommandProcess.run([
            "generate", "--kafka", broker.servers, "--topics", names.joined(separator: ","),
            "--events", "20000", "--seed", "3", "--ctr", "0.2", "--cvr", "0.3", "--late", "0.02",
            "--click-delay", "1", "--conversion-delay", "1",
            "--start", "\(Int(Date().timeIntervalSince1970 * 1_000) - 3_600_000)",
        ])
        try #require(generated.status == 0, "\(generated.errors)")
        let fast = try variants(fixture)[1]
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", ["--compare", fast, "--json"])
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        let compared = try configurations(outcome.json)
        for (name, file) in [("config", fixture.config), ("fast", fast)] {
            let alone = try CommandProcess.run([
                "replay", "--config", file, "--state", fixture.folder.path("alone-" + name),
                "--json",
            ])
            #expect(try digest(compared[name]) == digest(alone.json), "\(name)")
            #expect(try total(alone.json, "consumed") == 20_000)
        }

        let text = String(decoding: fixture.folder.read("config.yaml"), as: UTF8.self)
        let elsewhere = try fixture.folder.write(
            text.replacing(broker.topic("clicks"), with: "elsewhere"),
            to: "elsewhere.yaml"
        )
        try expectRefusal(fixture, ["--compare", elsewhere, "--json"], "kafka.topics.clicks")
    }

    @Test(
        "names the key on which configurations would have to agree, and a name that is there twice"
    )
    func refusals() throws {
        let fixture = try CommandFixture.generated(events: 500, seed: 4)
        let text = String(decoding: fixture.folder.read("config.yaml"), as: UTF8.self)
        let cohort = try fixture.folder.write(
            text.replacing("cohort: 10s", with: "cohort: 20s"),
            to: "cohort.yaml"
        )
        try expectRefusal(
            fixture,
            fixture.fileOptions(["--compare", cohort]),
            "metrics.cohort: is 20s"
        )
        try FileManager.default.createDirectory(
            atPath: fixture.folder.path("more"),
            withIntermediateDirectories: false
        )
        let twice = try fixture.folder.write(text, to: "more/config.yml")
        try expectRefusal(fixture, fixture.fileOptions(["--compare", twice]), "config")
    }

    private func expectRefusal(
        _ fixture: CommandFixture,
        _ options: [String],
        _ text: String
    ) throws {
        let state = fixture.folder.path("refused")
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", options, state: state)
        )
        #expect(outcome.status == 64)
        #expect(outcome.complaints.count == 1)
        #expect(outcome.complaints.first?.contains(text) == true, "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: state))
    }
}
