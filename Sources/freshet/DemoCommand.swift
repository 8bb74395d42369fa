import ArgumentParser
import Events
import Foundation
import Generate
import Learn
import Logging
import Pipeline
import Snapshot

/// `freshet demo`: broker, generator and daemon together.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows it all in a minute: a broker, a generated stream and the daemon on it.",
        discussion: """
            Starts an embedded Kafka broker on a loopback port, sends it impressions, clicks and \
            conversions with planted probabilities, and learns from them as `run` does, showing \
            the figures beside the best possible ones. Leaves a snapshot, and no process.
            """
    )

    @Option(help: "How long the stream goes on; Ctrl-C ends it early.")
    var seconds = 60

    @Option(help: "Impressions per second.")
    var rate = 1_000.0

    @Option(
        help: "The state directory, new or empty. (default: a new one for temporary files)",
        completion: .directory
    )
    var state: String?

    @Option(
        name: .customLong("record"),
        help: """
            Record what the daemon consumed into this folder, for `replay --files`, before the broker \
            goes.
            """,
        completion: .directory
    )
    var recordFolder: String?

    func validate() throws {
        guard (1...86_400).contains(seconds) else {
            throw ValidationError("--seconds is \(seconds), not between 1 and 86400")
        }
        guard (1...10_000).contains(rate) else {
            throw ValidationError("--rate is \(rate), not between 1 and 10000")
        }
    }

    func run() async throws {
        var logger = Logger(label: "freshet")
        logger.logLevel = .warning
        let quiet = logger
        let directory = try stateDirectory()
        let stream = try DemoStream(rate: rate)
        let done = StopFlag()
        let broker = try DemoBroker(partitionCount: Self.partitionCount) { done.set() }
        defer { broker.stop() }
        let session = try session(directory, servers: broker.servers, logger: logger)
        let figures = LiveFiguresBox()
        let display = DemoDisplay(
            seconds: seconds,
            servers: broker.servers,
            session: session,
            figures: figures,
            stream: stream
        )
        let (servers, duration) = (broker.servers, Duration.seconds(seconds))
        let start = ContinuousClock.now
        try await LearningThread.run(logger: logger, beside: [display]) { stop in
            try stream.run(
                to: servers,
                for: duration,
                until: stop,
                done: done,
                consumed: { figures.value?.consumed ?? 0 }
            ) { done in
                try RunCommand.learn(session, figures: figures, logger: quiet, stop: done)
            }
        }
        if broker.ended.isSet { throw PipelineError("the demo's broker ended unexpectedly") }
        try conclude(session, stream, seconds: (ContinuousClock.now - start) / .seconds(1))
        if let recordFolder { try record(session, stream, to: recordFolder, logger: quiet) }
    }

    /// Records the topics, which hold just what the daemon has consumed.
    private func record(
        _ session: LearnerSession,
        _ stream: DemoStream,
        to folder: String,
        logger: Logger
    ) throws {
        guard let summary = session.newest?.body.summary, let time = summary.streamTime else {
            return
        }
        guard summary.consumed.total == stream.eventCount else {
            throw PipelineError(
                "--record \(folder): the daemon ended before it had read all that was produced"
            )
        }
        let lock = try StateLock(directory: folder)
        defer { withExtendedLifetime(lock) {} }
        try RecordCommand.record(
            session.configuration,
            to: folder,
            logger: logger,
            stop: StopFlag()
        )
        print(DemoAdvice(directory: session.directory, rate: rate).replay(of: folder, until: time))
    }

    private static let partitionCount = 4

    private func stateDirectory() throws -> String {
        let files = FileManager.default
        guard let state else {
            let directory =
                files.temporaryDirectory.path
                + "/freshet-demo-\(UUID().uuidString.prefix(8).lowercased())"
            try files.createDirectory(atPath: directory, withIntermediateDirectories: false)
            return directory
        }
        try files.createDirectory(atPath: state, withIntermediateDirectories: true)
        guard try files.contentsOfDirectory(atPath: state).isEmpty else {
            throw ValidationError(
                "--state \(state) is not empty, but a demo cannot go on with a state, since the "
                    + "topics that it came from went with their broker: give a new directory"
            )
        }
        return state
    }

    private func session(
        _ directory: String,
        servers: String,
        logger: Logger
    ) throws -> LearnerSession {
        let file = directory + "/demo.yaml"
        try Data(DemoConfiguration.text(servers: servers).utf8).write(to: URL(filePath: file))
        let options = try StateOptions.parse(["--config=\(file)", "--state=\(directory)"])
        return try LearnerSession(options: options, logger: logger)
    }

    /// Prints what happened and what to try next.
    private func conclude(
        _ session: LearnerSession,
        _ stream: DemoStream,
        seconds: Double
    ) throws {
        guard let newest = session.newest, let sent = stream.sent else {
            throw PipelineError("the demo ended before its first event")
        }
        let summary = newest.body.summary
        let report = ReplayReport(
            summary: summary,
            snapshot: newest.name,
            seconds: seconds,
            best: stream.best(for: summary.metrics)
        )
        print(
            """

            Produced \(sent.impressions) impressions, \(sent.clicks) clicks and \
            \(sent.conversions) conversions into three topics.
            The daemon read them back, joined them and trained on them:

            \(report.text())

            """
        )
        guard summary.isBalanced else {
            throw PipelineError("the counts of \(newest.name) do not add up to what was consumed")
        }
        print("Every consumed event is in exactly one of the places above.")
        let unread = stream.eventCount - summary.consumed.total
        if unread > 0 { print("\(unread) events more were produced than the daemon had read.") }
        print(DemoAdvice(directory: session.directory, rate: rate).text)
    }
}

extension Summary {
    /// Whether the places add up to what was consumed.
    fileprivate var isBalanced: Bool {
        Role.allCases.allSatisfy { role in
            consumed[role] == Place.allCases.reduce(0) { $0 + self[$1][role] }
        }
    }
}
