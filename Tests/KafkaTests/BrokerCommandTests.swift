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
