import Foundation
import Glibc
import TestSupport
import Testing

@Suite("freshet replay", .serialized)
struct ReplayCommandTests {
    /// A fixture with a generated stream in `events`.
    private func fixture(events: Int, seed: Int) throws -> CommandFixture {
        let fixture = try CommandFixture(CommandFixture.windows)
        let outcome = try CommandProcess.run([
            "generate", "--events", "\(events)", "--seed", "\(seed)",
            "--files", fixture.folder.path("events"), "--partitions", "2",
            "--ctr", "0.2", "--cvr", "0.3", "--conversion-delay", "20",
            "--duplicates", "0.03", "--orphans", "0.03", "--late", "0.03", "--late-by", "90",
        ])
        try #require(outcome.status == 0, "\(outcome.errors)")
        return fixture
    }

    private func options(_ fixture: CommandFixture, _ more: [String] = []) -> [String] {
        ["--files", fixture.folder.path("events"), "--json"] + more
    }

    @Test("prints a summary with every documented key, and the law holds in it")
    func summary() throws {
        let fixture = try fixture(events: 20_000, seed: 1)
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", options(fixture, ["--snapshot-every", "7000"]))
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.complaints.isEmpty)
        let summary = try outcome.json
        #expect(
            Set(summary.keys)
                == Set(places).union([
                    "consumed", "partitions", "trained", "skipped_updates", "disordered", "metrics",
                    "stream_time", "silence", "state_digest", "snapshot", "seconds",
                ])
        )
        try expectLaw(summary)
        #expect(try total(summary, "consumed") == 20_000)
        for place in ["applied", "duplicate", "late", "orphaned"] {
            #expect(try total(summary, place) > 0, "\(place)")
        }
        #expect(summary["disordered"] as? Int == 0)
        #expect(summary["silence"] is NSNull)
        #expect((summary["trained"] as? [String: Int])?.keys.sorted() == ["ctcvr", "ctr"])
        let metrics = try #require(summary["metrics"] as? [String: Any])
        for task in ["ctr", "cvr", "ctcvr"] {
            let figures = try #require(metrics[task] as? [String: Any])
            #expect(
                Set(figures.keys)
                    == ["auc", "log_loss", "normalized_entropy", "calibration", "count"]
            )
        }
        #expect(metrics["mature"] as? Bool == true)
        // Nothing is left to do: the same command says the same again.
        let again = try CommandProcess.run(fixture.arguments("replay", options(fixture)))
        #expect(again.status == 0)
        #expect(try again.json["state_digest"] as? String == summary["state_digest"] as? String)
        #expect(try again.json["snapshot"] as? String == summary["snapshot"] as? String)
    }

    @Test("says in the summary that figures of a replay shorter than the windows are not mature")
    func immature() throws {
        let fixture = try CommandFixture()
        let generated = try CommandProcess.run([
            "generate", "--events", "500", "--files", fixture.folder.path("events"),
        ])
        try #require(generated.status == 0, "\(generated.errors)")
        let outcome = try CommandProcess.run(fixture.arguments("replay", options(fixture)))
        let metrics = try #require(outcome.json["metrics"] as? [String: Any])
        #expect(metrics["mature"] as? Bool == false)
    }

    @Test("killed at any moment and started again ends in the same state and the same examples")
    func killed() throws {
        let seed: UInt64 = 2
        var random = SeededGenerator(seed: seed)
        let fixture = try fixture(events: 100_000, seed: 2)
        func arguments(_ name: String) -> [String] {
            fixture.arguments(
                "replay",
                options(
                    fixture,
                    ["--snapshot-every", "2000", "--examples", fixture.folder.path(name)]
                ),
                state: fixture.folder.path("state-" + name)
            )
        }
        let whole = try CommandProcess(arguments("whole"))
        let expected = try whole.finish()
        try #require(expected.status == 0, "\(expected.errors)")
        let duration = Double(whole.elapsed / .milliseconds(1))

        var kills = 0
        var consumed = 0
        for _ in 0..<8 {
            let process = try CommandProcess(arguments("killed"))
            usleep(UInt32(Double.random(in: 0.05...0.25, using: &random) * duration * 1_000))
            process.send(SIGKILL)
            let outcome = try process.finish()
            kills += outcome.status == nil ? 1 : 0
            let saved = try fixture.consumed(state: fixture.folder.path("state-killed"))
            #expect(saved >= consumed, "seed \(seed)")
            consumed = saved
        }
        #expect(kills >= 2, "seed \(seed)")
        let last = try CommandProcess.run(arguments("killed"))
        try #require(last.status == 0, "\(last.errors)")
        #expect(
            try last.json["state_digest"] as? String == expected.json["state_digest"] as? String,
            "seed \(seed)"
        )
        try expectLaw(last.json)
        #expect(try total(last.json, "consumed") == 100_000)
        let hasSameExamples = fixture.folder.read("whole") == fixture.folder.read("killed")
        #expect(hasSameExamples, "seed \(seed)")
        #expect(!fixture.folder.read("whole").isEmpty)
    }

    @Test("saves on SIGTERM and says how to go on; the same command goes on")
    func terminated() throws {
        let fixture = try fixture(events: 100_000, seed: 3)
        let whole = try CommandProcess.run(
            fixture.arguments("replay", options(fixture), state: fixture.folder.path("whole"))
        )
        let stopped = try CommandProcess(
            fixture.arguments("replay", options(fixture, ["--snapshot-every", "5000"]))
        )
        try wait(for: "a first snapshot") {
            FileManager.default.fileExists(atPath: fixture.folder.path("state/CURRENT"))
        }
        stopped.send(SIGTERM)
        let outcome = try stopped.finish()
        #expect(outcome.status == 1, "the stream ended before the signal")
        #expect(outcome.complaints.count == 1)
        #expect(outcome.complaints.first?.contains("the same command continues") == true)
        let saved = try total(outcome.json, "consumed")
        #expect(saved < 100_000)
        #expect(try fixture.consumed() == saved)

        let rest = try CommandProcess.run(fixture.arguments("replay", options(fixture)))
        #expect(rest.status == 0)
        #expect(
            try rest.json["state_digest"] as? String == whole.json["state_digest"] as? String
        )
    }

    @Test("selects events by time; what is excluded is in no count")
    func selection() throws {
        let fixture = try fixture(events: 5_000, seed: 4)
        // 2026-01-01T00:00:00Z is the stream's first event.
        let parts = try [
            ["--until", "2026-01-01T00:00:10Z"],
            ["--from", "2026-01-01T00:00:10Z", "--until", "1767225620000"],
            ["--from", "1767225620000"],
        ].enumerated().map { number, selection in
            let outcome = try CommandProcess.run(
                fixture.arguments(
                    "replay",
                    options(fixture, selection),
                    state: fixture.folder.path("part-\(number)")
                )
            )
            try expectLaw(outcome.json)
            return try total(outcome.json, "consumed")
        }
        #expect(parts.reduce(0, +) == 5_000)
        #expect(parts.allSatisfy { $0 > 1_000 })
    }

    @Test(
        "of a real stream's first part is the same twice",
        .enabled(
            if: RealData.hasKuaiRand,
            "no data in \(RealData.kuairand); set FRESHET_DATA"
        )
    )
    func kuaiRand() throws {
        let folder = try TemporaryFolder()
        let summaries = try ["first", "second"].map { name in
            let outcome = try CommandProcess.run(
                [
                    "replay", "--config",
                    RealData.package.appending(path: "config/kuairand.yaml").path,
                    "--state", folder.path(name), "--files", RealData.kuairand, "--json",
                    "--until", "2022-04-25T12:00:00Z",
                ],
                seconds: 300
            )
            try #require(outcome.status == 0, "\(outcome.errors)")
            return try outcome.json
        }
        for summary in summaries {
            try expectLaw(summary)
            #expect(try total(summary, "quarantined") == 0)
            #expect(summary["disordered"] as? Int == 0)
            #expect(try total(summary, "applied") > 5_000)
        }
        for key in ["consumed", "applied", "state_digest", "stream_time", "trained"] {
            let first = try #require(summaries[0][key] as? NSObject)
            #expect(first == summaries[1][key] as? NSObject, "\(key)")
        }
    }
}
