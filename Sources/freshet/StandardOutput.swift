import Foundation
import Glibc

/// Standard output of a command that is a filter: what is written arrives at once, and a reader that
/// has gone is no failure.
struct StandardOutput {
    /// Nobody reads on.
    struct Closed: Error {}

    /// - Throws: `Closed`; `OutputError` for anything else, a full disk among it.
    func write(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let count = unsafe bytes[start...].withUnsafeBytes {
                unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                start += count
            } else if errno == EPIPE {
                throw Closed()
            } else if errno != EINTR {
                throw OutputError(reason: unsafe String(cString: strerror(errno)))
            }
        }
    }

    /// Lets a write to a pipe that nobody reads fail instead of ending the process.
    static func outliveReaders() { _ = signal(SIGPIPE, SIG_IGN) }
}

struct OutputError: Error, CustomStringConvertible {
    var reason: String
    var description: String { "cannot write to standard output: \(reason)" }
}
