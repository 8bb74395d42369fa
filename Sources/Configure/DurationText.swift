/// Durations as people write them: `10m`, `1h30m`, `500ms`, `7d`. Whole numbers with a unit each,
/// the greater unit first.
public enum DurationText {
    /// Ten years: above it lies a slip of the pen, and sums of times stay far from overflow.
    static let millisecondsMax: Int64 = 3650 * 86_400_000

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// Milliseconds, or nil if the text is no duration or exceeds `millisecondsMax`.
    static func milliseconds(_ text: String) -> Int64? {
        var rest = Substring(text)
        var total: Int64 = 0
        var unitsLeft = units[...]
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let name = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
            guard let count = Int64(digits), count <= millisecondsMax,
                let unit = unitsLeft.firstIndex(where: { $0.name == name })
            else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(
                by: units[unit].milliseconds
            )
            guard !overflow, product <= millisecondsMax - total else { return nil }
            total += product
            unitsLeft = unitsLeft[(unit + 1)...]
            rest = rest.dropFirst(digits.count + name.count)
        }
        return total
    }

    /// The shortest text that reads as these milliseconds.
    public static func text(_ milliseconds: Int64) -> String {
        var rest = milliseconds
        var text = ""
        for unit in units where rest >= unit.milliseconds {
            text += "\(rest / unit.milliseconds)\(unit.name)"
            rest %= unit.milliseconds
        }
        return text.isEmpty ? "0s" : text
    }
}
