import Foundation
import Glibc
import TestSupport
import Testing

@Suite("`freshet export --watch`")
struct WatchCommandTests {
    private func watch(
        _ fixture: CommandFixture,
        _ more: [String] = [],
        output: String = "served"
    ) -> [String] {
        [
            "export", "--state", fixture.state, "--format", "safetensors",
            "--output", fixture.folder.path(output), "--watch",
        ] + more
    }

    private func replay(_ fixture: CommandFixture, _ more: [String] = []) throws {
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", fixture.fileOptions(more))
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        try expectLaw(try outcome.json)
    }

    /// The model id of a state's newest snapshot.
    private func newestModel(_ fixture: CommandFixture) throws -> String {
        let snapshot = try #require(try fixture.newest())
        let summary = try #require(snapshot["summary"] as? [String: Any])
        return "\(snapshot["name"] as! String)-\(summary["state_digest"] as! String)"
    }

    private func end(_ process: CommandProcess, by signal: Int32 = SIGTERM) throws {
        process.send(signal)
        let outcome = try process.finish()
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == "")
    }

    @Test("waits for the state, follows it, and rolls back for good", arguments: [SIGTERM, SIGINT])
    func following(signal: Int32) throws {
        let fixture = try CommandFixture.generated(events: 3_000, seed: 61)
        let scene = PublicationScene(directory: fixture.folder.path("served"))
        let watcher = try CommandProcess(watch(fixture))
        try wait(for: "the folder: \(watcher.errors)") {
            FileManager.default.fileExists(atPath: scene.directory + "/LOCK")
        }
        #expect(scene.current == nil)
        var models: [String] = []
        for until in [8_000, 16_000] {
            let time = 1_767_225_600_000 + until
            try replay(fixture, ["--until", "\(time)"])
            let model = try newestModel(fixture)
            try wait(for: "\(model): \(watcher.errors)") { try scene.model == model }
            #expect(try scene.checkWhole() == models.count + 1)
            models.append(model)
        }

        let rollback = try CommandProcess.run(["rollback", "--output", scene.directory])
        #expect(rollback.status == 0, "\(rollback.errors)")
        #expect(rollback.output.contains("current leads to 0000000001, it led to 0000000002"))
        #expect(rollback.output.contains("rollback --output \(scene.directory) --release"))
        #expect(try scene.model == models[0])
        try wait(for: "the hold to be seen: \(watcher.errors)") {
            watcher.errors.contains("publication is held")
        }
        try replay(fixture)
        let newest = try newestModel(fixture)
        try #require(!models.contains(newest))
        usleep(800_000)
        #expect(try scene.model == models[0], "the next snapshot must not undo a rollback")

        let release = try CommandProcess.run(["rollback", "--output", scene.directory, "--release"])
        #expect(release.status == 0 && release.output.contains("goes on"), "\(release)")
        try wait(for: "\(newest): \(watcher.errors)") { try scene.model == newest }
        #expect(scene.versions == ["0000000001", "0000000002", "0000000003"])
        let held = watcher.errors.components(separatedBy: "publication is held").count - 1
        #expect(held == 1, "\(watcher.errors)")
        try end(watcher, by: signal)
    }

    @Test("does not publish a rolled back model again, whoever asks")
    func withdrawn() throws {
        let fixture = try CommandFixture.generated(events: 1_000, seed: 62)
        let scene = PublicationScene(directory: fixture.folder.path("served"))
        let first = try CommandProcess(watch(fixture))
        try replay(fixture, ["--until", "\(1_767_225_600_000 + 2_000)"])
        let old = try newestModel(fixture)
        try wait(for: "a version: \(first.errors)") { try scene.model == old }
        try replay(fixture)
        let new = try newestModel(fixture)
        try wait(for: "another: \(first.errors)") { try scene.model == new }
        for arguments in [[], ["--release"]] {
            let outcome = try CommandProcess.run(
                ["rollback", "--output", scene.directory] + arguments
            )
            try #require(outcome.status == 0, "\(outcome.errors)")
        }
        try end(first)
        let second = try CommandProcess(watch(fixture))
        try wait(for: "the refusal: \(second.errors)") {
            second.errors.contains("a model that was rolled back is not published")
        }
        #expect(try scene.model == old)
        try end(second)
    }

    @Test(
        "says in one line which bound a snapshot passes, once per snapshot, and keeps the old one"
    )
    func gate() throws {
        let fixture = try CommandFixture.generated(events: 3_000, seed: 63)
        let scene = PublicationScene(directory: fixture.folder.path("served"))
        let strict = try fixture.folder.write(
            """
            features: [{name: x, kind: numeric}]
            publish:
              keep: 2
              gate: {min_examples: 1_000_000, max_age: 1h, ctr: {calibration_ratio: [1, 1]}}

            """,
            to: "strict.yaml"
        )
        try replay(fixture)
        let watcher = try CommandProcess(watch(fixture, ["--config", strict]))
        try wait(for: "a refusal: \(watcher.errors)") {
            watcher.errors.contains("a snapshot is not published")
        }
        usleep(700_000)
        let lines = watcher.errors.split(separator: "\n").filter { $0.contains("not published") }
        #expect(lines.count == 1)
        for bound in [
            "min_examples is 1000000", "max_age is 1h", "calibration_ratio is [1.0, 1.0]",
        ] {
            #expect(lines.first?.contains("publish.gate.") == true)
            #expect(lines.first?.contains(bound) == true, "\(lines)")
        }
        #expect(scene.current == nil)
        try end(watcher)
    }

    @Test("compares with what is published, unless that cannot be read")
    func shift() throws {
        let fixture = try CommandFixture.generated(events: 3_000, seed: 67)
        let scene = PublicationScene(directory: fixture.folder.path("served"))
        let strict = try fixture.folder.write(
            "features: [{name: x, kind: numeric}]\npublish: {gate: {max_shift: 1e-6}}\n",
            to: "strict.yaml"
        )
        let watcher = try CommandProcess(watch(fixture, ["--config", strict]))
        try replay(fixture, ["--until", "\(1_767_225_600_000 + 5_000)"])
        let first = try newestModel(fixture)
        try wait(for: "a version: \(watcher.errors)") { try scene.model == first }
        // The windows of these impressions are 80 s: only then is much learnt.
        try replay(fixture, ["--advance-to", "\(1_767_225_600_000 + 200_000)"])
        try wait(for: "a refusal: \(watcher.errors)") {
            watcher.errors.contains("publish.gate.max_shift is 1e-06, but the mean ctr of ")
        }
        #expect(try scene.model == first)

        let target = try #require(scene.current)
        _ = try fixture.folder.write("", to: "served/\(target)/model.safetensors")
        try replay(fixture, ["--advance-to", "\(1_767_225_600_000 + 300_000)"])
        let newest = try newestModel(fixture)
        try wait(for: "\(newest): \(watcher.errors)") { try scene.model == newest }
        #expect(watcher.errors.contains("the published version cannot be read"))
        try end(watcher)
    }

    @Test("reports a damaged snapshot, and publishes the next")
    func damaged() throws {
        let fixture = try CommandFixture.generated(events: 2_000, seed: 64)
        let scene = PublicationScene(directory: fixture.folder.path("served"))
        try replay(fixture, ["--until", "\(1_767_225_600_000 + 8_000)"])
        let name = try #require(try fixture.newest()?["name"] as? String)
        _ = try fixture.folder.write("no LZ4", to: "state/snapshots/\(name)/parameters.lz4")
        let watcher = try CommandProcess(watch(fixture))
        try wait(for: "a complaint: \(watcher.errors)") {
            watcher.errors.contains("publishing fails")
        }
        #expect(watcher.errors.contains("\(name)/parameters.lz4"))
        #expect(scene.current == nil)
        try FileManager.default.removeItem(atPath: fixture.state)
        try replay(fixture)
        try replay(fixture, ["--advance-to", "\(1_767_225_600_000 + 1_000_000)"])
        let model = try newestModel(fixture)
        try wait(for: "\(model): \(watcher.errors)") { try scene.model == model }
        try end(watcher)
    }

    @Test("killed 30 times at random moments leaves `current` at a whole version")
    func kills() throws {
        let seed: UInt64 = 65
        var random = SeededGenerator(seed: seed)
        let fixture = try CommandFixture.generated(events: 20_000, seed: 65)
        let scene = PublicationScene(directory: fixture.folder.path("served"))
        let replay = try CommandProcess(
            fixture.arguments("replay", fixture.fileOptions(["--snapshot-every", "100"]))
        )
        var last = 0
        var kills = 0
        while kills < 30 {
            let watcher = try CommandProcess(watch(fixture))
            usleep(UInt32.random(in: 10_000...250_000, using: &random))
            watcher.send(SIGKILL)
            if try watcher.finish().status == nil { kills += 1 }
            let number = try scene.checkWhole()
            #expect(number >= last, "seed \(seed)")
            last = number
        }
        #expect(last > 0, "nothing was ever published; seed \(seed)")
        try #require(try replay.finish().status == 0)
        let model = try newestModel(fixture)
        let watcher = try CommandProcess(watch(fixture))
        try wait(for: "\(model): \(watcher.errors)") { try scene.model == model }
        try wait(for: "leftovers to go: \(watcher.errors)") {
            let names = try FileManager.default.contentsOfDirectory(
                atPath: scene.directory + "/versions"
            )
            return names.allSatisfy { !$0.hasPrefix(".") }
        }
        #expect(scene.versions.count <= 3)
        // All that may have been done before: then this says that the watcher is there, too.
        try wait(for: "its word: \(watcher.errors)") { watcher.errors.contains("published") }
        try end(watcher)
        print("killed \(kills) times, \(last) versions under way, seed \(seed)")
    }

    @Test("that can never work says why in one line, and leaves everything as it is")
    func complaints() throws {
        let fixture = try CommandFixture.generated(events: 200, seed: 66)
        let file = try fixture.folder.write("mine", to: "file")
        _ = try fixture.folder.write("mine", to: "config-folder")
        func complaint(_ arguments: [String], status: Int32 = 1) throws -> String {
            let outcome = try CommandProcess.run(arguments)
            #expect(outcome.status == status, "\(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            return String(outcome.complaints.first ?? "")
        }
        #expect(try complaint(watch(fixture, output: "file")).contains("\(file): it is a file"))
        #expect(try complaint(watch(fixture, output: "file/below")).contains("\(file)/below"))
        // The fixture's own folder holds other things.
        #expect(try complaint(watch(fixture, output: ".")).contains("is not of a publication"))
        #expect(try complaint(watch(fixture, output: "events/..")).contains("not of a publication"))
        #expect(fixture.folder.read("file") == Data("mine".utf8))

        let output = ["--output", fixture.folder.path("served")]
        let base = ["export", "--state", fixture.state] + output + ["--watch", "--format"]
        #expect(try complaint(base + ["pickle"], status: 64).contains("pickle"))
        for more in [["--snapshot", "1"], ["--json"]] {
            #expect(try complaint(base + ["onnx"] + more, status: 64).contains("--watch"))
        }
        _ = try fixture.folder.write("publish: {keep: 1}", to: "bad.yaml")
        let bad = ["onnx", "--config", fixture.folder.path("bad.yaml")]
        #expect(try complaint(base + bad, status: 64).contains("features"))

        #expect(try complaint(["rollback"] + output).contains("served is no publication"))
        for number in ["..", "../1", "1/..", "x"] {
            let line = try complaint(["rollback"] + output + ["--to", number], status: 64)
            #expect(line.contains(number))
        }
        #expect(
            try complaint(["rollback", "--to", "1", "--release"] + output, status: 64)
                .contains("--release")
        )
        #expect(!FileManager.default.fileExists(atPath: fixture.folder.path("served")))
    }
}
