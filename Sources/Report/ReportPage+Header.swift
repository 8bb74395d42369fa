internal import Events
internal import Learn

extension ReportPage {
    var header: Markup {
        """
        <header><p class="kind">Freshet replay report</p><h1>\(content.source)</h1>
        <p class="lead">\(lead)</p>
        \(notices)<dl class="tiles">\(tiles.joined())</dl></header>

        """
    }

    private var lead: Markup {
        let cohorts = main.series + main.immatureSeries
        guard let first = cohorts.first, let time = main.streamTime else {
            return "Nothing was applied yet."
        }
        let scope: Markup = isComparison ? " Single figures are those of \(main.name)." : ""
        return """
            Impressions from \(TimeText.full(first.start)) on; stream time \
            \(Figure(main.name, "stream_time", text: "\(time)").spelled(TimeText.full(time))) UTC.\(scope)
            """
    }

    /// What the reader has to know before any figure.
    private var notices: Markup {
        var notices: [Markup] = []
        if !content.isComplete {
            notices.append(
                "The replay was stopped before the end of its records; these are the figures so far."
            )
        }
        if !main.metrics.mature {
            notices.append(
                """
                No cohort is mature yet: the replay is shorter than the windows, so labels that come \
                late are missing in these figures.
                """
            )
        }
        notices += main.silences.map { silence in
            let rate = silence.rate.map { NumberText.percent($0) } ?? "none"
            return """
                Silence: \(silence.role.plural) have stayed away since \
                \(TimeText.full(silence.since)) (\(rate), before that \
                \(NumberText.percent(silence.trailingRate))). Windows are held, and nothing becomes a \
                negative, until they come back.
                """
        }
        if main.skippedUpdates > 0 {
            notices.append(
                "\(NumberText.grouped(main.skippedUpdates)) updates were skipped because a number in them was not finite."
            )
        }
        if main.disordered > 0 {
            notices.append(
                "\(NumberText.grouped(main.disordered)) events came out of order: a partition's own times go back."
            )
        }
        if isComparison { notices.append("\(PairedComparison.warning)") }
        if notices.isEmpty { return "" }
        return "<ul class=\"notices\">\(notices.map { "<li>\($0)</li>" as Markup }.joined())</ul>\n"
    }

    private var tiles: [Markup] {
        let figures = main.metrics.figures
        let consumed = main.books.reduce(0) { $0 + $1.consumed }
        let applied = main.books.reduce(0) { $0 + $1.counts[Place.applied.rawValue] }
        return [
            tile("events consumed", "\(NumberText.grouped(consumed))"),
            tile(
                "applied",
                "\(consumed > 0 ? NumberText.percent(Double(applied) / Double(consumed)) : "–")"
            ),
            tile("CTR AUC", "\(figures.ctr.auc.map { NumberText.fixed($0, 4) } ?? "–")"),
            tile("CVR AUC", "\(figures.cvr.auc.map { NumberText.fixed($0, 4) } ?? "–")"),
            tile(
                "CTR calibration",
                "\(figures.ctr.calibration.map { NumberText.fixed($0, 3) } ?? "–")"
            ),
            tile("CTR labels trained", "\(NumberText.grouped(main.trainedCTR))"),
        ]
    }

    private func tile(_ name: Markup, _ value: Markup) -> Markup {
        "<div><dt>\(name)</dt><dd>\(value)</dd></div>"
    }
}

extension Figure {
    /// The same value in other words.
    func spelled(_ text: String) -> Markup {
        var copy = self
        copy.text = text
        return copy.inline
    }
}
