import Foundation
import Glibc
import TestSupport
import Testing

@Suite("`freshet run` that publishes")
struct RunPublishingTests {
    private static let topics = ["impressions": 2, "clicks": 2, "conversions": 2]

    private func generate(_ broker: BrokerProcess, _ events: Int, seed: Int) throws {
        let names = ["impressions", "clicks", "conversions"].map { broker.topic($0) }
        let outcome = try CommandProcess.run([
            "generate", "--kafka", broker.servers, "--topics", names.joined(separator: ","),
            "--events", "\(events)", "--seed", "\(seed)", "--live", "--rate", "1000",
            "--ctr", "0.3", "--cvr", "0.3", "--click-delay", "0.2", "--conversion-delay", "0.2",
        ])
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    /// The model id of the newest snapshot, whose books are balanced.
    private func newestModel(_ fixture: CommandFixture) throws -> String? {
        guard let snapshot = try fixture.newest(),
            let summary = snapshot["summary"] as? [String: Any]
        else { return nil }
        try expectLaw(summary)
        return "\(snapshot["name"] as! String)-\(summary["state_digest"] as! String)"
    }

    @Test("follows its own snapshots, and leaves the last one published")
    func publishing() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        let fixture = try CommandFixture(CommandFixture.kafka(broker))
        let scene = PublicationScene(directory: fixture.folder.path("served"))
        let text = String(decoding: fixture.folder.read("config.yaml"), as: UTF8.self)
        _ = try fixture.folder.write(
            text
                + "publish: {directory: \"\(scene.directory)\", format: safetensors, keep: 2}\n",
            to: "config.yaml"
        )
        let daemon = try CommandProcess(fixture.arguments("run", ["--snapshot-every", "300ms"]))
        try generate(broker, 500, seed: 1)
        try wait(for: "two versions: \(daemon.errors)") {
            try scene.checkWhole() >= 2
        }
        try generate(broker, 500, seed: 2)
        try wait(for: "all events: \(daemon.errors)") {
            try fixture.consumed() >= 1_000
        }
        daemon.send(SIGTERM)
        let outcome = try daemon.finish()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let newest = try #require(try newestModel(fixture))
        #expect(try scene.model == newest, "\(outcome.errors)")
        #expect(try scene.checkWhole() >= 2)
        #expect(scene.versions.count == 2)
        #expect(!outcome.errors.contains("warning"), "\(outcome.errors)")
    }

    @Test("learns on where nothing can be published, and says why")
    func unusableFolder() throws {
        let broker = try BrokerProcess(topics: Self.topics)
        let fixture = try CommandFixture(CommandFixture.kafka(broker))
        let text = String(decoding: fixture.folder.read("config.yaml"), as: UTF8.self)
        _ = try fixture.folder.write(
            text + "publish: {directory: \"\(fixture.config)\", format: safetensors}\n",
            to: "config.yaml"
        )
        let daemon = try CommandProcess(fixture.arguments("run", ["--snapshot-every", "300ms"]))
        try generate(broker, 300, seed: 3)
        try wait(for: "all events: \(daemon.errors)") {
            try fixture.consumed() >= 300
        }
        #expect(daemon.errors.contains("publishing fails"))
        #expect(daemon.errors.contains("\(fixture.config): it is a file, not a folder"))
        daemon.send(SIGTERM)
        #expect(try daemon.finish().status == 0)
        #expect(try newestModel(fixture) != nil)
    }
}
