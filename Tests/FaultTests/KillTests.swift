import Foundation
import Glibc
import Pipeline
import TestSupport
import Testing

/// `tools/soak` does the same as often as wanted, at more kinds of moments.
@Suite("A killed process", .serialized)
struct KillTests {
    /// Kills one life of a run, after new durable progress and a random time more, so that later
    /// snapshots are hit in their middle too.
    /// - Returns: whether it was killed so.
    private func killAfterProgress(
        _ scene: FaultScene,
        _ arguments: [String],
        random: inout SeededGenerator
    ) throws -> Bool {
        let before = scene.current("state")
        let process = try CommandProcess(arguments)
        let hasProgressed = scene.awaitProgress(beyond: before, of: process, state: "state")
        usleep(UInt32.random(in: 0...40_000, using: &random))
        process.send(SIGKILL)
        let outcome = try process.finish()
        if outcome.status != nil { try #require(outcome.status == 0, "\(outcome.errors)") }
        if let body = try scene.newest("state") { expectLaw(body.summary) }
        return hasProgressed && outcome.status == nil
    }

    /// Kills one life at a random moment, mostly before it has saved anything.
    private func killAnywhere(
        _ arguments: [String],
        random: inout SeededGenerator
    ) throws {
        let process = try CommandProcess(arguments)
        usleep(UInt32.random(in: 0...200_000, using: &random))
        process.send(SIGKILL)
        _ = try process.finish()
    }

    @Test("`run`, 50 times after durable progress, ends in the undisturbed run's state")
    func daemon() throws {
        let seed: UInt64 = 41
        var random = SeededGenerator(seed: seed)
        let broker = try BrokerProcess(
            topics: ["impressions": 16, "clicks": 12, "conversions": 12],
            brokerCount: 2
        )
        // A record of more than 160 bytes is quarantined: some impressions are.
        let scene = try FaultScene(
            broker: broker,
            "events: {max_record_bytes: 160}\nsnapshots: {keep: 2}"
        )
        try scene.generate(to: broker, events: 150_000, seed: seed)
        func arguments() -> [String] {
            let every = [500, 500, 500, 1_000].randomElement(using: &random)!
            return scene.arguments("run", state: "state", ["--snapshot-every", "\(every)"])
        }
        var kills = 0
        for life in 0..<75 where kills < 50 {
            if life % 10 == 5 { try killAnywhere(arguments(), random: &random) }
            kills += try killAfterProgress(scene, arguments(), random: &random) ? 1 : 0
        }
        #expect(kills >= 50, "seed \(seed)")
        let consumed = try #require(try scene.newest("state")).summary.consumed.total
        #expect(consumed < scene.produced, "nothing was left to interrupt; seed \(seed)")

        let last = try CommandProcess(
            scene.arguments("run", state: "state", ["--snapshot-every", "200ms"])
        )
        try wait(for: "all \(scene.produced) events: \(last.errors)") {
            try scene.newest("state")?.summary.consumed.total == scene.produced
        }
        last.send(SIGTERM)
        #expect(try last.finish().status == 0)
        let live = try #require(try scene.newest("state"))
        let time = try #require(live.summary.streamTime)

        let replay = try CommandProcess.run(
            scene.arguments("replay", state: "whole", ["--advance-to", "\(time)"])
        )
        try #require(replay.status == 0, "\(replay.errors)")
        let whole = try #require(try scene.newest("whole"))
        expectSame(live, whole, "seed \(seed), \(kills) kills")
        #expect(live.summary.disordered == 0)
        #expect(live.summary.quarantined.total > 100)
        let hasSameQuarantine =
            scene.folder.read("state/quarantine.jsonl")
            == scene.folder.read("whole/quarantine.jsonl")
        #expect(hasSameQuarantine, "seed \(seed)")
        print("killed \(kills) times after durable progress, seed \(seed)")
    }

    @Test("`replay` of files, 15 times after durable progress, leaves the same side files too")
    func files() throws {
        let seed: UInt64 = 42
        var random = SeededGenerator(seed: seed)
        let scene = try FaultScene("snapshots: {keep: 1}")
        try scene.generate(events: 60_000, seed: seed)
        try scene.poison(linesPerFile: 50, seed: seed)
        func arguments(_ state: String) -> [String] {
            scene.arguments(
                "replay",
                state: state,
                [
                    "--files", scene.events, "--examples", scene.folder.path("examples-\(state)"),
                    "--snapshot-every", "400",
                ]
            )
        }
        var kills = 0
        for life in 0..<25 where kills < 15 {
            if life % 5 == 2 { try killAnywhere(arguments("state"), random: &random) }
            kills += try killAfterProgress(scene, arguments("state"), random: &random) ? 1 : 0
        }
        #expect(kills >= 15, "seed \(seed)")
        for state in ["state", "whole"] {
            let outcome = try CommandProcess.run(arguments(state))
            try #require(outcome.status == 0, "\(outcome.errors)")
        }
        let whole = try #require(try scene.newest("whole"))
        #expect(whole.summary.consumed.total == scene.produced)
        expectSame(try #require(try scene.newest("state")), whole, "seed \(seed), \(kills) kills")
        for (killed, undisturbed) in [
            ("state/quarantine.jsonl", "whole/quarantine.jsonl"),
            ("examples-state", "examples-whole"),
        ] {
            let isSame = scene.folder.read(killed) == scene.folder.read(undisturbed)
            #expect(isSame, "\(killed), seed \(seed)")
            #expect(!scene.folder.read(killed).isEmpty)
        }
        print("killed \(kills) times after durable progress, seed \(seed)")
    }
}
