import Foundation
import Testing

/// Runs a script of `Reference` with $FRESHET_PYTHON, or python3.
/// - Returns: what it printed.
func runReference(_ script: String, _ arguments: [String]) throws -> Data {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Reference/\(script)").path
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    let python = ProcessInfo.processInfo.environment["FRESHET_PYTHON"] ?? "python3"
    process.arguments = [python, path] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(script) failed")
    return printed
}
