public import Foundation
import Glibc

/// How a command ended, and what it wrote.
public struct CommandOutcome: Sendable {
    /// The exit status; nil if a signal ended it.
    public var status: Int32?
    public var output: String
    public var errors: String

    /// The lines on standard error in which a command says why it failed.
    public var complaints: [Substring] {
        errors.split(separator: "\n").filter { $0.hasPrefix("freshet: ") }
    }

    /// Standard output as one JSON object.
    public var json: [String: Any] {
        get throws {
            let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
            guard let object = value as? [String: Any] else {
                throw CommandFailure("no JSON object: \(output)")
            }
            return object
        }
    }
}

public struct CommandFailure: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}

/// The built `freshet` as a process of its own. Its output goes to files, so that no pipe fills up.
public final class CommandProcess {
    private let process = Process()
    private let folder: TemporaryFolder
    private let start = ContinuousClock.now

    /// Starts `freshet` with these arguments.
    /// - Parameter input: its standard input; nothing comes there unless given.
    public init(_ arguments: [String], input: Pipe? = nil) throws {
        folder = try TemporaryFolder()
        process.executableURL = BrokerProcess.executable
        process.arguments = arguments
        if let input {
            process.standardInput = input
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        process.standardOutput = try Self.file(folder.path("output"))
        process.standardError = try Self.file(folder.path("errors"))
        try process.run()
    }

    deinit { if process.isRunning { send(SIGKILL) } }

    public var identifier: Int32 { process.processIdentifier }
    public var isRunning: Bool { process.isRunning }
    public var elapsed: Duration { ContinuousClock.now - start }
    /// Standard output so far.
    public var output: String { String(decoding: folder.read("output"), as: UTF8.self) }
    /// Standard error so far.
    public var errors: String { String(decoding: folder.read("errors"), as: UTF8.self) }

    public func send(_ signal: Int32) { _ = kill(process.processIdentifier, signal) }

    /// Waits until the process has ended.
    /// - Throws: after `seconds`, having killed it.
    public func finish(seconds: Double = 120) throws -> CommandOutcome {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while process.isRunning {
            guard ContinuousClock.now < deadline else {
                send(SIGKILL)
                throw CommandFailure(
                    "\(process.arguments ?? []) still ran after \(seconds) s: \(errors)"
                )
            }
            usleep(2_000)
        }
        return CommandOutcome(
            status: process.terminationReason == .exit ? process.terminationStatus : nil,
            output: output,
            errors: errors
        )
    }

    /// Runs `freshet` to its end.
    public static func run(
        _ arguments: [String],
        seconds: Double = 120
    ) throws -> CommandOutcome {
        try CommandProcess(arguments).finish(seconds: seconds)
    }

    private static func file(_ path: String) throws -> FileHandle {
        try Data().write(to: URL(filePath: path))
        return try FileHandle(forWritingTo: URL(filePath: path))
    }
}

/// Waits until a condition holds.
/// - Throws: after `seconds`.
public func wait(
    seconds: Double = 120,
    for what: String,
    until condition: () throws -> Bool
) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else {
            throw CommandFailure("\(what): not after \(seconds) s")
        }
        usleep(20_000)
    }
}
