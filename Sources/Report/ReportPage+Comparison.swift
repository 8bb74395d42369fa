internal import Learn

extension ReportPage {
    var comparisonSection: Markup {
        guard let sample = content.comparisons.first else { return "" }
        let confidence = Int((PairedComparison.confidence * 100).rounded())
        var body: Markup = """
            <p>Differences to <strong>\(sample.first)</strong> over the mature cohorts that both have; \
            below zero is better for log loss and normalized entropy, above zero for AUC. The AUC \
            here is the mean of the AUCs within cohorts, weighted by impressions; everything else is pooled. \
            The \(confidence) % intervals are percentiles of \
            \(NumberText.grouped(PairedComparison.resamples)) circular block bootstraps over \
            cohorts, paired, seed \(String(sample.seed)). An interval that leaves zero out is marked \
            with a filled dot.</p>
            \(remarks)
            """
        for (index, comparison) in content.comparisons.enumerated() {
            body += table(comparison, style: lineStyle(index + 1))
        }
        return .section("Paired differences", id: "comparison", body)
    }

    private var remarks: Markup {
        var remarks = content.remarks.map { "<li>\($0)</li>" as Markup }
        if content.comparisons.contains(where: { $0.pairs < 20 }) {
            remarks.append(
                """
                <li>Intervals of few cohorts are rough, and with fewer than \
                \(PairedComparison.pairsMin) there are none: a smaller metrics.cohort gives \
                more.</li>
                """
            )
        }
        return remarks.isEmpty ? "" : "<ul class=\"notices\">\(remarks.joined())</ul>\n"
    }

    private func table(_ comparison: PairedComparison, style: Int) -> Markup {
        let measures:
            [(
                key: String, name: String, decimals: Int,
                figure: (TaskDifferences) -> FigureDifference
            )] = [
                ("log_loss", "log loss", 5, { $0.logLoss }),
                ("normalized_entropy", "norm. entropy", 4, { $0.normalizedEntropy }),
                ("calibration", "calibration", 3, { $0.calibration }),
                ("auc", "AUC", 4, { $0.auc }),
            ]
        let tasks = [
            ("ctr", "CTR", comparison.tasks.ctr), ("cvr", "CVR", comparison.tasks.cvr),
            ("ctcvr", "CTCVR", comparison.tasks.ctcvr),
        ]
        var rows: [Markup] = []
        for measure in measures {
            // One scale for the three tasks, so that their intervals can be compared.
            let reach =
                tasks.flatMap { task -> [Double] in
                    let figure = measure.figure(task.2)
                    return [figure.difference, figure.low, figure.high].compactMap { $0 }
                }.map { $0.magnitude }.max() ?? 0
            for (key, name, differences) in tasks {
                let figure = measure.figure(differences)
                let path = "comparison.\(key).\(measure.key)"
                let fixed = { (value: Double) in NumberText.fixed(value, measure.decimals) }
                let signed = { (value: Double) in NumberText.signed(value, measure.decimals) }
                func cell(_ part: String, _ value: Double?, _ text: (Double) -> String) -> Markup {
                    Figure(comparison.other, "\(path).\(part)", value, text: text).cell()
                }
                rows.append(
                    """
                    <th scope="row">\(name) \(measure.name)</th>\
                    \(cell("difference", figure.difference, signed))\
                    <td class="number">\(Self.interval(figure, reach: reach, style: style))</td>\
                    \(cell("low", figure.low, signed))\(cell("high", figure.high, signed))\
                    \(cell("first", figure.first, fixed))\(cell("other", figure.other, fixed))
                    """
                )
            }
        }
        let unpaired: Markup =
            comparison.unpaired > 0
            ? "; \(NumberText.grouped(comparison.unpaired)) cohorts have no partner" : ""
        return .table(
            caption: """
                \(comparison.other) against \(comparison.first), \
                \(NumberText.grouped(comparison.pairs)) pairs of cohorts, blocks of \
                \(comparison.blockLength)\(unpaired)
                """,
            head: [
                "figure", "difference", "", "95 % from", "to", "\(comparison.first)",
                "\(comparison.other)",
            ],
            rows: rows,
            kind: "short"
        )
    }

    /// The difference and its interval beside zero.
    private static func interval(
        _ figure: FigureDifference,
        reach: Double,
        style: Int
    ) -> Markup {
        let x = Scale(domain: -max(reach, 1e-12)...max(reach, 1e-12), from: 6, to: 134)
        var drawing: Markup = "<line class=\"zero\" x1=\"70\" x2=\"70\" y1=\"1\" y2=\"17\"/>"
        if let low = figure.low, let high = figure.high {
            drawing += """
                <line class="whisker s\(style)" x1="\(x.position(low))" x2="\(x.position(high))" \
                y1="9" y2="9"/>
                """
        }
        if let difference = figure.difference {
            drawing += """
                <circle class="dot s\(style)\(figure.isClear ? "" : " hollow")" \
                cx="\(x.position(difference))" cy="9" r="4"/>
                """
        }
        return """
            <svg class="interval" viewBox="0 0 140 18" aria-hidden="true">\(drawing)</svg>
            """
    }
}
