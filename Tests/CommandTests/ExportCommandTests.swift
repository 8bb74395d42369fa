import Foundation
import TestSupport
import Testing

@Suite("freshet export")
struct ExportCommandTests {
    private func replayed(events: Int = 6_000, seed: Int = 3) throws -> CommandFixture {
        let fixture = try CommandFixture.generated(events: events, seed: seed)
        let outcome = try CommandProcess.run(fixture.arguments("replay", fixture.fileOptions()))
        try #require(outcome.status == 0, "\(outcome.errors)")
        try expectLaw(try outcome.json)
        return fixture
    }

    private func export(
        _ fixture: CommandFixture,
        _ format: String,
        _ more: [String] = []
    ) throws -> (path: String, manifest: [String: Any]) {
        let path = fixture.folder.path(format)
        let outcome = try CommandProcess.run(
            ["export", "--state", fixture.state, "--format", format, "--output", path, "--json"]
                + more
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        return (path, try outcome.json)
    }

    /// Runs the reference client.
    private func reference(_ arguments: [String]) throws -> String {
        let folder = try TemporaryFolder()
        let process = Process()
        let environment = ProcessInfo.processInfo.environment
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            [
                environment["FRESHET_PYTHON"] ?? "python3",
                URL(filePath: #filePath).deletingLastPathComponent()
                    .appending(path: "Reference/score_stream.py").path,
            ] + arguments
        let output = folder.path("output")
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: output))
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return String(decoding: folder.read("output"), as: UTF8.self)
    }

    /// Exports the state, scores altered impressions of its stream by onnxruntime and by `predict`, and
    /// holds them against each other.
    private func compare(_ fixture: CommandFixture, impressions: String, seed: Int) throws {
        let (model, _) = try export(fixture, "onnx")
        let altered = try fixture.folder.write(
            reference(["alter", impressions, "10500", "\(seed)"]),
            to: "altered.jsonl"
        )
        for source in [["--state", fixture.state], ["--export", model]] {
            let predicted = try CommandProcess.run(
                ["predict", "--input", altered] + source,
                seconds: 300
            )
            #expect(predicted.status == 0, "\(predicted.errors)")
            let scores = try fixture.folder.write(predicted.output, to: "scores.jsonl")
            let text = try reference(["compare", model, altered, scores])
            let result = try #require(
                JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            )
            #expect(result["count"] as? Int == 10_500)
            let worst = try #require(result["worst"] as? [String: Double])
            #expect(worst.count == 3)
            #expect(worst.values.allSatisfy { $0 <= 1e-5 }, "\(source[0]): \(worst)")
            #expect(try #require(result["spread"] as? Double) > 0.1, "the model tells them apart")
        }
    }

    @Test("gives onnxruntime what predict computes, on 10,500 impressions of the generator")
    func generator() throws {
        let fixture = try replayed(events: 16_000)
        let whole = ["impressions-0", "impressions-1"].flatMap { name in
            fixture.folder.read("events/\(name).jsonl").split(separator: UInt8(ascii: "\n"))
        }
        let path = try fixture.folder.write(
            whole.map { String(decoding: $0, as: UTF8.self) + "\n" }.joined(),
            to: "impressions.jsonl"
        )
        try compare(fixture, impressions: path, seed: 5)
    }

    @Test(
        "gives onnxruntime what predict computes, on 10,500 impressions of KuaiRand",
        .enabled(
            if: RealData.hasKuaiRand,
            "no data in \(RealData.kuairand); set FRESHET_DATA"
        )
    )
    func realStream() throws {
        let data = RealData.kuairand
        let fixture = try CommandFixture()
        let config = RealData.package.appending(path: "config/kuairand.yaml").path
        let replay = try CommandProcess.run(
            [
                "replay", "--config", config, "--state", fixture.state, "--files", data,
                "--until", "2022-04-26T00:00:00Z", "--json",
            ],
            seconds: 300
        )
        try #require(replay.status == 0, "\(replay.errors)")
        try expectLaw(try replay.json)
        let plain = fixture.folder.path("impressions.jsonl")
        let unpack = Process()
        unpack.executableURL = URL(filePath: "/usr/bin/env")
        unpack.arguments = ["lz4", "-d", "-q", "-f", data + "/impressions.jsonl.lz4", plain]
        try unpack.run()
        unpack.waitUntilExit()
        try compare(fixture, impressions: plain, seed: 7)
    }

    @Test(
        "vouches for its files, says where it comes from and how it was verified",
        arguments: ["onnx", "safetensors"]
    )
    func manifest(format: String) throws {
        let fixture = try replayed()
        let (path, manifest) = try export(fixture, format)
        let newest = try #require(try fixture.newest())
        let summary = try #require(newest["summary"] as? [String: Any])
        let digest = try #require(summary["state_digest"] as? String)
        #expect(manifest["model"] as? String == "\(newest["name"]!)-\(digest)")
        #expect(manifest["format"] as? String == format)
        #expect(manifest["stream_time"] as? Int == summary["stream_time"] as? Int)
        #expect(
            manifest["configuration_fingerprint"] as? String
                == newest["configuration_fingerprint"] as? String
        )
        let verification = try #require(manifest["verification"] as? [String: Any])
        #expect(verification["recent"] as? Int == 256)
        #expect(verification["synthetic"] as? Int == 64)
        #expect(try #require(verification["max_difference"] as? Double) <= 1e-5)
        let files = try #require(manifest["files"] as? [[String: Any]])
        #expect(
            Set(files.compactMap { $0["name"] as? String })
                == ["model.\(format)", "features.json", "golden.jsonl"]
        )
        for file in files {
            let name = try #require(file["name"] as? String)
            let size = try FileManager.default.attributesOfItem(atPath: path + "/" + name)[.size]
            #expect(file["bytes"] as? Int == size as? Int, "\(name)")
        }
        #expect(try fixture.folder.lines("\(format)/golden.jsonl").count == 50)
    }

    @Test("describes every field so that its inputs can be computed")
    func features() throws {
        let fixture = try replayed()
        _ = try export(fixture, "onnx")
        let description = try #require(
            JSONSerialization.jsonObject(with: fixture.folder.read("onnx/features.json"))
                as? [String: Any]
        )
        #expect(description["hash"] as? String == "xxh64")
        let fields = try #require(description["fields"] as? [[String: Any]])
        #expect(
            fields.map { $0["name"] as? String } == ["user", "ad", "recent", "price", "age"]
        )
        #expect(
            fields.map { $0["kind"] as? String }
                == ["categorical", "categorical", "list", "numeric", "numeric"]
        )
        #expect(fields[0]["rows"] as? Int == 4_096)
        #expect(fields[0]["missing_row"] as? Int == 4_096)
        // XXH64 of "user" with seed 0.
        #expect(fields[0]["seed"] as? String == "4440828080198502894")
        let missing = try #require(fields[3]["missing_value"] as? Double)
        #expect(Float(missing) == -Float.greatestFiniteMagnitude)
        #expect(fields[4]["buckets"] as? [Double] == [25, 45])
    }

    @Test("replaces an export as a whole: a reader always finds one that is complete")
    func replacing() throws {
        let fixture = try replayed(events: 2_000)
        let (path, _) = try export(fixture, "onnx")
        let exports = try (0..<8).map { _ in
            try CommandProcess([
                "export", "--state", fixture.state, "--format", "onnx", "--output", path,
            ])
        }
        var reads = 0
        while exports.contains(where: \.isRunning) {
            // Each name is looked up in what is in place at that moment, which is always whole.
            for name in ["export.json", "model.onnx", "features.json", "golden.jsonl"] {
                let isThere = FileManager.default.fileExists(atPath: path + "/" + name)
                #expect(isThere, "\(name)")
            }
            reads += 1
        }
        for export in exports { #expect(try export.finish().status == 0, "\(export.errors)") }
        #expect(reads > 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: fixture.folder.path)
        #expect(!left.contains { $0.contains("export-") }, "\(left)")
    }

    @Test("says in one line what it cannot do, and leaves what is there")
    func refusals() throws {
        let fixture = try replayed(events: 1_000)
        _ = try fixture.folder.write("mine", to: "file")
        let mine = fixture.folder.path("mine")
        try FileManager.default.createDirectory(atPath: mine, withIntermediateDirectories: true)
        _ = try fixture.folder.write("mine", to: "mine/notes.txt")
        let cases: [(arguments: [String], status: Int32, reason: String)] = [
            (["--state", fixture.state, "--format", "tf", "--output", "x"], 64, "'tf'"),
            (
                [
                    "--state", fixture.folder.path("none"), "--format", "onnx", "--output",
                    mine + "2",
                ], 1, "no snapshot"
            ),
            (["--state", fixture.state, "--format", "onnx", "--output", mine], 1, "notes.txt"),
            (
                [
                    "--state", fixture.state, "--format", "onnx", "--output",
                    fixture.folder.path("file"),
                ], 1, "file"
            ),
            (
                ["--state", fixture.state, "--format", "onnx", "--output", mine + "/.."], 1,
                "name another"
            ),
            (
                [
                    "--state", fixture.state, "--snapshot", "77", "--format", "onnx", "--output",
                    mine + "2",
                ], 1, "77"
            ),
            (
                [
                    "--state", fixture.state, "--snapshot", "../1", "--format", "onnx", "--output",
                    mine + "2",
                ], 1, "../1"
            ),
            (
                ["--state", fixture.state, "--format", "onnx", "--output", "/proc/none/x"], 1,
                "/proc/none"
            ),
            (
                [
                    "--state", fixture.state, "--format", "onnx", "--with-optimizer", "--output",
                    mine + "2",
                ], 64, "safetensors"
            ),
        ]
        for (arguments, status, reason) in cases {
            let outcome = try CommandProcess.run(["export"] + arguments)
            #expect(outcome.status == status, "\(arguments): \(outcome.errors)")
            #expect(outcome.complaints.count == 1, "\(outcome.errors)")
            #expect(outcome.errors.contains(reason), "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }
        #expect(fixture.folder.read("mine/notes.txt") == Data("mine".utf8))
        #expect(fixture.folder.read("file") == Data("mine".utf8))
        #expect(!FileManager.default.fileExists(atPath: mine + "2"))
    }

    @Test("replaces nothing but an export that is alone in its directory")
    func foreign() throws {
        let fixture = try replayed(events: 1_000)
        let (path, _) = try export(fixture, "onnx")
        func refused(_ output: String) throws -> String {
            let outcome = try CommandProcess.run([
                "export", "--state", fixture.state, "--format", "onnx", "--output", output,
            ])
            #expect(outcome.status == 1)
            #expect(outcome.complaints.count == 1, "\(outcome.errors)")
            return outcome.errors
        }
        _ = try fixture.folder.write("mine", to: "onnx/config.pbtxt")
        #expect(try refused(path).contains("config.pbtxt"))
        #expect(fixture.folder.read("onnx/config.pbtxt") == Data("mine".utf8))

        let look = fixture.folder.path("look")
        try FileManager.default.createDirectory(atPath: look, withIntermediateDirectories: true)
        _ = try fixture.folder.write("{}", to: "look/export.json")
        _ = try fixture.folder.write("mine", to: "look/thesis.txt")
        #expect(try refused(look).contains("export.json"))
        #expect(fixture.folder.read("look/thesis.txt") == Data("mine".utf8))

        let link = fixture.folder.path("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        #expect(try refused(link).contains("link"))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)
        #expect(try refused(fixture.state + "/snapshots/0000000099").contains("state directory"))
    }

    @Test("of a model that gives no finite probability says so")
    func notFinite() throws {
        let fixture = try CommandFixture(
            CommandFixture.windows
                + "\noptimizer: {method: sgd, embedding_rate: 20, dense_rate: 20}"
        )
        let generated = try CommandProcess.run([
            "generate", "--events", "3000", "--seed", "1", "--ctr", "0.2",
            "--files", fixture.folder.path("events"),
        ])
        try #require(generated.status == 0)
        let replay = try CommandProcess.run(fixture.arguments("replay", fixture.fileOptions()))
        try #require(replay.status == 0, "\(replay.errors)")
        let outcome = try CommandProcess.run([
            "export", "--state", fixture.state, "--format", "onnx",
            "--output", fixture.folder.path("out"),
        ])
        #expect(outcome.status == 1)
        #expect(outcome.complaints.first?.contains("finite") == true, "\(outcome.errors)")
        #expect(!FileManager.default.fileExists(atPath: fixture.folder.path("out")))
    }

    @Test("of a damaged snapshot names the file, warns and takes the one before")
    func damaged() throws {
        let fixture = try CommandFixture.generated(events: 3_000, seed: 4)
        let replay = try CommandProcess.run(
            fixture.arguments("replay", fixture.fileOptions(["--snapshot-every", "1000"]))
        )
        try #require(replay.status == 0, "\(replay.errors)")
        let newest = try #require(try fixture.newest()?["name"] as? String)
        let file = "state/snapshots/\(newest)/parameters.lz4"
        let whole = fixture.folder.read(file)
        try whole.prefix(whole.count / 2).write(to: URL(filePath: fixture.folder.path(file)))
        let outcome = try CommandProcess.run([
            "export", "--state", fixture.state, "--format", "onnx",
            "--output", fixture.folder.path("out"), "--json",
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("parameters.lz4"))
        #expect(try outcome.json["snapshot"] as? String != newest)
        let asked = try CommandProcess.run([
            "export", "--state", fixture.state, "--snapshot", newest, "--format", "onnx",
            "--output", fixture.folder.path("other"),
        ])
        #expect(asked.status == 1)
        #expect(asked.complaints.first?.contains("parameters.lz4") == true, "\(asked.errors)")
        #expect(!FileManager.default.fileExists(atPath: fixture.folder.path("other")))
    }
}
