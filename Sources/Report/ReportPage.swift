internal import Learn

/// A report as one self-contained HTML page: it needs no network and no other file, and is complete
/// without its script, which only adds read-outs to the drawings.
public struct ReportPage: Sendable {
    let content: ReportContent

    public init(_ content: ReportContent) {
        self.content = content
    }

    /// The page's text, UTF-8.
    public var html: String {
        let title: Markup = "\(content.source) · Freshet replay report"
        // What the page itself holds may run; nothing can be loaded.
        let policy: Markup =
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        let page: Markup = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta http-equiv="Content-Security-Policy" content="\(policy)">
            <meta name="color-scheme" content="light dark">
            <title>\(title)</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <main>
            \(header)\(figuresSection)\(comparisonSection)\(timeSection)\(reliabilitySection)\
            \(delaySection)\(lawSection)\(configurationSection)</main>
            \(footer)<script>\(Self.script)</script>
            </body>
            </html>

            """
        return page.text
    }

    var main: ReportRun { content.runs[0] }
    var isComparison: Bool { content.runs.count > 1 }

    /// Each task with its name in JSON and on the page.
    static let tasks:
        [(
            key: String, name: String, meaning: String,
            figures: @Sendable (TaskTable<TaskFigures>) -> TaskFigures
        )] = [
            ("ctr", "CTR", "click, of all impressions", { $0.ctr }),
            ("cvr", "CVR", "conversion, of clicked impressions", { $0.cvr }),
            ("ctcvr", "CTCVR", "click and conversion, of all impressions", { $0.ctcvr }),
        ]

    /// Dots in the configurations' colours with their names; nothing for a single one.
    var legend: Markup {
        guard isComparison else { return "" }
        let names = content.runs.enumerated().map { index, run -> Markup in
            "<li><span class=\"key s\(lineStyle(index))\"></span>\(run.name)</li>"
        }
        return "<ul class=\"legend\">\(names.joined())</ul>\n"
    }

    /// There are six; the seventh configuration looks like the first again.
    func lineStyle(_ index: Int) -> Int { index % 6 }

    private var footer: Markup {
        """
        <footer><p>Made by freshet \(content.programVersion) (\(content.kernelPath)) on \
        \(TimeText.full(content.createdAt)) UTC. All times are UTC. Figures are progressive: each \
        prediction was made when its impression arrived, and scored when the outcome was final.</p>\
        </footer>
        """
    }
}
