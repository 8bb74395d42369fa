import Events
import Foundation
import Glibc
import Pipeline
import TestSupport
import Testing

@Suite("However records arrive", .serialized)
struct ArrivalTests {
    @Test("from one, two or three brokers, in fetches of any size, the state is the same")
    func brokersAndFetches() throws {
        var first: SnapshotBody?
        for (brokerCount, settings) in [
            (1, ""), (1, "fetch.message.max.bytes: 600, fetch.max.bytes: 1000000"),
            (2, "fetch.message.max.bytes: 20000, queued.min.messages: 1"),
            (3, "queued.max.messages.kbytes: 1, fetch.wait.max.ms: 1"), (3, ""),
        ] {
            let broker = try BrokerProcess(
                topics: ["impressions": 6, "clicks": 3, "conversions": 2],
                brokerCount: brokerCount
            )
            let scene = try FaultScene(
                broker: broker,
                librdkafka: settings,
                "events: {max_record_bytes: 160}"
            )
            try scene.generate(to: broker, events: 12_000, seed: 71)
            let outcome = try CommandProcess.run(
                scene.arguments("replay", state: "state", ["--snapshot-every", "3000"])
            )
            try #require(outcome.status == 0, "\(outcome.errors)")
            var body = try #require(try scene.newest("state"))
            #expect(body.summary.consumed.total == scene.produced)
            // Topics have names of their own on every broker.
            for index in body.positions.indices {
                let partition = body.positions[index].partition
                body.positions[index].partition = Partition(
                    role: partition.role,
                    name: partition.role.plural,
                    number: partition.number
                )
            }
            if let first { expectSame(body, first, "\(brokerCount) brokers, \(settings)") }
            first = first ?? body
        }
        #expect(try #require(first).summary.quarantined.total > 10)
    }
}

@Suite("A resume", .serialized)
struct ResumeTests {
    /// A replay of files that was stopped by a kill, with at least two snapshots.
    private func stopped(seed: UInt64) throws -> FaultScene {
        let scene = try FaultScene("snapshots: {keep: 3}")
        try scene.generate(events: 8_000, seed: seed)
        let process = try CommandProcess(arguments(scene, "state"))
        for _ in 0..<3 {
            _ = scene.awaitProgress(beyond: scene.current("state"), of: process, state: "state")
        }
        process.send(SIGKILL)
        try #require(try process.finish().status == nil)
        return scene
    }

    private func arguments(_ scene: FaultScene, _ state: String) -> [String] {
        scene.arguments(
            "replay",
            state: state,
            ["--files", scene.events, "--snapshot-every", "400"]
        )
    }

    @Test(
        "passes over a damaged newest snapshot, names it in a warning and ends in the same state",
        arguments: ["manifest.json", "parameters.lz4", "optimizer.lz4", "learner.lz4", "join.lz4"]
    )
    func damagedNewest(file: String) throws {
        let scene = try stopped(seed: 72)
        let current = try #require(scene.current("state")).dropLast()
        let path = "state/snapshots/\(current)/\(file)"
        var bytes = [UInt8](scene.folder.read(path))
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: URL(filePath: scene.folder.path(path)))
        let outcome = try CommandProcess.run(arguments(scene, "state"))
        try #require(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains(scene.folder.path(path)), "\(outcome.errors)")
        #expect(try CommandProcess.run(arguments(scene, "whole")).status == 0)
        expectSame(
            try #require(try scene.newest("state")),
            try #require(try scene.newest("whole")),
            "\(file)"
        )
    }

    @Test("with every snapshot damaged is refused in one line that names a file")
    func allDamaged() throws {
        let scene = try stopped(seed: 73)
        for name in try FileManager.default.contentsOfDirectory(
            atPath: scene.folder.path("state/snapshots")
        ) {
            _ = try? scene.folder.write("x", to: "state/snapshots/\(name)/join.lz4")
        }
        let outcome = try CommandProcess.run(arguments(scene, "state"))
        #expect(outcome.status == 1)
        #expect(outcome.complaints.count == 1, "\(outcome.errors)")
        #expect(outcome.complaints.first?.contains("join.lz4") == true, "\(outcome.errors)")
    }
}
