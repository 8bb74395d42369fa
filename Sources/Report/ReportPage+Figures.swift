internal import Learn

extension ReportPage {
    var figuresSection: Markup {
        let scope: Markup =
            main.metrics.mature
            ? "of mature cohorts, all of whose windows have closed"
            : "of everything scored so far: <strong>not mature</strong>"
        var content: Markup = """
            <p>Figures \(scope). AUC: how well the ranking separates, 0.5 is chance. Normalized entropy: log \
            loss over that of always predicting the mean rate, below 1 beats it. Calibration: predicted over \
            actual, 1 is right.</p>

            """
        content += table("Figures per task", of: "metrics", \.figures)
        let other = """
            Of immature cohorts, and of everything
            """
        content += .details(
            "\(other)",
            table(
                "Immature cohorts: labels that come late are missing",
                of: "metrics.immature",
                \.immature
            ) + table("Everything scored", of: "metrics.all", \.all)
        )
        content += runTable
        return .section("How good the predictions were", id: "figures", content)
    }

    private func table(
        _ caption: Markup,
        of path: String,
        _ figures: (MetricsReport) -> TaskTable<TaskFigures>
    ) -> Markup {
        var rows: [Markup] = []
        for task in Self.tasks {
            for (index, run) in content.runs.enumerated() {
                let values = task.figures(figures(run.metrics))
                let name: Markup =
                    isComparison
                    ? "\(task.name) <span class=\"key s\(lineStyle(index))\"></span>\(run.name)"
                    : "\(task.name) <span class=\"muted\">\(task.meaning)</span>"
                rows.append(
                    "<th scope=\"row\">\(name)</th>"
                        + Self.cells(values, run: run.name, path: "\(path).\(task.key)")
                )
            }
        }
        return .table(
            caption: caption,
            head: ["task", "AUC", "log loss", "norm. entropy", "calibration", "impressions"],
            rows: rows,
            kind: "short"
        )
    }

    static func cells(_ figures: TaskFigures, run: String, path: String) -> Markup {
        Figure(run, path + ".auc", figures.auc) { NumberText.fixed($0, 4) }.cell()
            + Figure(run, path + ".log_loss", figures.logLoss) { NumberText.fixed($0, 5) }.cell()
            + Figure(run, path + ".normalized_entropy", figures.normalizedEntropy) {
                NumberText.fixed($0, 4)
            }.cell()
            + Figure(run, path + ".calibration", figures.calibration) {
                NumberText.fixed($0, 3)
            }.cell()
            + Figure(run, path + ".count", figures.count).cell()
    }

    /// What was trained, and what the state is.
    private var runTable: Markup {
        let rows = content.runs.map { run -> Markup in
            """
            <th scope="row">\(run.name)</th>\
            \(Figure(run.name, "trained.ctr", run.trainedCTR).cell())\
            \(Figure(run.name, "trained.ctcvr", run.trainedCTCVR).cell())\
            \(Figure(run.name, "skipped_updates", run.skippedUpdates).cell())\
            \(Figure(run.name, "disordered", run.disordered).cell())\
            \(Figure(run.name, "snapshot", text: run.snapshot).cell())\
            \(Figure(run.name, "state_digest", text: run.stateDigest).cell("number digest"))
            """
        }
        return .table(
            caption: "Training and state",
            head: [
                "configuration", "CTR labels", "CTCVR labels", "skipped updates", "disordered",
                "snapshot", "state digest",
            ],
            rows: rows
        )
    }
}
