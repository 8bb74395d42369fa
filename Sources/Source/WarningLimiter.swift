/// Passes warnings on, each kind the less often the oftener it came: the 1st, 2nd, 4th, 8th, … time.
/// A broker that is away for a night makes a dozen lines, not thousands.
struct WarningLimiter {
    private var counts: [String: Int] = [:]
    private let warn: (String) -> Void

    init(warn: @escaping (String) -> Void) {
        self.warn = warn
    }

    mutating func take(kind: String, line: String) {
        counts[kind, default: 0] += 1
        let count = counts[kind, default: 0]
        guard count & (count - 1) == 0 else { return }
        warn(count == 1 ? line : "\(line) (\(kind) for the \(count)th time)")
    }
}
