import Foundation

/// A replay's progress on standard error: a bar with rate and time left on a terminal, a plain line
/// now and then otherwise.
struct ProgressBar {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var lastShown = ContinuousClock.now
    private var firstEvents: Int?
    private var firstFraction: Double?

    /// - Parameters:
    ///   - fraction: Share of the input read so far, if it is known.
    ///   - events: Events consumed so far.
    mutating func update(fraction: Double?, events: Int) {
        let now = ContinuousClock.now
        if firstEvents == nil {
            firstEvents = events
            firstFraction = fraction
        }
        guard now - lastShown > (isTerminal ? .milliseconds(100) : .seconds(10)) else { return }
        lastShown = now
        let seconds = (now - start) / .seconds(1)
        let rate = Double(events - (firstEvents ?? 0)) / seconds
        var line = "\(events) events, \(Int(rate)) per second"
        if let fraction, let firstFraction, fraction > firstFraction {
            let left = seconds * (1 - fraction) / (fraction - firstFraction)
            line += ", \(Int(fraction * 100)) %, \(Self.clock(left)) left"
            if isTerminal { line = Self.bar(fraction) + " " + line }
        }
        show(isTerminal ? "\r\(line)\u{1B}[K" : line + "\n")
    }

    /// Clears the bar.
    func finish() {
        if isTerminal { show("\r\u{1B}[K") }
    }

    private func show(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }

    private static func bar(_ fraction: Double) -> String {
        let width = 30
        let filled = min(width, Int(fraction * Double(width)))
        return "[" + String(repeating: "#", count: filled)
            + String(repeating: ".", count: width - filled) + "]"
    }

    private static func clock(_ seconds: Double) -> String {
        let whole = Int(min(max(seconds, 0), 359_999))
        let tail = String(format: "%02d:%02d", whole / 60 % 60, whole % 60)
        return whole >= 3_600 ? "\(whole / 3_600):\(tail)" : tail
    }
}
