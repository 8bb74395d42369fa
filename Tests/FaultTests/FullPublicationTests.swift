import Foundation
import Glibc
import Pipeline
import TestSupport
import Testing

@Suite(
    "A publication folder on a disk without room",
    .serialized,
    .enabled(if: mayMount, "mounting a tmpfs takes root's rights")
)
struct FullPublicationTests {
    private func export(_ scene: FaultScene) -> [String] {
        [
            "export", "--state", scene.folder.path("state"), "--format", "safetensors",
            "--output", scene.folder.path("served"), "--watch",
        ]
    }

    /// The version that `current` leads to; nil without it.
    private func current(_ scene: FaultScene) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(
            atPath: scene.folder.path("served/current")
        )
    }

    private func replay(_ scene: FaultScene, until seconds: Int? = nil) throws {
        let more = seconds.map { ["--until", "\(1_767_225_600_000 + $0 * 1_000)"] } ?? []
        let outcome = try CommandProcess.run(
            scene.arguments("replay", state: "state", ["--files", scene.events] + more)
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        expectLaw(try #require(try scene.newest("state")).summary)
    }

    @Test("keeps what is published, leaves nothing half done, and goes on with room again")
    func full() throws {
        let scene = try FaultScene()
        try scene.generate(events: 3_000, seed: 71)
        let disk = try SmallDisk(scene.folder.path("served"), bytes: 4 << 20)
        let watcher = try CommandProcess(export(scene))
        try replay(scene, until: 5)
        try wait(for: "a version: \(watcher.errors)") { current(scene) != nil }
        let before = try #require(current(scene))

        let used = try FileManager.default.subpathsOfDirectory(atPath: disk.path).reduce(0) {
            // A lock file may have gone since.
            let attributes = try? FileManager.default.attributesOfItem(atPath: disk.path + "/" + $1)
            return $0 + (attributes?[.size] as? Int ?? 0)
        }
        disk.remount(bytes: used + (16 << 10))
        try replay(scene, until: 10)
        try wait(for: "a failure: \(watcher.errors)") {
            watcher.errors.contains("No space left on device")
        }
        #expect(watcher.isRunning)
        #expect(current(scene) == before)
        try wait(for: "the failed version to go") {
            let names = try FileManager.default.contentsOfDirectory(
                atPath: scene.folder.path("served/versions")
            )
            return names.map { "versions/" + $0 } == [before]
        }

        disk.remount(bytes: 4 << 20, isReadOnly: true)
        try replay(scene, until: 15)
        try wait(for: "a failure: \(watcher.errors)") {
            watcher.errors.contains("Read-only file system")
        }
        #expect(current(scene) == before)
        disk.remount(bytes: 4 << 20)
        try replay(scene)
        try wait(for: "the next version: \(watcher.errors)") {
            current(scene) != before
        }
        watcher.send(SIGTERM)
        #expect(try watcher.finish().status == 0)
    }

    @Test("that cannot be written to from the start is an error in one line")
    func readOnly() throws {
        let scene = try FaultScene()
        let disk = try SmallDisk(scene.folder.path("served"), bytes: 1 << 20)
        disk.remount(bytes: 1 << 20, isReadOnly: true)
        let outcome = try CommandProcess.run(export(scene))
        #expect(outcome.status == 1)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
        #expect(outcome.complaints.first?.contains(disk.path) == true, "\(outcome.errors)")
    }
}
