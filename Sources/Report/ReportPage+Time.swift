internal import Learn

extension ReportPage {
    /// The figures that are drawn over time.
    private struct Measure {
        var name: String
        var reference: Double?
        var decimals: Int
        var value: (TaskFigures) -> Double?
    }

    private static var measures: [Measure] {
        [
            Measure(name: "AUC", reference: nil, decimals: 4, value: \.auc),
            Measure(
                name: "normalized entropy",
                reference: 1,
                decimals: 4,
                value: \.normalizedEntropy
            ),
            Measure(name: "calibration", reference: 1, decimals: 3, value: \.calibration),
        ]
    }

    var timeSection: Markup {
        let cohorts = content.runs.flatMap { $0.series + $0.immatureSeries }
        guard let start = cohorts.map(\.start).min(), let end = cohorts.map(\.end).max() else {
            return .section("Over stream time", id: "time", "<p>No cohort yet.</p>\n")
        }
        let time = Double(start)...Double(end)
        let hollow: Markup =
            content.runs.contains { !$0.immatureSeries.isEmpty }
            ? """
             Hollow points on a shaded ground are immature: their windows are still open, and what \
            they miss is biased.
            """ : ""
        var body: Markup = """
            <p>One point per cohort of impression time.\(hollow) A dashed ring at an edge is a value \
            beyond the scale; the dashed line is a normalized entropy or calibration of 1.</p>
            \(legend)
            """
        for measure in Self.measures {
            var drawings: Markup = ""
            for task in Self.tasks {
                let title = "\(task.name) \(measure.name)"
                let chart = LineChart(
                    title: title + " over stream time",
                    lines: content.runs.enumerated().map { index, run in
                        line(
                            run,
                            style: lineStyle(index),
                            figures: task.figures,
                            measure: measure
                        )
                    },
                    time: time,
                    immatureFrom: content.runs.compactMap { $0.immatureSeries.first?.start }
                        .min().map(Double.init),
                    reference: measure.reference
                )
                drawings += .drawing("\(title)", chart.svg())
            }
            body += "<div class=\"drawings three\">\(drawings)</div>\n"
        }
        body += .details("Figures of every cohort", content.runs.map(cohortTable).joined())
        return .section("Over stream time", id: "time", body)
    }

    private func line(
        _ run: ReportRun,
        style: Int,
        figures: (TaskTable<TaskFigures>) -> TaskFigures,
        measure: Measure
    ) -> LineChart.Line {
        func point(_ cohort: CohortSummary, isMature: Bool) -> LineChart.Point {
            let figures = figures(cohort.figures)
            let value = measure.value(figures)
            return LineChart.Point(
                time: Double(cohort.start) / 2 + Double(cohort.end) / 2,
                value: value,
                isMature: isMature,
                note: """
                    \(isComparison ? run.name + ": " : "")\
                    \(value.map { NumberText.fixed($0, measure.decimals) } ?? "–"), \
                    \(TimeText.compact(cohort.start)) to \(TimeText.compact(cohort.end)), \
                    \(NumberText.grouped(figures.count)) impressions\(isMature ? "" : ", immature")
                    """
            )
        }
        return LineChart.Line(
            style: style,
            points: run.series.map { point($0, isMature: true) }
                + run.immatureSeries.map { point($0, isMature: false) }
        )
    }

    private func cohortTable(_ run: ReportRun) -> Markup {
        let cohorts = run.series.map { ($0, true) } + run.immatureSeries.map { ($0, false) }
        let rows = cohorts.enumerated().map { index, entry -> Markup in
            let (cohort, isMature) = entry
            let figures = Self.tasks.map { task -> Markup in
                let path = "cohort.\(index).\(task.key)"
                let values = task.figures(cohort.figures)
                return Figure(run.name, path + ".auc", values.auc) {
                    NumberText.fixed($0, 4)
                }.cell()
                    + Figure(run.name, path + ".normalized_entropy", values.normalizedEntropy) {
                        NumberText.fixed($0, 4)
                    }.cell()
                    + Figure(run.name, path + ".calibration", values.calibration) {
                        NumberText.fixed($0, 3)
                    }.cell()
                    + Figure(run.name, path + ".count", values.count).cell()
            }
            return """
                <th scope="row">\(TimeText.compact(cohort.start)) to \
                \(TimeText.compact(cohort.end))\(isMature ? "" : " <em>immature</em>" as Markup)\
                </th>\(figures.joined())
                """
        }
        let head = Self.tasks.flatMap { task -> [Markup] in
            ["\(task.name) AUC", "NE", "cal.", "n"]
        }
        let limit: Markup =
            run.series.count == Metrics.seriesMax
            ? "; the newest \(Metrics.seriesMax) mature ones are kept" : ""
        return .table(
            caption: "\(run.name)\(limit)",
            head: ["cohort"] + head,
            rows: rows,
            kind: "dense"
        )
    }
}
