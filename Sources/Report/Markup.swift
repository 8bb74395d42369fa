/// HTML or SVG text. What is interpolated into it is escaped, unless it is markup itself, so that no
/// topic name or configuration value can become part of the page's structure.
public struct Markup: ExpressibleByStringInterpolation, Sendable {
    public private(set) var text: String

    public init(stringLiteral value: String) {
        text = value
    }

    public init(stringInterpolation: Interpolation) {
        text = stringInterpolation.text
    }

    /// Text from outside as markup that shows it: safe between tags and in quoted attributes.
    public init(escaping string: String) {
        var text = ""
        text.reserveCapacity(string.utf8.count)
        for scalar in string.unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            case "\t", "\n": text.unicodeScalars.append(scalar)
            // HTML has no place for control characters.
            case "\0"..<" ", "\u{7F}"..."\u{9F}": text += "\u{FFFD}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        self.text = text
    }

    public static func + (first: Markup, second: Markup) -> Markup {
        var sum = first
        sum.text += second.text
        return sum
    }

    public static func += (first: inout Markup, second: Markup) {
        first.text += second.text
    }

    public struct Interpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity * 2)
        }

        public mutating func appendLiteral(_ literal: String) { text += literal }

        public mutating func appendInterpolation(_ markup: Markup) { text += markup.text }

        public mutating func appendInterpolation(_ string: String) {
            text += Markup(escaping: string).text
        }

        public mutating func appendInterpolation(_ number: Int) { text += "\(number)" }

        /// A coordinate of a drawing, to a hundredth.
        public mutating func appendInterpolation(_ coordinate: Double) {
            text += "\((coordinate * 100).rounded() / 100)"
        }
    }
}

extension Sequence<Markup> {
    /// One after the other.
    public func joined() -> Markup {
        reduce(into: "") { $0 += $1 }
    }
}
