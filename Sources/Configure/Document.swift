internal import Yams

/// The YAML text of a configuration as a tree, composed within bounds.
///
/// Composing shares what an alias repeats, so a "billion laughs" file stays small as long as nobody
/// walks it: the typed reader never visits a value it has no key for. The one walk of composing
/// itself is the hash of a key that is a list or mapping, so those are refused beforehand wherever
/// aliases occur.
struct Document {
    static let byteCountMax = 1 << 20

    let file: String
    let root: Node?

    init(yaml text: String, file: String) throws(ConfigurationError) {
        self.file = file
        guard text.utf8.count <= Document.byteCountMax else {
            throw ConfigurationError(
                file: file,
                problem: "is longer than the \(Document.byteCountMax) bytes of a configuration"
            )
        }
        if let line = Document.lineOfComplexKey(in: text) {
            throw ConfigurationError(
                file: file,
                line: line,
                problem:
                    "a key that is a list, a mapping or an alias cannot stand beside YAML aliases"
            )
        }
        do {
            // A text below 16 bytes would live in the string itself, where the parser cannot keep a
            // pointer to it.
            let padded = text.utf8.count < 16 ? text + String(repeating: "\n", count: 16) : text
            root = try Parser(yaml: padded, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            throw ConfigurationError(error, file: file, text: text)
        } catch {
            throw ConfigurationError(file: file, problem: "is not YAML: \(error)")
        }
    }

    /// The line of what may be a key other than plain text, in a text that may hold aliases; nil if
    /// there is none. It looks at characters only, hence it may see one inside a string; never does
    /// it miss one.
    private static func lineOfComplexKey(in text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "&")), bytes.contains(UInt8(ascii: "*")) else {
            return nil
        }
        var line = 1
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "\n"):
                line += 1
            case UInt8(ascii: "?"):
                let before = index == 0 ? UInt8(ascii: "\n") : bytes[index - 1]
                if " \t\r\n[{,:-".utf8.contains(before) { return line }
            case UInt8(ascii: ":"):
                if endsComplexKey(bytes[..<index]) { return line }
            default:
                break
            }
        }
        return nil
    }

    /// Whether what stands before a colon ends with a closing bracket or an alias.
    private static func endsComplexKey(_ before: ArraySlice<UInt8>) -> Bool {
        var rest = before
        while let last = rest.last, " \t".utf8.contains(last) { rest.removeLast() }
        if let last = rest.last, "]}".utf8.contains(last) { return true }
        while let last = rest.last,
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(last)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(last | 0x20)
                || "-_".utf8.contains(last)
        {
            rest.removeLast()
        }
        return rest.last == UInt8(ascii: "*")
    }
}

extension ConfigurationError {
    /// The parser's complaint, in one line.
    fileprivate init(_ error: YamlError, file: String, text: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _):
            let what = context.map { "\(problem) \($0.text)" } ?? problem
            // What is missing at the end of the text was opened where the context says.
            let written = text.reversed().drop(while: \.isWhitespace)
            let lastLine = written.count(where: \.isNewline) + 1
            let line =
                mark.line > lastLine ? min(context?.mark.line ?? lastLine, lastLine) : mark.line
            self.init(file: file, line: line, problem: "is not YAML: \(what)")
        case .composer(_, let problem, let mark, _):
            let what =
                problem.contains("another document")
                ? "holds more than one YAML document" : "is not YAML: \(problem)"
            self.init(file: file, line: mark.line, problem: what)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let key = duplicates.first ?? ""
            self.init(
                file: file,
                line: context.mark.line,
                key: dottedKey(of: key, at: context.mark, in: text),
                problem: "is given more than once (first in this line)"
            )
        case .reader(let problem, let offset, _, _):
            let line = offset.map { text.prefix($0).count(where: \.isNewline) + 1 }
            self.init(file: file, line: line, problem: "is not YAML: \(problem)")
        default:
            self.init(file: file, problem: "is not YAML: \(error)")
        }
    }
}

/// The dotted name of a key that the parser reports by its place only: the keys above it that are
/// less indented are its parents.
private func dottedKey(of key: String, at mark: Mark, in text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.indices.contains(mark.line - 1) else { return key }
    var path = [key]
    var indent = mark.column - 1
    for line in lines[..<mark.line].reversed() {
        let start = line.prefix { $0 == " " || $0 == "-" }.count
        guard start < indent, let colon = line.firstIndex(of: ":") else { continue }
        let name = line[line.index(line.startIndex, offsetBy: start)..<colon]
        guard !name.hasPrefix("#"), name != key else { continue }
        path.insert(String(name), at: 0)
        indent = line.prefix { $0 == " " }.count
    }
    return path.joined(separator: ".")
}
