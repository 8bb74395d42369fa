internal import ArgumentParser
internal import Foundation
internal import Kafka
internal import UnixSignals

/// `freshet broker`: librdkafka's embedded broker in a process of its own.
struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract:
            "An in-memory Kafka broker on a loopback port, for trying things out and for tests.",
        discussion: """
            Prints its address (host:port, several separated by commas) as its first line. Ends on \
            SIGTERM and SIGINT, and everything in it with it. Each partition keeps at most 5 MiB or \
            100,000 batches; older records are dropped without a word.

            With --control: \(BrokerControl.help)
            """
    )

    @Option(
        name: .customLong("topic"),
        help: ArgumentHelp(
            "A topic to create; may be given more than once. (default: impressions:4 clicks:4 "
                + "conversions:4)",
            valueName: "name:partitions"
        )
    )
    var topics: [TopicArgument] = []

    @Option(help: "How many brokers the cluster has.")
    var brokers = 1

    @Flag(help: "End when standard input ends too, so that the broker does not outlive its parent.")
    var untilStdinCloses = false

    @Flag(
        help: """
            Take commands from standard input that make trouble, a line each, and end when it does.
            """
    )
    var control = false

    func validate() throws {
        guard (1...64).contains(brokers) else {
            throw ValidationError("--brokers is 1 to 64, not \(brokers)")
        }
    }

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let broker = try MockBroker(
            brokerCount: brokers,
            topics: topics.isEmpty
                ? ["impressions", "clicks", "conversions"].map {
                    MockBroker.Topic(name: $0, partitionCount: 4)
                } : topics.map(\.topic)
        )
        FileHandle.standardOutput.write(Data("\(broker.servers)\n".utf8))
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        let watch = Task {
            for await _ in signals { continuation.finish() }
        }
        defer { watch.cancel() }
        if control || untilStdinCloses { Self.readStandardInput(into: continuation) }
        for await line in lines where control {
            let answer = BrokerControl.answer(to: line, broker: broker)
            FileHandle.standardOutput.write(Data("\(answer)\n".utf8))
        }
    }

    /// Ends the stream when standard input ends. Reading blocks, hence a thread of its own.
    private static func readStandardInput(into lines: AsyncStream<String>.Continuation) {
        Thread.detachNewThread {
            while let line = readLine() { lines.yield(line) }
            lines.finish()
        }
    }
}

/// `name:partitions` on the command line.
struct TopicArgument: ExpressibleByArgument {
    let topic: MockBroker.Topic

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let count = Int(parts[1]),
            (1...10_000).contains(count)
        else { return nil }
        topic = MockBroker.Topic(name: String(parts[0]), partitionCount: count)
    }
}
