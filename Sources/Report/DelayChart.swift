internal import Events

/// How long events took, in buckets on a logarithmic axis, with the window drawn in.
struct DelayChart {
    var title: String
    var delays: DelayDistribution

    func svg() -> Markup {
        let plot = Plot(width: 460, height: 220, bottom: 28)
        let buckets = delays.buckets.filter { $0.count > 0 }
        guard let first = buckets.first, let last = buckets.last,
            let highest = buckets.map(\.count).max()
        else {
            return plot.svg(
                title: title + ": none",
                """
                \(plot.baseline)<text class="tick" x="\(plot.width / 2)" y="\(plot.height / 2)" \
                text-anchor="middle">none yet</text>
                """
            )
        }
        let window = Double(max(delays.window, 1))
        let start = min(max(Double(first.lower), Double(first.upper) / 4, 1), window / 2)
        let end = max(Double(last.upper), window * 1.6)
        let x = Scale(.logarithmic, domain: start...end, from: plot.innerLeft, to: plot.innerRight)
        let y = Scale(domain: 0...Double(highest), from: plot.innerBottom, to: plot.innerTop + 16)
        var content = plot.rows(y, y.ticks(about: 4).filter { $0 == $0.rounded() }) {
            NumberText.grouped(Int($0))
        }
        content += plot.columns(x, Self.ticks(start, end), label: TimeText.duration)
        for bucket in buckets { content += draw(bucket, plot, x, y) }
        content += plot.baseline
        let at = x.position(window)
        let isRight = at > plot.width * 0.7
        content += """
            <line class="window" x1="\(at)" x2="\(at)" y1="\(plot.innerTop)" \
            y2="\(plot.innerBottom)"/><text class="window-label" \
            x="\(at + (isRight ? -6 : 6))" y="\(plot.innerTop + 9)" \
            text-anchor="\(isRight ? "end" : "start")">window \
            \(TimeText.duration(window))</text>
            """
        return plot.svg(title: title, content)
    }

    private func draw(
        _ bucket: DelayDistribution.Bucket,
        _ plot: Plot,
        _ x: Scale,
        _ y: Scale
    ) -> Markup {
        let left = x.clampedPosition(max(Double(bucket.lower), x.domain.lowerBound))
        let right = x.clampedPosition(Double(bucket.upper))
        // What came too late stands on what came in time.
        let middle = y.position(Double(bucket.within))
        let top = y.position(Double(bucket.count))
        let width = max(right - left - 1, 0.5)
        let note =
            "\(TimeText.duration(Double(bucket.lower))) to "
            + "\(TimeText.duration(Double(bucket.upper))): \(NumberText.grouped(bucket.count)) "
            + delays.role.plural
            + (bucket.late > 0 ? ", \(NumberText.grouped(bucket.late)) too late" : "")
        func bar(_ kind: Markup, from bottom: Double, to top: Double) -> Markup {
            guard bottom > top else { return "" }
            return """
                <rect class="\(kind)" x="\(left + 0.5)" y="\(top)" width="\(width)" \
                height="\(bottom - top)"><title>\(note)</title></rect>
                """
        }
        return bar("bar", from: plot.innerBottom, to: middle)
            + bar("bar late", from: middle, to: top)
    }

    /// Durations that people know, as many as have room.
    private static func ticks(_ start: Double, _ end: Double) -> [Double] {
        let known: [Double] = [
            1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 21_600_000, 86_400_000,
            604_800_000, 2_592_000_000,
        ].filter { $0 >= start && $0 <= end }
        let step = max(1, (known.count + 7) / 8)
        return known.enumerated().filter { $0.offset.isMultiple(of: step) }.map(\.element)
    }
}
