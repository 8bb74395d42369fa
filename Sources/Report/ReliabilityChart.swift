internal import Learn

/// Predicted against actual rates of groups of about equal weight: on the diagonal, a prediction
/// means what it says.
struct ReliabilityChart {
    var title: String
    /// By line style.
    var runs: [(name: String, groups: [ReliabilityGroup])]

    struct Dot {
        var predicted: Double
        var actual: Double
        /// The actual rate's 95 % interval (Wilson), as if each unit of weight were an impression.
        var interval: ClosedRange<Double>
        var weight: Double

        init?(_ group: ReliabilityGroup) {
            guard group.weight > 0 else { return nil }
            weight = group.weight
            predicted = group.predicted / group.weight
            actual = group.actual / group.weight
            let z = 1.96
            let spread = z * z / group.weight
            let middle = (actual + spread / 2) / (1 + spread)
            let half =
                z / (1 + spread)
                * ((actual * (1 - actual) + spread / 4) / group.weight).squareRoot()
            interval = max(0, middle - half)...min(1, max(middle + half, middle - half))
        }
    }

    func svg() -> Markup {
        let plot = Plot(width: 360, height: 300, left: 52, bottom: 42)
        let dots = runs.map { $0.groups.compactMap(Dot.init) }
        let rates = dots.joined().flatMap { [$0.predicted, $0.actual] }.filter { $0 > 0 }
        guard let least = rates.min(), let greatest = rates.max() else {
            return plot.svg(
                title: title + ": no figures",
                """
                \(plot.baseline)<text class="tick" x="\(plot.width / 2)" y="\(plot.height / 2)" \
                text-anchor="middle">no figures yet</text>
                """
            )
        }
        let isLogarithmic = greatest / least > 8
        let domain =
            isLogarithmic
            ? max(least / 1.5, 1e-9)...min(greatest * 1.5, 1.0)
            : 0...min(greatest * 1.15, 1.0)
        let kind: Scale.Kind = isLogarithmic ? .logarithmic : .linear
        let x = Scale(kind, domain: domain, from: plot.innerLeft, to: plot.innerRight)
        let y = Scale(kind, domain: domain, from: plot.innerBottom, to: plot.innerTop)
        let ticks = x.ticks(about: 5)
        var content = plot.rows(y, ticks, label: NumberText.percentTick)
        content += plot.columns(x, ticks, hasGrid: true, label: NumberText.percentTick)
        content += """
            <line class="reference" x1="\(plot.innerLeft)" y1="\(plot.innerBottom)" \
            x2="\(plot.innerRight)" y2="\(plot.innerTop)"/>\
            <text class="tick" x="\((plot.innerLeft + plot.innerRight) / 2)" \
            y="\(plot.height - 6)" text-anchor="middle">predicted</text>\
            <text class="tick" x="12" y="\((plot.innerTop + plot.innerBottom) / 2)" \
            text-anchor="middle" transform="rotate(-90 12 \
            \((plot.innerTop + plot.innerBottom) / 2))">actual</text>
            """
        for (style, dots) in dots.enumerated().reversed() {
            content += draw(dots, style: style, x, y)
        }
        return plot.svg(title: title, content)
    }

    private func draw(_ dots: [Dot], style: Int, _ x: Scale, _ y: Scale) -> Markup {
        var drawing: Markup = """
            <path class="line s\(style)" d="\(path(dots.map {
                (x.clampedPosition($0.predicted), y.clampedPosition($0.actual))
            }))"/>
            """
        for dot in dots {
            let at = x.clampedPosition(dot.predicted)
            let note =
                "\(runs[style].name): predicted \(NumberText.percent(dot.predicted)), actual "
                + "\(NumberText.percent(dot.actual)) of \(NumberText.grouped(dot.weight))"
            if runs.count == 1 {
                drawing += """
                    <line class="whisker s\(style)" x1="\(at)" x2="\(at)" \
                    y1="\(y.clampedPosition(dot.interval.lowerBound))" \
                    y2="\(y.clampedPosition(dot.interval.upperBound))"/>
                    """
            }
            drawing += """
                <circle class="dot s\(style)\(y.domain.contains(dot.actual) ? "" : " beyond")" \
                cx="\(at)" cy="\(y.clampedPosition(dot.actual))" r="4">\
                <title>\(note)</title></circle>
                """
        }
        return drawing
    }
}
