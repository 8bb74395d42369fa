import Foundation

/// Lines on standard output that are redrawn in place.
struct TerminalBlock {
    private var height = 0

    /// Whether standard output can do that.
    static var isAvailable: Bool {
        isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    mutating func draw(_ lines: [String]) {
        var text = height > 0 ? "\r\u{1B}[\(height)A" : "\r"
        // Without wrapping, a line is one row however narrow the terminal is.
        text += "\u{1B}[?7l" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J\u{1B}[?7h"
        height = lines.count
        writeNow(text)
    }
}

/// Writes to standard output without a buffer. Where nobody reads any more there is nothing to do.
func writeNow(_ text: String) {
    try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
}
