import Foundation
import TestSupport
import Testing

@Suite("freshet inspect")
struct InspectCommandTests {
    /// A fixture whose state has snapshots at 1,000, 2,000 and 2,500 events.
    private func replayed() throws -> (fixture: CommandFixture, summary: [String: Any]) {
        let fixture = try CommandFixture(CommandFixture.windows)
        let events = fixture.folder.path("events")
        let generated = try CommandProcess.run([
            "generate", "--events", "2500", "--files", events, "--partitions", "2",
        ])
        try #require(generated.status == 0, "\(generated.errors)")
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", ["--files", events, "--snapshot-every", "1000", "--json"])
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        return (fixture, try outcome.json)
    }

    @Test("shows every snapshot, the newest first, with figures and positions")
    func text() throws {
        let (fixture, summary) = try replayed()
        let outcome = try CommandProcess.run(["inspect", "--state", fixture.state])
        #expect(outcome.status == 0)
        #expect(outcome.errors.isEmpty)
        let titles = outcome.output.split(separator: "\n").filter { $0.hasPrefix("snapshot ") }
        #expect(
            titles == [
                "snapshot 0000000003 (current)", "snapshot 0000000002", "snapshot 0000000001",
            ]
        )
        let digest = try #require(summary["state_digest"] as? String)
        #expect(outcome.output.contains(digest))
        #expect(outcome.output.contains("2500 events"))
        #expect(outcome.output.contains("position      impressions-1/1 "))
    }

    @Test("as JSON has the manifest's keys beside name and age")
    func json() throws {
        let (fixture, summary) = try replayed()
        let outcome = try CommandProcess.run(["inspect", "--state", fixture.state, "--json"])
        #expect(outcome.status == 0)
        let value = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
        let snapshots = try #require(value as? [[String: Any]])
        #expect(
            snapshots.map { $0["name"] as? String } == ["0000000003", "0000000002", "0000000001"]
        )
        #expect(snapshots.map { $0["current"] as? Bool } == [true, false, false])
        let totals = try snapshots.map { snapshot in
            let summary = try #require(snapshot["summary"] as? [String: Any])
            try expectLaw(summary)
            let positions = try #require(snapshot["positions"] as? [[String: Any]])
            #expect(positions.count == 6)
            let consumed = try total(summary, "consumed")
            #expect(positions.reduce(0) { $0 + ($1["position"] as? Int ?? 0) } == consumed)
            let age = try #require(snapshot["age_seconds"] as? Double)
            #expect(age >= 0 && age < 60)
            for key in [
                "format_version", "program_version", "kernel_path", "created_at", "files",
                "configuration_fingerprint", "side_files",
            ] {
                #expect(snapshot[key] != nil, "\(key)")
            }
            return consumed
        }
        #expect(totals == [2_500, 2_000, 1_000])
        let newest = try #require(snapshots[0]["summary"] as? [String: Any])
        #expect(newest["state_digest"] as? String == summary["state_digest"] as? String)
    }

    @Test("of a damaged snapshot names the file and exits 1; a replay goes on from the one before")
    func damaged() throws {
        let (fixture, summary) = try replayed()
        let file = "state/snapshots/0000000003/manifest.json"
        let text = String(decoding: fixture.folder.read(file), as: UTF8.self)
        _ = try fixture.folder.write(
            text.replacingOccurrences(of: "\"disordered\" : 0", with: "\"disordered\" : 1"),
            to: file
        )
        let outcome = try CommandProcess.run(["inspect", "--state", fixture.state])
        #expect(outcome.status == 1)
        #expect(outcome.output.contains("damaged: "))
        #expect(outcome.complaints.first?.contains("0000000003/manifest.json") == true)

        let events = fixture.folder.path("events")
        let replay = try CommandProcess.run(
            fixture.arguments("replay", ["--files", events, "--json"])
        )
        #expect(replay.status == 0, "\(replay.errors)")
        #expect(
            try replay.json["state_digest"] as? String == summary["state_digest"] as? String
        )
    }
}
