/// A figure as it is shown, with its exact value in the page beside it: the name that `replay --json`
/// gives it, the configuration it belongs to, and the value as JSON.
struct Figure {
    var run: String
    var name: String
    /// JSON: shortest decimal text that reads back to the same number, or null.
    var value: String
    var text: String

    init(_ run: String, _ name: String, _ value: Int) {
        self.run = run
        self.name = name
        self.value = "\(value)"
        text = NumberText.grouped(value)
    }

    init(_ run: String, _ name: String, _ value: Double?, text: (Double) -> String) {
        self.run = run
        self.name = name
        self.value = value.map { "\($0)" } ?? "null"
        self.text = value.map(text) ?? "–"
    }

    init(_ run: String, _ name: String, text: String) {
        self.run = run
        self.name = name
        value = text
        self.text = text
    }

    private var attributes: Markup {
        """
        data-run="\(run)" data-figure="\(name)" data-value="\(value)"
        """
    }

    /// A table's cell.
    func cell(_ kind: Markup = "number") -> Markup {
        "<td class=\"\(kind)\" \(attributes)>\(text)</td>"
    }

    /// A part of a sentence.
    var inline: Markup { "<span \(attributes)>\(text)</span>" }
}

extension Markup {
    /// A table that may be wider than a phone.
    static func table(
        caption: Markup,
        head: [Markup],
        rows: [Markup],
        kind: Markup = ""
    ) -> Markup {
        let cells = head.enumerated().map { index, cell -> Markup in
            index == 0
                ? "<th scope=\"col\">\(cell)</th>"
                : "<th scope=\"col\" class=\"number\">\(cell)</th>"
        }
        return """
            <div class="scroll"><table class="\(kind)"><caption>\(caption)</caption>\
            <thead><tr>\(cells.joined())</tr></thead>\
            <tbody>\(rows.map { "<tr>\($0)</tr>" as Markup }.joined())</tbody></table></div>

            """
    }

    static func details(_ summary: Markup, _ content: Markup) -> Markup {
        "<details><summary>\(summary)</summary>\(content)</details>\n"
    }

    static func drawing(_ title: Markup, _ drawing: Markup) -> Markup {
        "<figure><figcaption>\(title)</figcaption>\(drawing)</figure>\n"
    }

    static func section(_ title: Markup, id: Markup, _ content: Markup) -> Markup {
        """
        <section aria-labelledby="\(id)"><h2 id="\(id)">\(title)</h2>
        \(content)</section>

        """
    }
}
