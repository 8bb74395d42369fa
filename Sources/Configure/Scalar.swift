internal import Yams

/// What a YAML scalar is. Stricter than YAML 1.1, whose `on`, `0x1F`, `010` and `1:30` surprise.
enum Scalar: Equatable {
    case null
    case boolean(Bool)
    /// A plain scalar that looks like a number; underscores between digits are taken out.
    case number(String)
    case text(String)

    init(_ scalar: Node.Scalar) {
        let string = scalar.string
        let isPlain = scalar.style == .plain || scalar.style == .any
        guard isPlain, scalar.tag != Tag(.str) else {
            self = .text(string)
            return
        }
        switch string {
        case "", "~", "null", "Null", "NULL": self = .null
        case "true", "True", "TRUE": self = .boolean(true)
        case "false", "False", "FALSE": self = .boolean(false)
        default: self = Scalar.numberText(string).map(Scalar.number) ?? .text(string)
        }
    }

    /// `[+-]digits[.digits][e[+-]digits]`, or `.inf`, `-.inf`, `.nan`.
    private static func numberText(_ text: String) -> String? {
        let isSigned = text.hasPrefix("-") || text.hasPrefix("+")
        let unsigned = text.dropFirst(isSigned ? 1 : 0)
        switch unsigned.lowercased() {
        case ".inf": return text.hasPrefix("-") ? "-inf" : "inf"
        case ".nan": return "nan"
        default: break
        }
        guard let first = unsigned.first, first.isASCII, first.isNumber || first == "." else {
            return nil
        }
        let digits = text.filter { $0 != "_" }
        guard
            digits.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }),
            Double(digits) != nil
        else { return nil }
        return digits
    }
}
