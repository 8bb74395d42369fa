/// The frame of a drawing: its size, margins, axes and grid, in SVG units that are CSS pixels where
/// the drawing is shown at its own size.
struct Plot {
    var width = 360.0
    var height = 190.0
    var left = 46.0
    var right = 10.0
    var top = 10.0
    var bottom = 24.0

    var innerLeft: Double { left }
    var innerRight: Double { width - right }
    var innerTop: Double { top }
    var innerBottom: Double { height - bottom }

    /// The drawing with its accessible name.
    func svg(title: String, _ content: Markup) -> Markup {
        """
        <svg class="plot" viewBox="0 0 \(width) \(height)" role="img" aria-label="\(title)">\
        \(content)</svg>
        """
    }

    /// Horizontal grid lines with their labels on the left.
    func rows(_ scale: Scale, _ ticks: [Double], label: (Double) -> String) -> Markup {
        ticks.map { tick -> Markup in
            let y = scale.position(tick)
            return """
                <line class="grid" x1="\(innerLeft)" x2="\(innerRight)" y1="\(y)" y2="\(y)"/>\
                <text class="tick" x="\(innerLeft - 6)" y="\(y + 3.5)" text-anchor="end">\
                \(label(tick))</text>
                """
        }.joined()
    }

    /// Ticks with their labels below, none of them cut off by the drawing's edge.
    func columns(
        _ scale: Scale,
        _ ticks: [Double],
        hasGrid: Bool = false,
        label: (Double) -> String
    ) -> Markup {
        ticks.map { tick -> Markup in
            let x = scale.position(tick)
            let text = label(tick)
            let halfWidth = Double(text.count) * 3
            let anchored = min(max(x, halfWidth), width - halfWidth)
            return """
                <line class="\(hasGrid ? "grid" : "axis")" x1="\(x)" x2="\(x)" \
                y1="\(hasGrid ? innerTop : innerBottom)" y2="\(innerBottom + 4)"/>\
                <text class="tick" x="\(anchored)" y="\(innerBottom + 16)" text-anchor="middle">\
                \(text)</text>
                """
        }.joined()
    }

    var baseline: Markup {
        """
        <line class="axis" x1="\(innerLeft)" x2="\(innerRight)" \
        y1="\(innerBottom)" y2="\(innerBottom)"/>
        """
    }
}

/// A path through points; a nil point interrupts it.
func path(_ points: [(x: Double, y: Double)?]) -> Markup {
    var path: Markup = ""
    var isDrawing = false
    for point in points {
        guard let point else {
            isDrawing = false
            continue
        }
        path += "\(isDrawing ? "L" : "M")\(point.x) \(point.y)"
        isDrawing = true
    }
    return path
}
