import ArgumentParser
import Configure
import Foundation
import Logging
import Report
import Snapshot

/// The options of `replay` that say what is made of its figures.
struct ReportOptions: ParsableArguments {
    @Option(
        name: .long,
        help: """
            Write a report to this file: one HTML page that needs nothing else, with every figure over \
            stream time.
            """,
        completion: .file(extensions: ["html"])
    )
    var report: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            Train this configuration too, on the same pass over the records, and report paired \
            differences to --config. Repeatable. Its state goes to <state>/compare/<name>, named as \
            the file.
            """,
            valueName: "config"
        ),
        completion: .file(extensions: ["yaml", "yml"])
    )
    var compare: [String] = []

    /// Finds out before the replay whether the report can be written after it.
    func reportFile() throws -> ReportFile? {
        try report.map { try ReportFile(path: $0) }
    }
}

/// A file that is there whole or not at all.
struct ReportFile: Sendable {
    let path: String
    private let directory: String
    private let temporary: String
    private let files = DiskFileSystem()

    /// - Throws: an error naming the path, if no file can be written there.
    init(path: String) throws {
        self.path = path
        let url = URL(filePath: path)
        directory = url.deletingLastPathComponent().path
        let name = url.lastPathComponent
        temporary = "\(directory)/.\(name).\(getpid()).tmp"
        var isDirectory: ObjCBool = false
        if unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
            isDirectory.boolValue
        {
            throw FileError(operation: "write", path: path, reason: "it is a directory")
        }
        do throws(FileError) {
            _ = try files.create(temporary)
            try files.remove(temporary)
        } catch {
            throw FileError(operation: "write", path: path, reason: error.reason)
        }
    }

    /// Puts the text in place of what was there before.
    func write(_ text: String) throws(FileError) {
        do throws(FileError) {
            let file = try files.create(temporary)
            try unsafe file.write(text.utf8Span.span.bytes)
            try file.sync()
            try files.rename(temporary, to: path)
            try files.syncDirectory(directory)
        } catch {
            try? files.remove(temporary)
            throw FileError(operation: "write", path: path, reason: error.reason)
        }
    }
}
