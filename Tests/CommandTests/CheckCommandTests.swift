import Foundation
import Testing

@Suite("freshet check")
struct CheckCommandTests {
    private struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// Runs the command that was built beside the tests.
    private func check(_ arguments: [String]) throws -> Outcome {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        process.executableURL = URL(filePath: tests).deletingLastPathComponent()
            .appending(path: "freshet")
        process.arguments = ["check"] + arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let outputData = try output.fileHandleForReading.readToEnd() ?? Data()
        let errorData = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus,
            output: String(decoding: outputData, as: UTF8.self),
            errors: String(decoding: errorData, as: UTF8.self)
        )
    }

    private func file(_ yaml: String) throws -> String {
        let url = FileManager.default.temporaryDirectory
            .appending(path: "freshet-\(UUID().uuidString).yaml")
        try Data(yaml.utf8).write(to: url)
        return url.path
    }

    @Test("a good configuration is printed as one that checks to the same output")
    func good() throws {
        let path = try file(
            """
            features: [{name: a, kind: categorical, rows: 1000}]
            kafka: {secrets: {sasl.password: {environment: FRESHET_TEST_SECRET}}}
            """
        )
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try check(["--config", path])
        #expect(first.status == 0)
        #expect(first.errors.isEmpty)
        #expect(first.output.contains("click_window: 10m"))
        #expect(first.output.contains("# parameters: "))
        #expect(first.output.contains("(embeddings 8,008, dense "))

        let resolved = try file(first.output)
        defer { try? FileManager.default.removeItem(atPath: resolved) }
        #expect(try check(["--config", resolved]).output == first.output)
    }

    @Test("a rate adds the memory of the join, and says where a limit is passed")
    func rate() throws {
        let path = try file(
            """
            features: [{name: a, kind: categorical, rows: 1000}]
            join: {click_window: 10s, conversion_window: 100s, max_closed_ids: 50}
            """
        )
        defer { try? FileManager.default.removeItem(atPath: path) }
        let outcome = try check(["--config", path, "--rate", "1000", "--ctr", "0.1"])
        #expect(outcome.status == 0)
        #expect(
            outcome.output.contains(
                "# open impressions: 19,000 of 1 feature words (10 values per list) "
                    + "and ids of 36 bytes"
            )
        )
        #expect(outcome.output.contains("join.max_closed_ids, 50, is less than the 3,600,000"))
        #expect(!outcome.output.contains("dropped"))
        #expect(outcome.output.contains("# memory of the join: about 4."))
        #expect(outcome.output.contains("# snapshot before compression: about "))
        let longer = try check([
            "--config", path, "--rate", "1000", "--ctr", "0.1", "--id-length", "400",
        ])
        #expect(longer.output.contains("# memory of the join: about 10."))
    }

    @Test("a guard that would notice silence too late is named")
    func lateGuard() throws {
        for (span, isLate) in [("5m", false), ("1h", true)] {
            let path = try file(
                """
                features: [{name: a, kind: categorical, rows: 1000}]
                join: {guard_ratio: 0.2, guard_span: \(span)}
                """
            )
            defer { try? FileManager.default.removeItem(atPath: path) }
            let outcome = try check(["--config", path])
            #expect(outcome.status == 0)
            #expect(outcome.output.contains("is longer than join.click_window") == isLate)
        }
    }

    @Test(
        "a bad configuration or option exits 64 with one line on standard error",
        arguments: [
            ([], ":2: join.click_windw: unknown key; did you mean click_window?"),
            (["--rate", "0"], "--rate is 0.0"), (["--rate", "nan"], "--rate is nan"),
            (["--rate", "5", "--ctr", "2"], "--ctr is 2.0"),
            (["--ctr", "0.5"], "with --rate only"),
            (["--list-length", "5"], "--list-length is used with --rate only"),
            (["--rate", "5", "--id-length=-1"], "--id-length is -1.0"),
        ]
    )
    func bad(_ options: [String], _ phrase: String) throws {
        let path = try file(
            "features: [{name: a, kind: numeric}]\njoin: {click_windw: 5s}\n"
        )
        defer { try? FileManager.default.removeItem(atPath: path) }
        let outcome = try check(["--config", path] + options)
        #expect(outcome.status == 64)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.hasPrefix("freshet: "))
        #expect(outcome.errors.contains(phrase), "\(outcome.errors)")
        #expect(outcome.errors.filter { $0 == "\n" }.count == 1)
    }
}
