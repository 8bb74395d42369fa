extension ReportPage {
    var configurationSection: Markup {
        var keys: [String] = []
        var seen: Set<String> = []
        for run in content.runs {
            for (key, _) in run.configuration where seen.insert(key).inserted { keys.append(key) }
        }
        let values = content.runs.map { run in
            Dictionary(run.configuration.map { ($0.key, $0.value) }) { first, _ in first }
        }
        let rows = keys.map { key -> Markup in
            let cells = values.enumerated().map { index, own -> Markup in
                let differs = own[key] != values[0][key]
                return """
                    <td\(differs ? " class=\"differs\"" : "" as Markup) \
                    data-run="\(content.runs[index].name)" data-key="\(key)">\
                    \(own[key] ?? "–")</td>
                    """
            }
            return "<th scope=\"row\"><code>\(key)</code></th>\(cells.joined())"
        }
        let table = Markup.table(
            caption: "Every key that shapes the state, at the value it resolved to",
            head: ["key"] + content.runs.map { isComparison ? "\($0.name)" : "value" },
            rows: rows,
            kind: "keys"
        )
        return .section(
            "Configuration",
            id: "configuration",
            (isComparison ? differences(keys, values) : "") + .details("Every key", table)
        )
    }

    /// What the configurations disagree on.
    private func differences(_ keys: [String], _ values: [[String: String]]) -> Markup {
        let differing = keys.filter { key in
            values.contains { $0[key] != values[0][key] }
        }
        guard !differing.isEmpty else { return "<p>The configurations are the same.</p>\n" }
        return .table(
            caption: "Keys on which they differ",
            head: ["key"] + content.runs.map { "\($0.name)" },
            rows: differing.map { key in
                """
                <th scope="row"><code>\(key)</code></th>\
                \(values.map { "<td>\($0[key] ?? "–")</td>" as Markup }.joined())
                """
            },
            kind: "keys"
        )
    }
}
