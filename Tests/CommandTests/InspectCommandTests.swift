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

    @Test("shows every snapshot in a table, the newest first, and one of them in detail")
    func text() throws {
        let (fixture, summary) = try replayed()
        let outcome = try CommandProcess.run(["inspect", "--state", fixture.state])
        #expect(outcome.status == 0)
        #expect(outcome.errors.isEmpty)
        let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(lines[0].prefix(3) == ["snapshot", "made", "age"])
        #expect(
            lines[1...3].map { $0[0] } == ["0000000003", "0000000002", "0000000001"]
        )
        #expect(lines[1...3].map { $0[1] == "current" } == [true, false, false])
        #expect(lines[1].contains("2500") && lines[2].contains("2000"))
        #expect(lines[4] == ["snapshot", "0000000003", "(current)"])
        let digest = try #require(summary["state_digest"] as? String)
        #expect(outcome.output.contains(digest))
        #expect(outcome.output.contains("2500 events"))
        #expect(outcome.output.contains("position      impressions-1/1 "))
        #expect(lines.contains { $0.starts(with: ["user", "categorical", "4096"]) })

        let older = try CommandProcess.run([
            "inspect", "--state", fixture.state, "--snapshot", "1",
        ])
        #expect(older.status == 0)
        #expect(older.output.contains("\nsnapshot 0000000001\n"))
        #expect(older.output.contains(" 1000 events"))
        let none = try CommandProcess.run([
            "inspect", "--state", fixture.state, "--snapshot", "7",
        ])
        #expect(none.status == 1)
        #expect(none.complaints.first?.contains("has no snapshot 7") == true)
    }

    @Test("estimates the distinct ids of every field from the rows that were touched")
    func fields() throws {
        let fixture = try CommandFixture(CommandFixture.windows)
        let events = fixture.folder.path("events")
        _ = try CommandProcess.run(["generate", "--events", "4000", "--files", events])
        let replay = try CommandProcess.run(
            fixture.arguments(
                "replay",
                ["--files", events, "--advance-to", "2026-06-01T00:00:00Z", "--json"]
            )
        )
        try #require(replay.status == 0, "\(replay.errors)")
        try expectLaw(try replay.json)
        var ids: [String: Set<String>] = [:]
        for impression in try fixture.folder.lines("events/impressions.jsonl") {
            let features = try #require(impression["features"] as? [String: Any])
            for name in ["user", "ad"] {
                if let id = features[name] { ids[name, default: []].insert("\(id)") }
            }
            for id in features["recent"] as? [Any] ?? [] {
                ids["recent", default: []].insert("\(id)")
            }
        }
        let fields = try #require(try fixture.newest()?["fields"] as? [[String: Any]])
        #expect(fields.map { $0["field"] as? String } == ["user", "ad", "recent", "age"])
        for field in fields.prefix(3) {
            let name = try #require(field["field"] as? String)
            let actual = Double(try #require(ids[name]).count)
            let rows = try #require(field["rows"] as? Double)
            let estimated = try #require(field["distinct_ids"] as? Double)
            // Three standard errors of linear counting at loads up to 2.
            #expect(
                abs(estimated - actual) < 0.1 * rows.squareRoot() * 2 + actual * 0.06,
                "\(field)"
            )
            #expect(try #require(field["rows_touched"] as? Double) <= min(rows, actual))
            let colliding = 1 - pow(1 - 1 / rows, estimated - 1)
            #expect(abs(try #require(field["colliding_share"] as? Double) - colliding) < 1e-9)
        }
        #expect(fields[3]["kind"] as? String == "bucketed")
        #expect(fields[3]["rows_touched"] as? Int == 3)
    }

    @Test("of a publication folder shows its versions, and which of them is damaged")
    func publication() throws {
        let (fixture, _) = try replayed()
        let folder = fixture.folder.path("published")
        for (version, snapshot) in [(1, 1), (2, 2), (3, 3)] {
            try FileManager.default.createDirectory(
                atPath: folder + "/versions",
                withIntermediateDirectories: true
            )
            let outcome = try CommandProcess.run([
                "export", "--state", fixture.state, "--snapshot", "\(snapshot)",
                "--format", "safetensors", "--output", folder + "/versions/000000000\(version)",
            ])
            try #require(outcome.status == 0, "\(outcome.errors)")
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/current",
            withDestinationPath: "versions/0000000003"
        )
        _ = try fixture.folder.write("stop", to: "published/HOLD")
        let features = folder + "/versions/0000000001/features.json"
        try Data("{}".utf8).write(to: URL(filePath: features))

        let outcome = try CommandProcess.run(["inspect", "--export", folder])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output.contains("\nversion 0000000003 (current)\n"))
        #expect(outcome.output.contains("held since "))
        #expect(outcome.output.contains("files         all as the manifest says"))
        #expect(outcome.output.contains("damaged: \(features)"))

        let json = try CommandProcess.run(["inspect", "--export", folder, "--json"]).json
        #expect(json["current"] as? String == "0000000003")
        #expect(json["hold"] is [String: Any])
        let versions = try #require(json["versions"] as? [[String: Any]])
        #expect(
            versions.map { $0["name"] as? String } == ["0000000001", "0000000002", "0000000003"]
        )
        #expect(versions.map { $0["files_verified"] as? Bool } == [false, true, true])
        #expect(versions.map { $0["current"] as? Bool } == [false, false, true])
        #expect((versions[1]["model"] as? String)?.hasPrefix("0000000002-") == true)

        let single = folder + "/versions/0000000001"
        let damaged = try CommandProcess.run(["inspect", "--export", single])
        #expect(damaged.status == 1)
        #expect(damaged.complaints.first?.contains(features) == true)
        let none = try CommandProcess.run(["inspect", "--export", fixture.state])
        #expect(none.status == 1)
        #expect(none.complaints.count == 1)
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
        let other = try CommandProcess.run([
            "inspect", "--state", fixture.state, "--snapshot", "2",
        ])
        #expect(other.status == 1, "the current one is damaged all the same")
        #expect(other.output.contains("\nsnapshot 0000000002\n"))

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
