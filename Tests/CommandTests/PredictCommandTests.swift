import Foundation
import Glibc
import TestSupport
import Testing

@Suite("freshet predict")
struct PredictCommandTests {
    /// A fixture whose state has learnt from a generated stream.
    private func replayed() throws -> CommandFixture {
        let fixture = try CommandFixture.generated(events: 5_000, seed: 11)
        let outcome = try CommandProcess.run(
            fixture.arguments("replay", fixture.fileOptions(["--snapshot-every", "2000"]))
        )
        try #require(outcome.status == 0, "\(outcome.errors)")
        try expectLaw(try outcome.json)
        return fixture
    }

    private func predict(_ arguments: [String]) throws -> CommandOutcome {
        try CommandProcess.run(["predict"] + arguments)
    }

    private func objects(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map {
            try #require(
                JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            )
        }
    }

    @Test("answers each impression of a file, in its order, from a snapshot as from its exports")
    func files() throws {
        let fixture = try replayed()
        let input = fixture.folder.path("events/impressions-0.jsonl")
        let ids = try fixture.folder.lines("events/impressions-0.jsonl").map {
            $0["impression_id"] as? String
        }
        let outcome = try predict(["--state", fixture.state, "--input", input])
        #expect(outcome.status == 0)
        #expect(outcome.errors.isEmpty)
        let answers = try objects(outcome.output)
        #expect(answers.map { $0["impression_id"] as? String } == ids)
        #expect(answers.count > 1_000)
        #expect(Set(answers.compactMap { $0["ctr"] as? Double }).count > answers.count / 2)
        for answer in answers {
            #expect(Set(answer.keys) == ["impression_id", "ctr", "cvr", "ctcvr"])
            let (ctr, cvr) = try (
                #require(answer["ctr"] as? Double), #require(answer["cvr"] as? Double)
            )
            #expect(abs(ctr * cvr - (try #require(answer["ctcvr"] as? Double))) < 1e-12)
        }

        for format in ["safetensors", "onnx"] {
            let version = fixture.folder.path("\(format)/versions/0000000007")
            try FileManager.default.createDirectory(
                atPath: fixture.folder.path("\(format)/versions"),
                withIntermediateDirectories: true
            )
            let export = try CommandProcess.run([
                "export", "--state", fixture.state, "--format", format, "--output", version,
            ])
            try #require(export.status == 0, "\(export.errors)")
            try FileManager.default.createSymbolicLink(
                atPath: fixture.folder.path("\(format)/current"),
                withDestinationPath: "versions/0000000007"
            )
            for path in [version, fixture.folder.path(format)] {
                let outcome = try predict(["--export", path, "--input", input])
                #expect(outcome.status == 0, "\(outcome.errors)")
                for (answer, expected) in zip(try objects(outcome.output), answers) {
                    for key in ["ctr", "cvr", "ctcvr"] {
                        let (a, b) = (answer[key] as? Double, expected[key] as? Double)
                        #expect(try abs(#require(a) - #require(b)) < 1e-5)
                    }
                }
            }
        }
    }

    @Test("answers bad lines with what is wrong, counts them, and exits 0; a long one is not held")
    func badLines() throws {
        let fixture = try CommandFixture(
            CommandFixture.windows + "\nevents: {max_record_bytes: 2KiB}"
        )
        let events = fixture.folder.path("events")
        _ = try CommandProcess.run(["generate", "--events", "100", "--files", events])
        let replay = try CommandProcess.run(
            fixture.arguments("replay", ["--files", events, "--until", "2020-01-01T00:00:00Z"])
        )
        try #require(replay.status == 0, "\(replay.errors)")
        let input = try fixture.folder.write(
            """
            {"impression_id": 12, "features": {"user": 3, "recent": []}}

            {"impression_id": "é", "features": {"user": 3, "price": "x"}}
            {"impression_id": "\(String(repeating: "x", count: 300_000))"}
            {"impression_id": "last"}
            """,
            to: "input.jsonl"
        )
        let outcome = try predict(["--state", fixture.state, "--input", input])
        #expect(outcome.status == 0)
        #expect(outcome.errors == "2 of 5 lines could not be scored\n")
        let answers = try objects(outcome.output)
        #expect(answers.map { $0["impression_id"] as? String } == ["12", nil, nil, "last"])
        #expect(answers.map { $0["line"] as? Int } == [nil, 3, 4, nil])
        #expect(
            answers[1]["error"] as? String == "features.price: a string, expected a number"
        )
        #expect(
            (answers[2]["error"] as? String)?.hasSuffix("bytes, expected at most 2048") == true
        )
        // Nothing has been learnt yet.
        for answer in [answers[0], answers[3]] {
            #expect(abs(try #require(answer["ctr"] as? Double) / 0.01 - 1) < 1e-5)
            #expect(abs(try #require(answer["ctcvr"] as? Double) / 0.001 - 1) < 1e-5)
        }
    }

    @Test("as a filter answers as soon as the input pauses, and ends with it")
    func filter() throws {
        let fixture = try replayed()
        let input = Pipe()
        let process = try CommandProcess(["predict", "--state", fixture.state], input: input)
        let writing = input.fileHandleForWriting
        func expect(answers count: Int, to text: String) throws {
            try writing.write(contentsOf: Data(text.utf8))
            try wait(for: "answer \(count)") {
                process.output.split(separator: "\n").count == count
            }
        }
        try expect(answers: 1, to: "{\"impression_id\": 1}\n{\"impres")
        try expect(answers: 2, to: "sion_id\": 0, \"features\": 1}\n")
        try writing.write(contentsOf: Data("{\"impression_id\": \"end\"}".utf8))
        try writing.close()
        let outcome = try process.finish()
        #expect(outcome.status == 0)
        let answers = try objects(outcome.output)
        #expect(answers.map { $0["impression_id"] as? String } == ["1", nil, "end"])
        #expect(answers[1]["line"] as? Int == 2)
    }

    @Test("ends quietly when nobody reads on")
    func closedPipe() throws {
        let fixture = try replayed()
        let process = Process()
        let errors = Pipe()
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-c", #"set -o pipefail; "$0" predict --state "$1" --input "$2" | head -n 1"#,
            BrokerProcess.executable.path, fixture.state,
            fixture.folder.path("events/impressions-0.jsonl"),
        ]
        process.standardError = errors
        process.standardOutput = output
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(try errors.fileHandleForReading.readToEnd()?.isEmpty != false)
        let text = try #require(try output.fileHandleForReading.readToEnd())
        #expect(try objects(String(decoding: text, as: UTF8.self)).count == 1)
    }

    @Test("refuses a damaged snapshot or export in one line that names it")
    func damaged() throws {
        let fixture = try replayed()
        let export = fixture.folder.path("model")
        _ = try CommandProcess.run([
            "export", "--state", fixture.state, "--format", "safetensors", "--output", export,
        ])
        let weights = try FileHandle(
            forUpdating: URL(filePath: export + "/model.safetensors")
        )
        try weights.seek(toOffset: 20_000)
        try weights.write(contentsOf: Data([1, 2, 3, 4]))
        let parameters = "state/snapshots/0000000003/parameters.lz4"
        try fixture.folder.read(parameters).dropLast(7)
            .write(to: URL(filePath: fixture.folder.path(parameters)))
        let cases: [([String], String)] = [
            (["--export", export], "model.safetensors"),
            (["--state", fixture.state, "--snapshot", "3"], "0000000003/parameters.lz4"),
            (["--state", fixture.state, "--snapshot", "8"], "no snapshot 8"),
            (["--state", fixture.state, "--snapshot", "../../x"], "no snapshot ../../x"),
            (["--state", "/nowhere"], "/nowhere"), (["--export", "/nowhere"], "/nowhere"),
            (["--export", fixture.folder.path], "is no export"),
        ]
        let older = try predict(["--state", fixture.state])
        #expect(older.status == 0)
        #expect(older.errors.hasPrefix("warning: "), "\(older.errors)")
        #expect(older.errors.contains("0000000003/parameters.lz4"))
        for (arguments, name) in cases {
            let outcome = try predict(arguments)
            #expect(outcome.status == 1, "\(arguments)")
            #expect(outcome.output.isEmpty)
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            #expect(outcome.complaints.first?.contains(name) == true, "\(outcome.errors)")
        }
    }
}
