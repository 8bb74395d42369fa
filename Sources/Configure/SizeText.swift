/// Sizes in bytes: `1MiB`, `512KiB`, `2GiB`, or a plain number.
enum SizeText {
    private static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ]

    /// Bytes, or nil if the text is no size.
    static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text.dropFirst(digits.count)
        guard let count = Int(digits) else { return nil }
        if name.isEmpty { return count }
        guard let unit = units.first(where: { $0.name == name }) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    /// The shortest text that reads as this many bytes.
    static func text(_ bytes: Int) -> String {
        for unit in units where bytes > 0 && bytes.isMultiple(of: unit.bytes) {
            return "\(bytes / unit.bytes)\(unit.name)"
        }
        return String(bytes)
    }
}
