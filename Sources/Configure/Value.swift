internal import Yams

/// One value of a configuration with the place where it stands, read as what its key wants.
struct Value {
    let node: Node
    let key: String
    let line: Int?
    let file: String

    func error(_ problem: String) -> ConfigurationError {
        ConfigurationError(file: file, line: line, key: key, problem: problem)
    }

    /// Text; numbers and truth values only when quoted.
    func text() throws(ConfigurationError) -> String {
        guard case .text(let text) = scalar else {
            let isQuotable =
                switch scalar {
                case .number, .boolean: true
                default: false
                }
            throw wrongType("text" + (isQuotable ? " (quote it if it is meant as text)" : ""))
        }
        return text
    }

    /// Text that names something: not empty, no control characters.
    func name() throws(ConfigurationError) -> String {
        let text = try text()
        guard !text.isEmpty, text.utf8.count <= 255,
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else {
            throw error(
                "is \(found), expected 1 to 255 bytes of text without control characters"
            )
        }
        return text
    }

    /// Any scalar as its text: the values of settings that are passed on.
    func passedOnText() throws(ConfigurationError) -> String {
        switch scalar {
        case .text(let text): return text
        case .number, .boolean: return node.scalar?.string ?? ""
        case .null, nil: throw wrongType("text, a number or a truth value")
        }
    }

    func boolean() throws(ConfigurationError) -> Bool {
        guard case .boolean(let boolean) = scalar else { throw wrongType("true or false") }
        return boolean
    }

    func integer(in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        let expected =
            "a whole number"
            + (range.upperBound == .max
                ? " of at least \(range.lowerBound)"
                : " from \(range.lowerBound) to \(range.upperBound)")
        guard case .number(let text) = scalar, !text.contains(where: { ".eEni".contains($0) })
        else { throw wrongType(expected) }
        let digits = text.drop { $0 == "-" || $0 == "+" }
        guard digits.count == 1 || digits.first != "0" else {
            throw error("is \(found): write it without a leading zero")
        }
        guard let value = Int(text), range.contains(value) else { throw wrongType(expected) }
        return value
    }

    /// A finite number that `isAllowed`; `expected` says which ones are.
    func number(
        _ expected: String,
        where isAllowed: (Double) -> Bool
    ) throws(ConfigurationError) -> Double {
        guard case .number(let text) = scalar, let value = Double(text), value.isFinite,
            isAllowed(value)
        else { throw wrongType(expected) }
        return value
    }

    /// The same in single precision, in which the value must still be finite and allowed.
    func float(
        _ expected: String,
        where isAllowed: (Float) -> Bool
    ) throws(ConfigurationError) -> Float {
        Float(
            try number(expected) { value in
                let value = Float(value)
                return value.isFinite && isAllowed(value)
            }
        )
    }

    /// A duration in milliseconds, at least `minimum`.
    func duration(atLeast minimum: Int64) throws(ConfigurationError) -> Int64 {
        let examples = "a duration with a unit, such as 500ms, 2s, 10m, 1h30m or 7d"
        if case .number(let digits) = scalar {
            throw error("is \(digits) without a unit, expected \(examples)")
        }
        guard case .text(let text) = scalar else { throw wrongType(examples) }
        guard !text.hasPrefix("-") else { throw error("is \(found): it cannot be negative") }
        guard let value = DurationText.milliseconds(text) else {
            throw wrongType(
                "\(examples), at most \(DurationText.text(DurationText.millisecondsMax))"
            )
        }
        guard value >= minimum else {
            throw error("is \(found), expected at least \(DurationText.text(minimum))")
        }
        return value
    }

    /// A size in bytes.
    func size(in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        let text: String? =
            switch scalar {
            case .number(let digits): digits
            case .text(let text): text
            default: nil
            }
        guard let text, let bytes = SizeText.bytes(text), range.contains(bytes) else {
            throw wrongType(
                "a size from \(SizeText.text(range.lowerBound)) to "
                    + "\(SizeText.text(range.upperBound)): bytes, or such as 512KiB, 1MiB, 2GiB"
            )
        }
        return bytes
    }

    /// One of the names of an enumeration.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ type: Choice.Type = Choice.self
    ) throws(ConfigurationError) -> Choice {
        let names = Choice.allCases.map(\.rawValue)
        guard case .text(let text) = scalar, let choice = Choice(rawValue: text) else {
            let near = node.scalar.flatMap { nearest(to: $0.string, among: names) }
            throw wrongType(
                names.joined(separator: " or ") + (near.map { "; did you mean \($0)?" } ?? "")
            )
        }
        return choice
    }

    /// Whether it is the given plain word, such as `none`.
    func isWord(_ word: String) -> Bool { scalar == .text(word) }

    /// A list's items, at most `limit`.
    func items(limit: Int) throws(ConfigurationError) -> [Value] {
        guard case .sequence(let sequence) = node else { throw wrongType("a list") }
        guard sequence.count <= limit else {
            throw error("has \(sequence.count) items, expected at most \(limit)")
        }
        return sequence.enumerated().map { index, item in
            Value(
                node: item,
                key: "\(key)[\(index)]",
                line: item.mark?.line ?? line,
                file: file
            )
        }
    }

    func wrongType(_ expected: String) -> ConfigurationError {
        error("is \(found), expected \(expected)")
    }

    private var scalar: Scalar? { node.scalar.map(Scalar.init) }

    /// The value as errors show it.
    private var found: String {
        guard let string = node.scalar?.string else {
            return node.mapping != nil ? "a mapping" : "a list"
        }
        return switch scalar {
        case .null: "empty"
        case .text: "\"\(string.prefix(40))\(string.count > 40 ? "…" : "")\""
        default: String(string.prefix(40))
        }
    }
}
