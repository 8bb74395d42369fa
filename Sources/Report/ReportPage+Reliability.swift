internal import Learn

extension ReportPage {
    var reliabilitySection: Markup {
        let whiskers: Markup =
            isComparison ? "" : " Lines are 95 % intervals (Wilson) of the actual rate."
        var drawings: Markup = ""
        var tables: Markup = ""
        for task in Self.tasks {
            let chart = ReliabilityChart(
                title: "\(task.name): predicted against actual",
                runs: content.runs.map { ($0.name, Self.groups(task.key, of: $0.reliability)) }
            )
            drawings += .drawing("\(task.name)", chart.svg())
            for run in content.runs { tables += groupTable(run, task.key, task.name) }
        }
        return .section(
            "Do probabilities mean what they say?",
            id: "reliability",
            """
            <p>Impressions in groups of about equal weight by their prediction. On the diagonal, of those \
            predicted 2 % are 2 % positive; above it the prediction was too low.\(whiskers)</p>
            \(legend)<div class="drawings three">\(drawings)</div>
            \(.details("Figures of every group", tables))
            """
        )
    }

    private static func groups(
        _ task: String,
        of table: TaskTable<[ReliabilityGroup]>
    ) -> [ReliabilityGroup] {
        switch task {
        case "ctr": table.ctr
        case "cvr": table.cvr
        default: table.ctcvr
        }
    }

    private func groupTable(_ run: ReportRun, _ key: String, _ name: String) -> Markup {
        let rows = Self.groups(key, of: run.reliability).enumerated().map {
            index,
            group -> Markup in
            let path = "reliability.\(key).\(index)"
            let rate = { (sum: Double) in group.weight > 0 ? sum / group.weight : nil }
            return """
                <th scope="row">\(index + 1)</th>\
                \(Figure(run.name, path + ".predicted", rate(group.predicted)) {
                    NumberText.percent($0)
                }.cell())\
                \(Figure(run.name, path + ".actual", rate(group.actual)) {
                    NumberText.percent($0)
                }.cell())\
                \(Figure(run.name, path + ".weight", group.weight) {
                    NumberText.grouped($0)
                }.cell())
                """
        }
        return .table(
            caption: "\(name)\(isComparison ? ", " + run.name : "")",
            head: ["group", "predicted", "actual", "weight"],
            rows: rows,
            kind: "dense"
        )
    }
}
