public import Foundation
public import Kafka

/// A Kafka broker for the life of a test: `freshet broker` in a process of its own, or the one at
/// `FRESHET_TEST_KAFKA` (host:port) if that is set. Topics get names of their own, so that tests can
/// share a broker.
public final class BrokerProcess {
    /// host:port, several separated by commas.
    public let servers: String
    /// Whether it is librdkafka's embedded broker, with its limits.
    public let isEmbedded: Bool
    private let process: Process?
    /// Ends the broker when this process goes, however it goes.
    private let lifeline: Pipe?
    /// The broker's answers to `tell`.
    private let answers: FileHandle?
    /// What makes the topics' names its own.
    public let suffix: String

    /// Starts a broker with `topics`, from plain name to number of partitions.
    /// - Parameter suffix: of another broker, to have its topics' names.
    public init(topics: [String: Int], brokerCount: Int = 1, suffix: String? = nil) throws {
        let suffix = suffix ?? UUID().uuidString.prefix(8).lowercased()
        self.suffix = suffix
        if let servers = ProcessInfo.processInfo.environment["FRESHET_TEST_KAFKA"] {
            self.servers = servers
            isEmbedded = false
            process = nil
            lifeline = nil
            answers = nil
            let producer = try KafkaProducer(settings: settings)
            for (name, count) in topics {
                try producer.createTopic(
                    topic(name),
                    partitionCount: count,
                    timeoutMilliseconds: 20_000
                )
            }
            return
        }
        let names = topics.map { "\($0)-\(suffix):\($1)" }
        let process = Process()
        let input = Pipe()
        let output = Pipe()
        process.executableURL = Self.executable
        process.arguments =
            ["broker", "--brokers", String(brokerCount), "--control"]
            + names.flatMap { ["--topic", $0] }
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        self.process = process
        lifeline = input
        isEmbedded = true
        answers = output.fileHandleForReading
        servers = Self.firstLine(of: output.fileHandleForReading)
        guard !servers.isEmpty else {
            throw KafkaError(
                operation: "start \(Self.executable.path) broker",
                code: "_FAIL",
                reason: "it printed no address"
            )
        }
    }

    deinit {
        process?.terminate()
        process?.waitUntilExit()
    }

    /// The name that the topic `name` has on this broker.
    public func topic(_ name: String) -> String { "\(name)-\(suffix)" }

    /// What a client needs to reach it.
    public var settings: KafkaSettings { settings() }

    /// What a client needs to reach it, and `more`.
    public func settings(_ more: [String: String] = [:]) -> KafkaSettings {
        KafkaSettings(["bootstrap.servers": servers].merging(more) { $1 })
    }

    /// Has the embedded broker carry out a command of `freshet broker --control`.
    public func tell(_ command: String) throws {
        guard let lifeline, let answers else {
            throw KafkaError(
                operation: command,
                code: "_FAIL",
                reason: "a broker that is not ours takes no commands"
            )
        }
        try lifeline.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
        let answer = Self.firstLine(of: answers)
        guard answer == "ok" else {
            throw KafkaError(operation: command, code: "_FAIL", reason: answer)
        }
    }

    /// Stops the embedded broker's process as it stands; it answers nothing until `resume`.
    public func suspend() {
        guard let process, process.suspend() else { return }
        // The signal is delivered some time later: wait until the system shows the process as stopped.
        while let status = try? String(
            contentsOfFile: "/proc/\(process.processIdentifier)/stat",
            encoding: .utf8
        ), !status.contains(") T ") {
            usleep(1_000)
        }
    }

    public func resume() { _ = process?.resume() }

    /// The built `freshet`, which lies beside the test bundle.
    public static var executable: URL {
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appendingPathComponent("freshet")
    }

    private static func firstLine(of file: FileHandle) -> String {
        var line = Data()
        while let byte = try? file.read(upToCount: 1), let byte = byte.first {
            if byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        return String(decoding: line, as: UTF8.self)
    }
}
