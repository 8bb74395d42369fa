extension Configuration {
    /// The configuration with every key at its resolved value, as YAML that reads as the same
    /// configuration. Of secrets it names the source only.
    public var resolved: String { resolvedKeys.yaml }
}

/// One line of YAML below the sections that `path` names.
private struct YAMLLine {
    var path: [String]
    var line: String
}

extension [ResolvedKey] {
    /// The keys as YAML, sections nested.
    var yaml: String {
        var text = ""
        var open: [String] = []
        for entry in grouped {
            let parents = entry.path.dropLast()
            let shared = zip(open, parents).prefix(while: { $0 == $1 }).count
            for (depth, parent) in parents.enumerated().dropFirst(shared) {
                text += indent(depth) + yamlText(parent) + ":\n"
            }
            open = [String](parents)
            text += indent(parents.count) + entry.line + "\n"
        }
        return text
    }

    private func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    /// The keys as lines, those of a section together even where they are apart in the list, and
    /// those of a feature as one item.
    fileprivate var grouped: [YAMLLine] {
        var sections: [String] = []
        for entry in self where !sections.contains(entry.path[0]) { sections.append(entry.path[0]) }
        return sections.flatMap { section in
            let keys = filter { $0.path[0] == section }
            return section == "features" ? keys.featureLines : keys.sortedByDepth
        }
    }

    /// A section's own keys before its subsections.
    private var sortedByDepth: [YAMLLine] {
        let depths = Set(map(\.path.count)).sorted()
        return depths.flatMap { depth in
            filter { $0.path.count == depth }.map {
                YAMLLine(path: $0.path, line: "\(yamlText($0.path.last ?? "")): \($0.value)")
            }
        }
    }

    private var featureLines: [YAMLLine] {
        var lines: [YAMLLine] = []
        var name: String?
        for entry in self {
            let pair = "\(entry.path[2]): \(entry.value)"
            if entry.path[1] == name, var last = lines.popLast() {
                last.line += ", \(pair)"
                lines.append(last)
            } else {
                name = entry.path[1]
                lines.append(
                    YAMLLine(
                        path: ["features", entry.path[1]],
                        line: "- {name: \(yamlText(entry.path[1])), \(pair)"
                    )
                )
            }
        }
        return lines.map { YAMLLine(path: $0.path, line: $0.line + "}") }
    }
}

/// Text as a YAML scalar: plain where no reader could take it for anything else, quoted otherwise.
func yamlText(_ text: String) -> String {
    let isWord = text.utf8.allSatisfy {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20)
            || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
    }
    let startsWithLetter = text.first?.isLetter ?? false
    let words = ["true", "false", "null", "none", "all", "yes", "no", "on", "off", "y", "n"]
    if isWord, startsWithLetter, !words.contains(text.lowercased()) { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value):
            let digits = String(scalar.value, radix: 16)
            quoted += "\\x" + (digits.count == 1 ? "0" : "") + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

/// A list in one line.
func yamlList(_ items: [String]) -> String {
    "[\(items.joined(separator: ", "))]"
}
