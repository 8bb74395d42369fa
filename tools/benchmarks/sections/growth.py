"""Throughput against what it may depend on: a table, and a curve each."""

from ..curve import Curve
from ..figures import Row
from ..inputs import STANDARD
from .learner import paths

FIELDS = (5, 10, 20, 40, 80)
EXPERTS = (1, 2, 4, 8, 16, 32)
TABLE_ROWS = (100_000, 1_000_000, 10_000_000, 50_000_000)
OPEN = (10_000, 100_000, 1_000_000, 10_000_000)


def growth(bench):
    """Rows of all curves; the curves go to a folder."""
    bench.curves.mkdir(parents=True, exist_ok=True)
    return [
        *of_learner(bench, "fields", "--fields", FIELDS, "fields of one id"),
        *of_learner(bench, "experts", "--experts", EXPERTS, "experts"),
        *of_learner(bench, "rows", "--rows-total", TABLE_ROWS, "rows of embedding tables"),
        *of_join(bench),
    ]


def of_learner(bench, name, option, counts, title):
    """The learner's time per random example by SGD against a count, the others as usual."""
    def measure(count):
        figures = bench.programs.figures(
            "learner", "--config", STANDARD, "--method", "sgd", "--path", paths()[0],
            "--examples", bench.examples, option, count,
        )
        return 1e6 / figures["examples_per_second"], figures["peak_bytes"]

    curve = Curve(title, "microseconds per example")
    return rows(bench, f"learner, {{}} {title}", name, counts, measure, curve, "µs per example")


def of_join(bench):
    """The join's time per event against the impressions that are open."""
    def measure(count):
        figures = bench.programs.figures("join", "--open", count)
        return figures["nanoseconds_per_event"], figures["peak_bytes"]

    curve = Curve("open impressions", "nanoseconds per event")
    return rows(bench, "join, {} open impressions", "open", OPEN, measure, curve, "ns per event")


def rows(bench, what, name, counts, measure, curve, unit):
    """A row per count, measured in turns; draws the curve of the medians."""
    runs = [[measure(count) for count in counts] for _ in range(bench.runs)]
    result, previous = [], None
    for count, of_count in zip(counts, zip(*runs)):
        row = Row(what.format(f"{count:,}"), [time for time, _ in of_count], unit)
        peak = max(peak for _, peak in of_count)
        row.note = f"{peak / 1e6:,.0f} MB of memory at most"
        if previous:
            row.note += f"; {count / previous[0]:.3g} times as many, " \
                        f"{row.median / previous[1]:.2f} times the time"
        previous = count, row.median
        curve.add(count, row.values)
        result.append(row)
    path = bench.curves / f"{name}.svg"
    path.write_text(curve.svg())
    result[-1].note += f"; drawn in {path}"
    return result
