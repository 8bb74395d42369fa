/// A figure over time, one line per configuration. Immature points are hollow, their line is dashed.
struct LineChart {
    struct Point {
        /// Milliseconds since the epoch.
        var time: Double
        var value: Double?
        var isMature: Bool
        /// What a read-out says of it.
        var note: String
    }

    struct Line {
        /// Which of the page's line styles.
        var style: Int
        var points: [Point]
    }

    var title: String
    var lines: [Line]
    /// The span of time that is drawn, milliseconds since the epoch.
    var time: ClosedRange<Double>
    /// From here on cohorts are immature; nil: none.
    var immatureFrom: Double?
    /// A value that a good model is near, drawn as a line of its own where it is in sight.
    var reference: Double?

    /// Lines of more points than this in all are drawn without dots.
    private static let dotsMax = 60

    func svg() -> Markup {
        let plot = Plot()
        let values = lines.flatMap { $0.points.compactMap(\.value) }
        guard let domain = Self.domain(values) else {
            return plot.svg(
                title: title + ": no figures",
                """
                \(plot.baseline)<text class="tick" x="\(plot.width / 2)" y="\(plot.height / 2)" \
                text-anchor="middle">no figures yet</text>
                """
            )
        }
        let x = Scale(domain: time, from: plot.innerLeft + 4, to: plot.innerRight - 4)
        let y = Scale(domain: domain, from: plot.innerBottom - 4, to: plot.innerTop + 4)
        let ticks = y.ticks(about: 4)
        let step = ticks.count > 1 ? ticks[1] - ticks[0] : domain.upperBound - domain.lowerBound
        var content = immatureGround(plot, x)
        content += plot.rows(y, ticks) { NumberText.tick($0, step: step) }
        content += plot.baseline
        let times = TimeText.ticks(from: x.domain.lowerBound, to: x.domain.upperBound, atMost: 6)
        content += plot.columns(x, times) { TimeText.tick(Int64(min(max($0, -9e18), 9e18))) }
        if let reference, y.domain.contains(reference) {
            let at = y.position(reference)
            content += """
                <line class="reference" x1="\(plot.innerLeft)" x2="\(plot.innerRight)" \
                y1="\(at)" y2="\(at)"/>
                """
        }
        // The first configuration on top.
        content += lines.reversed().map { draw($0, x, y) }.joined()
        return plot.svg(title: title, content)
    }

    /// The range in which the values lie, but for stray ones that would flatten all others.
    static func domain(_ values: [Double]) -> ClosedRange<Double>? {
        let sorted = values.filter(\.isFinite).sorted()
        guard let least = sorted.first, let greatest = sorted.last else { return nil }
        let tail = sorted.count >= 12 ? max(1, sorted.count / 20) : 0
        let low = sorted[tail]
        let high = sorted[sorted.count - 1 - tail]
        let reach = max(high - low, abs(high) * 1e-3) * 1.2
        let start = max(least, low - reach)
        let end = min(greatest, high + reach)
        let margin = max((end - start) * 0.06, abs(end) * 1e-4)
        return start - margin...end + margin
    }

    private func immatureGround(_ plot: Plot, _ x: Scale) -> Markup {
        guard let immatureFrom, immatureFrom < time.upperBound else { return "" }
        let start = max(x.clampedPosition(immatureFrom), plot.innerLeft)
        return """
            <rect class="immature" x="\(start)" y="\(plot.innerTop)" \
            width="\(plot.innerRight - start)" height="\(plot.innerBottom - plot.innerTop)"/>
            """
    }

    private func draw(_ line: Line, _ x: Scale, _ y: Scale) -> Markup {
        func place(_ point: Point) -> (x: Double, y: Double)? {
            point.value.map { (x.position(point.time), y.clampedPosition($0)) }
        }
        let mature = line.points.prefix { $0.isMature }
        let rest = line.points.dropFirst(max(0, mature.count - 1))
        var drawing: Markup = """
            <path class="line s\(line.style)" d="\(path(mature.map(place)))"/>
            """
        if rest.contains(where: { !$0.isMature }) {
            drawing += """
                <path class="line s\(line.style) dashed" d="\(path(rest.map(place)))"/>
                """
        }
        let isQuiet = line.points.count * lines.count > Self.dotsMax
        for point in line.points {
            guard let at = place(point), let value = point.value else { continue }
            // A value beyond the scale shows at the edge that it is beyond.
            let isBeyond = !y.domain.contains(value)
            let kind = "dot s\(line.style)\(point.isMature ? "" : " hollow")"
            let shown = isBeyond ? " beyond" : isQuiet && point.isMature ? " quiet" : ""
            drawing += """
                <circle class="\(kind)\(shown)" cx="\(at.x)" cy="\(at.y)" r="3">\
                <title>\(point.note)</title></circle>
                """
        }
        return drawing
    }
}
