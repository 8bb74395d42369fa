"""A curve as SVG, both axes logarithmic.

Written by hand: a plotting package would be the only thing that the default environment needs it
for, and two axes with a line are a page.
"""

import math
import statistics
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 80, 40, 20, 60


class Curve:
    """Medians of points over x, with a bar from the least to the greatest of each.

    A dashed line through the first point shows what grows in proportion.
    """

    def __init__(self, x_title, y_title):
        self.x_title, self.y_title = x_title, y_title
        self.points = []

    def add(self, x, values):
        self.points.append((x, statistics.median(values), min(values), max(values)))

    def svg(self):
        """The text of the file."""
        x_axis = Axis([x for x, *_ in self.points], LEFT, WIDTH - RIGHT)
        y_axis = Axis([y for _, *ys in self.points for y in ys], HEIGHT - BOTTOM, TOP)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        ]
        for x, name in x_axis.ticks():
            parts.append(line(x, TOP, x, HEIGHT - BOTTOM, "#ddd"))
            parts.append(text(x, HEIGHT - BOTTOM + 18, name, "middle"))
        for y, name in y_axis.ticks():
            parts.append(line(LEFT, y, WIDTH - RIGHT, y, "#ddd"))
            parts.append(text(LEFT - 8, y + 4, name, "end"))
        parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, self.x_title, "middle"))
        middle = (TOP + HEIGHT - BOTTOM) / 2
        parts.append(f'<g transform="rotate(-90 20 {middle:.1f})">'
                     + text(20, middle, self.y_title, "middle") + "</g>")
        parts.append(self.proportion(x_axis, y_axis))
        drawn = " ".join(f"{x_axis.at(x):.1f},{y_axis.at(y):.1f}" for x, y, *_ in self.points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="#1565c0" stroke-width="2"/>')
        for x, y, least, greatest in self.points:
            at = x_axis.at(x)
            parts.append(line(at, y_axis.at(least), at, y_axis.at(greatest), "#1565c0"))
            parts.append(f'<circle cx="{at:.1f}" cy="{y_axis.at(y):.1f}" r="4" fill="#1565c0"/>')
        return "\n".join(parts) + "\n</svg>\n"

    def proportion(self, x_axis, y_axis):
        """y in proportion to x, from the first point to the right or to the top."""
        x, y, *_ = self.points[0]
        factor = min(x_axis.steps[-1] / x, y_axis.steps[-1] / y)
        return line(x_axis.at(x), y_axis.at(y), x_axis.at(x * factor), y_axis.at(y * factor),
                    "#999", 'stroke-dasharray="4 4"')


class Axis:
    """Logarithms of values laid out between two places, a decade at least, between whole ticks."""

    def __init__(self, values, start, end):
        steps = [digit * 10.0**power for power in range(-9, 13) for digit in (1, 2, 5)]
        below = max(step for step in steps if step <= min(values))
        above = min(step for step in steps if step >= max(max(values), 9.99 * below))
        self.steps = [step for step in steps if below <= step <= above]
        self.start, self.end = start, end

    def at(self, value):
        low, high = math.log(self.steps[0]), math.log(self.steps[-1])
        return self.start + (math.log(value) - low) / (high - low) * (self.end - self.start)

    def ticks(self):
        """(place, label) of the powers of ten, and of 2 and 5 between them where there is room."""
        shown = self.steps
        if len(shown) > 7:
            shown = [step for step in shown if f"{step:e}".startswith("1")]
        return [(self.at(step), label(step)) for step in shown]


def label(value):
    return f"{value / 1e6:,.10g} million" if value >= 1e6 else f"{value:,.10g}"


def line(x1, y1, x2, y2, colour, more=""):
    places = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {places} stroke="{colour}" {more}/>'


def text(x, y, content, anchor):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'
