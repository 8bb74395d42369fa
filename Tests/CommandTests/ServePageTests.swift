import Foundation
import TestSupport
import Testing

/// Runs the page "Serve it" as a reader would: its files are written, its commands are run, in order.
@Suite("The page on serving")
struct ServePageTests {
    private struct CodeBlock {
        var language: Substring
        var text = ""
        /// The file named last before it.
        var fileName: String?
    }

    private func codeBlocks(of page: String) -> [CodeBlock] {
        var blocks: [CodeBlock] = []
        var fileName: String?
        var open: CodeBlock?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```"), let block = open {
                blocks.append(block)
                open = nil
            } else if line.hasPrefix("```") {
                open = CodeBlock(language: line.dropFirst(3), fileName: fileName)
            } else if open != nil {
                open?.text += line + "\n"
            } else if let name = line.matches(of: /`([a-z]+\.(?:py|yaml))`/).last {
                fileName = String(name.output.1)
            }
        }
        return blocks
    }

    @Test("does what it says, command by command")
    func page() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/freshet/Freshet.docc/ServeIt.md")
        let blocks = codeBlocks(of: try String(contentsOf: file, encoding: .utf8))
        let folder = try TemporaryFolder()
        var script = "set -euxo pipefail\n"
        for block in blocks {
            switch block.language {
            case "sh":
                script += block.text
            case "python", "yaml":
                _ = try folder.write(block.text, to: try #require(block.fileName))
            default:
                Issue.record("a block of \(block.language)")
            }
        }
        #expect(blocks.count { $0.language == "sh" } >= 9)
        let outcome = try run(script, in: folder)
        #expect(outcome.status == 0, "\(outcome.text.suffix(4_000))")
        #expect(outcome.text.contains("ctcvr: within"))
        #expect(outcome.text.contains("recent"), "the culprit is named")
    }

    /// Runs a script with `freshet` and the tests' Python on its path.
    private func run(
        _ script: String,
        in folder: TemporaryFolder
    ) throws -> (status: Int32, text: String) {
        let environment = ProcessInfo.processInfo.environment
        let python = environment["FRESHET_PYTHON"] ?? "/usr/bin/python3"
        let tools = """
            #!/bin/sh
            exec "\(python)" "$@"

            """
        try FileManager.default.createDirectory(
            atPath: folder.path("bin"),
            withIntermediateDirectories: true
        )
        let path = try folder.write(tools, to: "bin/python3")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("bin/freshet"),
            withDestinationPath: BrokerProcess.executable.path
        )
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = URL(filePath: folder.path)
        process.environment = environment.merging(
            ["PATH": folder.path("bin") + ":" + (environment["PATH"] ?? "/usr/bin:/bin")]
        ) { $1 }
        let log = folder.path("log")
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let output = try FileHandle(forWritingTo: URL(filePath: log))
        process.standardOutput = output
        process.standardError = output
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: folder.read("log"), as: UTF8.self))
    }
}
