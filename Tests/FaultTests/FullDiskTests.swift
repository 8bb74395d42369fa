import Foundation
import Glibc
import Pipeline
import Snapshot
import TestSupport
import Testing

@Suite(
    "A disk without room",
    .serialized,
    .enabled(if: mayMount, "mounting a tmpfs takes root's rights")
)
struct FullDiskTests {
    /// Starts the daemon, takes room away once it has saved, gives it back later, and holds its end
    /// against a replay.
    private func endure(
        seed: UInt64,
        every: String,
        _ takeAway: (FaultScene) throws -> Void,
        _ giveBack: (FaultScene) throws -> Void,
        expecting reason: String
    ) throws {
        let broker = try BrokerProcess(topics: ["impressions": 4, "clicks": 2, "conversions": 2])
        let scene = try FaultScene(
            broker: broker,
            cohort: "1h",
            "events: {max_record_bytes: 160}\norder: {idle_advance: false, ordering_delay: 5s}\nsnapshots: {keep: 1}"
        )
        let disk = try SmallDisk(scene.folder.path("state"), bytes: 4 << 20)
        defer { withExtendedLifetime(disk) {} }
        try scene.generate(to: broker, events: 4_000, seed: seed)
        let daemon = try CommandProcess(
            scene.arguments("run", state: "state", ["--snapshot-every", every])
        )
        func saved() throws -> Int { try scene.newest("state")?.summary.consumed.total ?? 0 }
        try wait(for: "the first events: \(daemon.errors)") {
            try saved() == scene.produced
        }
        let before = try #require(scene.current("state"))
        try takeAway(scene)
        // These come as they happen: what comes out of order is held back for long enough.
        try scene.generate(to: broker, events: 4_000, seed: seed + 1, isLive: true)
        try wait(for: "a failed snapshot: \(daemon.errors)") {
            daemon.errors.contains("snapshot failed")
        }
        usleep(500_000)
        #expect(daemon.isRunning, "\(daemon.errors)")
        #expect(daemon.errors.contains(reason), "\(daemon.errors)")
        // What was saved before is whole, and is what a resume would take.
        #expect(scene.current("state") == before)
        let store = SnapshotStore(reading: scene.folder.path("state"))
        let old = try ResumedState.newest(of: store) { Issue.record("\($0)") }
        #expect(old?.body.summary.consumed.total == 4_000)

        try giveBack(scene)
        try wait(for: "a snapshot with room again: \(daemon.errors)") {
            try saved() == scene.produced
        }
        daemon.send(SIGTERM)
        let outcome = try daemon.finish()
        #expect(outcome.status == 0, "\(outcome.errors)")
        let replay = try CommandProcess.run(scene.arguments("replay", state: "whole"))
        try #require(replay.status == 0, "\(replay.errors)")
        let live = try #require(try scene.newest("state"))
        #expect(live.summary.quarantined.total > 10)
        expectSame(live, try #require(try scene.newest("whole")), "seed \(seed)")
        let leftovers = try FileManager.default.contentsOfDirectory(
            atPath: scene.folder.path("state/snapshots")
        )
        #expect(leftovers.allSatisfy { !$0.hasPrefix(".") }, "\(leftovers)")
    }

    @Test("fails the snapshot, keeps the previous one, and the daemon goes on and saves again")
    func full() throws {
        try endure(
            seed: 51,
            every: "100ms",
            { scene in
                // Fills what is left to the last byte.
                let filler = FileManager.default
                let path = scene.folder.path("state/filler")
                _ = filler.createFile(atPath: path, contents: nil)
                let handle = try FileHandle(forWritingTo: URL(filePath: path))
                for size in [1 << 16, 1 << 12, 1] {
                    while (try? handle.write(contentsOf: Data(count: size))) != nil {}
                }
                try? handle.close()
            },
            { scene in
                try FileManager.default.removeItem(atPath: scene.folder.path("state/filler"))
            },
            expecting: "No space left on device"
        )
    }

    @Test("or that does not let itself be written to does the same")
    func readOnly() throws {
        try endure(
            seed: 52,
            // Due at the last event and never again: what succeeds is the second attempt at it.
            every: "4000",
            { scene in
                // The folder of the snapshots alone, read-only: a mount of it on itself.
                let path = scene.folder.path("state/snapshots")
                #expect(unsafe mount(path, path, nil, UInt(MS_BIND), nil) == 0)
                let flags = UInt(MS_BIND | MS_REMOUNT | MS_RDONLY)
                #expect(unsafe mount("none", path, nil, flags, nil) == 0)
            },
            { scene in
                let path = scene.folder.path("state/snapshots")
                #expect(unsafe umount2(path, CInt(MNT_DETACH)) == 0)
            },
            expecting: "Read-only file system"
        )
    }

    @Test("at the start is an error that names the directory, in one line")
    func atTheStart() throws {
        let scene = try FaultScene()
        try scene.generate(events: 500, seed: 53)
        let path = scene.folder.path("state")
        let disk = try SmallDisk(path, bytes: 1 << 20)
        #expect(unsafe mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
        let outcome = try CommandProcess.run(
            scene.arguments("replay", state: "state", ["--files", scene.events])
        )
        #expect(outcome.status == 1)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.complaints.first?.contains(path) == true)
        withExtendedLifetime(disk) {}
    }
}
