import Foundation
import Glibc
import Pipeline
import TestSupport
import Testing

@Suite("A side file", .serialized)
struct SideFileTests {
    private func scene(_ more: String = "") throws -> FaultScene {
        let scene = try FaultScene(more)
        try scene.generate(events: 6_000, seed: 7)
        try scene.poison(linesPerFile: 200, seed: 7)
        return scene
    }

    private func replay(
        _ scene: FaultScene,
        state: String,
        _ more: [String] = []
    ) throws -> CommandOutcome {
        try CommandProcess.run(
            scene.arguments("replay", state: state, ["--files", scene.events] + more)
        )
    }

    /// Kills a replay after its first new snapshot.
    private func kill(_ scene: FaultScene, _ more: [String]) throws {
        let before = scene.current("state")
        let process = try CommandProcess(
            scene.arguments("replay", state: "state", ["--files", scene.events] + more)
        )
        #expect(scene.awaitProgress(beyond: before, of: process, state: "state"))
        process.send(SIGKILL)
        #expect(try process.finish().status == nil)
    }

    @Test("longer than its snapshot says is cut back, line by line the same at the end")
    func longer() throws {
        let scene = try scene()
        func options(_ state: String) -> [String] {
            ["--examples", scene.folder.path("examples-" + state), "--snapshot-every", "1000"]
        }
        #expect(try replay(scene, state: "whole", options("whole")).status == 0)
        try kill(scene, options("state"))
        for path in ["state/quarantine.jsonl", "examples-state"] {
            let handle = try FileHandle(forWritingTo: URL(filePath: scene.folder.path(path)))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("{\"what the crash left".utf8))
            try handle.close()
        }
        let outcome = try replay(scene, state: "state", options("state"))
        try #require(outcome.status == 0, "\(outcome.errors)")
        for (path, whole) in [
            ("state/quarantine.jsonl", "whole/quarantine.jsonl"),
            ("examples-state", "examples-whole"),
        ] {
            #expect(!scene.folder.read(path).isEmpty)
            let isSame = scene.folder.read(path) == scene.folder.read(whole)
            #expect(isSame, "\(path)")
        }
        expectLaw(try #require(try scene.newest("state")).summary)
    }

    @Test("shorter than its snapshot says is refused by name", arguments: [0, 1])
    func shorter(index: Int) throws {
        let scene = try scene()
        let options = ["--examples", scene.folder.path("examples")]
        #expect(try replay(scene, state: "state", options).status == 0)
        let path = scene.folder.path(["state/quarantine.jsonl", "examples"][index])
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        let length = try #require(size) - 1
        #expect(unsafe truncate(path, off_t(length)) == 0)
        let outcome = try replay(scene, state: "state", options)
        #expect(outcome.status == 1)
        #expect(outcome.complaints.count == 1, "\(outcome.errors)")
        #expect(outcome.complaints.first?.contains("\(path) has \(length) bytes") == true)
    }

    @Test("of examples that cannot be written ends the replay, naming it")
    func examplesFail() throws {
        let scene = try scene()
        let outcome = try replay(scene, state: "state", ["--examples", "/dev/full"])
        #expect(outcome.status == 1)
        #expect(outcome.complaints.count == 1, "\(outcome.errors)")
        #expect(outcome.complaints.first?.contains("/dev/full") == true)
    }

    @Test("of quarantined records that cannot be written stops nothing, and the counts are exact")
    func quarantineFails() throws {
        let scene = try scene()
        try FileManager.default.createDirectory(
            atPath: scene.folder.path("state"),
            withIntermediateDirectories: true
        )
        try FileManager.default.createSymbolicLink(
            atPath: scene.folder.path("state/quarantine.jsonl"),
            withDestinationPath: "/dev/full"
        )
        for state in ["state", "whole"] {
            let outcome = try replay(scene, state: state, ["--snapshot-every", "1000"])
            try #require(outcome.status == 0, "\(outcome.errors)")
            let warnings = outcome.errors.components(separatedBy: "cannot be written").count - 1
            #expect(warnings == (state == "state" ? 1 : 0), "\(outcome.errors)")
        }
        let failed = try #require(try scene.newest("state"))
        #expect(failed.summary.quarantined.total == 9 * 200)
        expectSame(failed, try #require(try scene.newest("whole")), "with and without the file")
        // Goes on from a snapshot that counts on nothing of the file.
        #expect(failed.sideFiles["quarantine"] == 0)
        #expect(try replay(scene, state: "state").status == 0)
    }

    @Test(
        "of quarantined records grows to its limit, says so in its last line, once, and counts on"
    )
    func full() throws {
        let scene = try scene("quarantine: {max_file_bytes: 20KiB, payloads: true}")
        let every = ["--snapshot-every", "200"]
        for _ in 0..<3 { try kill(scene, every) }
        let outcome = try replay(scene, state: "state", every)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let file = try scene.folder.lines("state/quarantine.jsonl")
        #expect(scene.folder.read("state/quarantine.jsonl").count <= 20 << 10)
        #expect(scene.folder.read("state/quarantine.jsonl").count > 18 << 10)
        #expect(file.filter { $0["reason"] as? String == "file_full" }.count == 1)
        #expect(file.last?["reason"] as? String == "file_full")
        let body = try #require(try scene.newest("state"))
        #expect(body.summary.quarantined.total == 9 * 200)
        #expect(body.summary.quarantined.total > file.count)
        expectLaw(body.summary)
    }
}
