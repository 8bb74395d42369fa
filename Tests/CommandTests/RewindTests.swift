import Foundation
import Glibc
import TestSupport
import Testing

@Suite("Going back", .serialized)
struct RewindTests {
    private func fixture() throws -> (CommandFixture, files: String) {
        let fixture = try CommandFixture(CommandFixture.windows)
        let files = fixture.folder.path("events")
        let outcome = try CommandProcess.run(
            ["generate", "--events", "6000", "--seed", "7", "--files", files]
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        return (fixture, files)
    }

    @Test("to a snapshot before poisoned data, without it, ends as if it had never been read")
    func rewinds() throws {
        let (fixture, files) = try fixture()
        let skip = ["--skip", "impressions/0:3000-3499", "--skip", "impressions/0:4000-4000"]
        let never = try CommandProcess.run(
            fixture.arguments(
                "replay",
                ["--files", files, "--json"] + skip,
                state: fixture.folder.path("never")
            )
        )
        let expected = try never.json

        let options = ["--files", files, "--json", "--snapshot-every", "2000"]
        let poisoned = try CommandProcess.run(fixture.arguments("replay", options))
        #expect(try poisoned.json["state_digest"] as? String != expected["state_digest"] as? String)

        let back = ["--from-snapshot", "1"] + skip
        let rewound = try CommandProcess.run(fixture.arguments("replay", options + back))
        let summary = try rewound.json
        #expect(rewound.errors.contains("went back to an older snapshot"))
        try expectLaw(summary)
        #expect(summary["state_digest"] as? String == expected["state_digest"] as? String)
        #expect((summary["quarantined"] as? [String: Int])?["impressions"] == 501)
        let consumed = try #require(summary["consumed"] as? NSObject)
        #expect(consumed == expected["consumed"] as? NSObject)
    }

    @Test("that is refused for another reason leaves the newer snapshots")
    func refusedRewind() throws {
        let (fixture, files) = try fixture()
        let options = ["--files", files, "--snapshot-every", "2000"]
        let whole = try CommandProcess.run(fixture.arguments("replay", options))
        try #require(whole.status == 0, "\(whole.errors)")
        let snapshots = fixture.state + "/snapshots"
        let before = try FileManager.default.contentsOfDirectory(atPath: snapshots).sorted()
        #expect(before.count == 3)
        let refused = try CommandProcess.run(
            fixture.arguments(
                "replay",
                options + ["--from-snapshot", "1", "--skip", "nothing/0:1-2"]
            )
        )
        #expect(refused.status == 1)
        let after = try FileManager.default.contentsOfDirectory(atPath: snapshots).sorted()
        #expect(after == before)
        // Without going back, what was learnt stays, and that is said.
        let late = try CommandProcess.run(
            fixture.arguments("replay", options + ["--skip", "impressions/0:1-2"])
        )
        #expect(late.status == 0)
        #expect(late.errors.contains("lie before the position"), "\(late.errors)")
    }

    @Test("to a snapshot that is not there, or by offsets that are none, says so in one line")
    func refusals() throws {
        let (fixture, files) = try fixture()
        let cases: [(more: [String], status: Int32, says: String)] = [
            (["--from-snapshot", "9"], 1, "has no such snapshot"),
            (["--from-snapshot", "../0000000001"], 1, "has no such snapshot"),
            (["--skip", "impressions:1-2"], 64, "skip"),
            (["--skip", "nothing/0:1-2"], 1, "impressions/0, clicks/0, conversions/0"),
        ]
        for (more, status, says) in cases {
            let outcome = try CommandProcess.run(
                fixture.arguments("replay", ["--files", files] + more)
            )
            #expect(outcome.status == status, "\(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains(says), "\(outcome.errors)")
        }
    }

    @Test("with a second signal ends at once what the first one cannot")
    func secondSignal() throws {
        let fixture = try CommandFixture(CommandFixture.windows)
        // Nobody writes to the pipe, so that opening it never returns.
        let files = fixture.folder.path("events")
        try FileManager.default.createDirectory(
            atPath: files,
            withIntermediateDirectories: false
        )
        try #require(unsafe mkfifo(files + "/impressions.jsonl", 0o600) == 0)
        let process = try CommandProcess(fixture.arguments("replay", ["--files", files]))
        try wait(for: "the state directory") {
            FileManager.default.fileExists(atPath: fixture.state + "/LOCK")
        }
        usleep(300_000)
        process.send(SIGTERM)
        usleep(300_000)
        #expect(process.isRunning)
        let start = ContinuousClock.now
        process.send(SIGTERM)
        #expect(try process.finish().status == nil)
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
