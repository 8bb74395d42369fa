import Foundation
import Kafka
import TestSupport
import Testing

@Suite("freshet broker")
struct BrokerCommandTests {
    private func start(
        _ arguments: [String]
    ) throws -> (process: Process, input: Pipe, output: Pipe) {
        let process = Process()
        let input = Pipe()
        let output = Pipe()
        process.executableURL = BrokerProcess.executable
        process.arguments = ["broker"] + arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        return (process, input, output)
    }

    /// The first line, without waiting for the process to end.
    private func address(_ output: Pipe) -> String {
        String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            .trimmingCharacters(in: .newlines)
    }

    @Test("it prints its address, has the default topics and ends well on a signal")
    func signals() throws {
        for signal in [SIGTERM, SIGINT] {
            let (process, _, output) = try start([])
            let servers = address(output)
            #expect(servers.hasPrefix("127.0.0.1:"))
            let consumer = try KafkaConsumer(
                settings: KafkaSettings(["bootstrap.servers": servers])
            )
            let counts = try consumer.partitionCounts(
                of: ["impressions", "clicks", "conversions"],
                timeoutMilliseconds: 5_000
            )
            #expect(counts == [4, 4, 4])
            kill(process.processIdentifier, signal)
            process.waitUntilExit()
            #expect(process.terminationReason == .exit)
            #expect(process.terminationStatus == 0)
        }
    }

    @Test("it ends when its standard input does, if told so")
    func standardInputEnds() throws {
        let (process, input, output) = try start(
            ["--until-stdin-closes", "--topic", "a:2", "--brokers", "2"])
        #expect(address(output).split(separator: ",").count == 2)
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test("told to, it goes away, comes back, delays and fails, and answers each command")
    func control() throws {
        let broker = try BrokerProcess(topics: ["a": 2], brokerCount: 2)
        guard broker.isEmbedded else { return }
        let topic = broker.topic("a")
        let consumer = try KafkaConsumer(
            settings: broker.settings(["reconnect.backoff.max.ms": "100"])
        )
        func ends(timeout: Int = 10_000) throws -> [Int64] {
            try consumer.watermarks(of: [(topic, 0), (topic, 1)], timeoutMilliseconds: timeout)
                .map(\.high)
        }
        #expect(try ends() == [0, 0])
        try broker.tell("down")
        #expect(throws: KafkaError.self) { try ends(timeout: 500) }
        try broker.tell("up")
        #expect(try ends() == [0, 0])

        try broker.tell("delay 300")
        let start = ContinuousClock.now
        #expect(try ends() == [0, 0])
        #expect(ContinuousClock.now - start > .milliseconds(300))
        try broker.tell("delay 0")

        try broker.tell("leader \(topic)/0 none")
        #expect(throws: KafkaError.self) { try ends(timeout: 500) }
        try broker.tell("leader \(topic)/0 2")
        try broker.tell("down 1")
        try broker.tell("up 1")
        #expect(try ends() == [0, 0])
        try broker.tell("fail offsets 1 TOPIC_AUTHORIZATION_FAILED")
        let error = #expect(throws: KafkaError.self) { try ends() }
        #expect(error?.code == "TOPIC_AUTHORIZATION_FAILED")
        for line in [
            "", "what", "down x", "down 3", "up 1 2", "leader a 1", "fail fetch 1 NO_SUCH_ERROR",
            "fail all 1 _TRANSPORT", "delay -1",
        ] {
            let error = #expect(throws: KafkaError.self) { try broker.tell(line) }
            #expect(error?.reason.hasPrefix("error: ") == true, "\(line)")
        }
        #expect(try ends() == [0, 0])
    }

    @Test(
        "wrong usage ends with 64",
        arguments: [["--topic", "a"], ["--brokers", "0"], ["--what"]]
    )
    func wrongUsage(arguments: [String]) throws {
        let (process, _, _) = try start(arguments)
        process.waitUntilExit()
        #expect(process.terminationStatus == 64)
    }
}
