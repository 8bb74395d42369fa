import Foundation
import Glibc
import TestSupport

/// A running `freshet demo`, in a temporary directory of its own that goes with it.
final class DemoRun {
    /// The demo's state directory.
    let state: String
    private let folder: URL
    private let process = Process()

    init(_ arguments: [String], recorded: Bool = false) throws {
        folder = FileManager.default.temporaryDirectory
            .appending(path: "freshet-\(UUID().uuidString)")
        state = folder.path + "/state"
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        process.executableURL = BrokerProcess.executable
        process.arguments = ["demo", "--state", state, "--rate", "200"] + arguments
        if recorded { process.arguments? += ["--record", folder.path + "/record"] }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try file("output")
        process.standardError = try file("errors")
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    var output: String { text("output") }
    var errors: String { text("errors") }
    var isRunning: Bool { process.isRunning }

    func send(_ signal: Int32) {
        kill(process.processIdentifier, signal)
    }

    /// Waits for the end, and ends it after two minutes. A signal that ended it is negative.
    func status() -> Int32 {
        let deadline = ContinuousClock.now + .seconds(120)
        while process.isRunning {
            if ContinuousClock.now >= deadline { send(SIGKILL) }
            usleep(5_000)
        }
        process.waitUntilExit()
        let status = process.terminationStatus
        return process.terminationReason == .uncaughtSignal ? -status : status
    }

    /// The demo's broker, once it runs.
    func broker() throws -> pid_t {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline, isRunning {
            for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
                guard let candidate = pid_t(name),
                    parent(of: candidate) == process.processIdentifier,
                    text(of: candidate, "cmdline").contains("\u{0}broker\u{0}")
                else { continue }
                return candidate
            }
            usleep(20_000)
        }
        throw POSIXError(.ESRCH)
    }

    /// Whether a process still does something, now and for as long as `seconds`.
    func outlives(_ candidate: pid_t, seconds: Double) -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while isAlive(candidate) {
            if ContinuousClock.now >= deadline { return true }
            usleep(20_000)
        }
        return false
    }

    /// Waits until there is a snapshot.
    func snapshot() {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline, isRunning,
            !FileManager.default.fileExists(atPath: state + "/CURRENT")
        {
            usleep(20_000)
        }
    }

    /// Runs a command line in a shell.
    func shell(_ command: String) throws -> (status: Int32, output: Data) {
        let shell = Process()
        let output = Pipe()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", command]
        shell.standardOutput = output
        try shell.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        shell.waitUntilExit()
        return (shell.terminationStatus, data)
    }

    private func isAlive(_ candidate: pid_t) -> Bool {
        let fields = statistics(of: candidate)
        return fields.first.map { $0 != "Z" && $0 != "X" } ?? false
    }

    private func parent(of candidate: pid_t) -> pid_t? {
        let fields = statistics(of: candidate)
        return fields.count > 1 ? pid_t(fields[1]) : nil
    }

    /// State, parent and so on.
    private func statistics(of candidate: pid_t) -> [Substring] {
        let text = text(of: candidate, "stat")
        guard let end = text.lastIndex(of: ")") else { return [] }
        return text[text.index(after: end)...].split(separator: " ")
    }

    private func text(of candidate: pid_t, _ name: String) -> String {
        let content = FileManager.default.contents(atPath: "/proc/\(candidate)/\(name)")
        return String(decoding: content ?? Data(), as: UTF8.self)
    }

    private func file(_ name: String) throws -> FileHandle {
        let url = folder.appending(path: name)
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    private func text(_ name: String) -> String {
        let content = FileManager.default.contents(atPath: folder.appending(path: name).path)
        return String(decoding: content ?? Data(), as: UTF8.self)
    }
}
