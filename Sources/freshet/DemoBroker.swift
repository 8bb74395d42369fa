import Foundation
import Glibc
import Pipeline

/// The demo's broker: the `broker` command of this same executable, as a process of its own. It
/// ends when its standard input does, hence with this process, however that ends.
final class DemoBroker {
    /// host:port
    let servers: String
    /// Set when the process has ended.
    let ended: StopFlag
    private let process = Process()
    private let lifeline = Pipe()

    /// - Parameter onEnd: Called, on some thread, when the process has ended.
    init(partitionCount: Int, onEnd: @escaping @Sendable () -> Void) throws {
        let ended = StopFlag()
        let output = Pipe()
        process.executableURL = URL(
            filePath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        )
        process.arguments =
            ["broker", "--until-stdin-closes"]
            + ["impressions", "clicks", "conversions"].flatMap {
                ["--topic", "\($0):\(partitionCount)"]
            }
        process.standardInput = lifeline
        process.standardOutput = output
        process.terminationHandler = { _ in
            ended.set()
            onEnd()
        }
        try process.run()
        self.ended = ended
        servers = Self.firstLine(of: output.fileHandleForReading)
        guard !servers.isEmpty else {
            stop()
            throw PipelineError("the demo's broker ended before it had an address")
        }
    }

    /// Ends the process at once, since it holds nothing worth an orderly end, and waits for that.
    func stop() {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    private static func firstLine(of file: FileHandle) -> String {
        var line: [UInt8] = []
        while let byte = try? file.read(upToCount: 1)?.first, byte != UInt8(ascii: "\n") {
            line.append(byte)
        }
        return String(decoding: line, as: UTF8.self)
    }
}
