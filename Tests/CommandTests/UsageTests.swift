import Foundation
import TestSupport
import Testing

@Suite("Wrong usage")
struct UsageTests {
    @Test(
        "a wrong configuration exits 64 with one line that names the key",
        arguments: [
            ("join: {click_windw: 5s}", "join.click_windw"),
            ("join: {click_window: [1]}", "join.click_window"),
            ("join: {click_window: -5s}", "join.click_window"),
            ("optimizer: {dense_rate: 0}", "optimizer.dense_rate"),
            ("optimizer: {embedding_rate: fast}", "optimizer.embedding_rate"),
            ("snapshots: {every: 0s}", "snapshots.every"),
            ("kafka: {topics: {clicks: impressions}}", "kafka.topics"),
        ],
        ["run", "replay"]
    )
    func configuration(wrong: (yaml: String, key: String), command: String) throws {
        let fixture = try CommandFixture(wrong.yaml)
        let outcome = try CommandProcess.run(fixture.arguments(command), seconds: 10)
        #expect(outcome.status == 64)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("\(fixture.config):"), "\(outcome.errors)")
        #expect(outcome.errors.contains(" \(wrong.key): "), "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: fixture.state))
    }

    @Test("a feature that is listed twice is named")
    func featureTwice() throws {
        let folder = try TemporaryFolder()
        let config = try folder.write(
            """
            features:
              - {name: user, kind: categorical, rows: 10}
              - {name: user, kind: numeric}
            """,
            to: "config.yaml"
        )
        let outcome = try CommandProcess.run([
            "replay", "--config", config, "--state", folder.path("state"),
        ])
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("config.yaml:3: features.user: is listed twice"))
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    @Test(
        "wrong options exit 64 with one line",
        arguments: [
            ["replay", "--bogus"], ["run"], ["replay", "--config", "c.yaml"], ["rum"],
            ["run", "--config", "c.yaml", "--state", "s", "--snapshot-every", "often"],
            ["replay", "--config", "c.yaml", "--state", "s", "--until", "tomorrow"],
            ["generate", "--events", "0", "--files", "x"], ["inspect"], ["broker", "--topic", "a"],
            ["predict"], ["predict", "--state", "s", "--export", "e"],
            ["predict", "--export", "e", "--snapshot", "3"], ["predict", "--state", "s", "--json"],
            ["predict", "--skew"], ["predict", "--skew", "--exports", "e", "--state", "s"],
            ["inspect", "--state", "s", "--export", "e"], ["diff", "1"],
        ]
    )
    func options(arguments: [String]) throws {
        let outcome = try CommandProcess.run(arguments, seconds: 10)
        #expect(outcome.status == 64)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.complaints.count == 1)
    }

    @Test("a missing file or folder exits with one line that names it")
    func missing() throws {
        let fixture = try CommandFixture()
        let cases: [([String], Int32, String)] = [
            (["run", "--config", "/nowhere.yaml", "--state", fixture.state], 64, "/nowhere.yaml"),
            (fixture.arguments("replay", ["--files", "/nowhere"]), 1, "/nowhere"),
            (["inspect", "--state", "/nowhere"], 1, "/nowhere"),
        ]
        for (arguments, status, name) in cases {
            let outcome = try CommandProcess.run(arguments, seconds: 10)
            #expect(outcome.status == status)
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            #expect(outcome.complaints.first?.contains(name) == true, "\(outcome.errors)")
        }
    }

    @Test("a configuration that no longer fits the state is refused, naming the key")
    func changedConfiguration() throws {
        let fixture = try CommandFixture(CommandFixture.windows)
        let events = fixture.folder.path("events")
        _ = try CommandProcess.run(["generate", "--events", "300", "--files", events])
        let replay = fixture.arguments("replay", ["--files", events])
        #expect(try CommandProcess.run(replay).status == 0)
        let text = String(decoding: fixture.folder.read("config.yaml"), as: UTF8.self)
        _ = try fixture.folder.write(
            text.replacingOccurrences(of: "click_window: 20s", with: "click_window: 21s"),
            to: "config.yaml"
        )
        let outcome = try CommandProcess.run(replay)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("join.click_window: is 21s"), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }
}
