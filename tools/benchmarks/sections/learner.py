"""The learner alone: speed on one core, its ratio to the scalar path, and the roofline's bound."""

import pathlib
import platform

from ..figures import Row, ratios, spread
from ..inputs import STANDARD

# What the targets are stated against: thousand examples per second of the scalar path.
SCALAR = 12
TARGETS = {"sgd": "at least 200, aim 250", "adagrad": "at least 110"}
# Of the examples: what is slow takes its time.
SHARES = {"portable": 0.5, "scalar": 0.2}
NAMES = {"sgd": "SGD", "adagrad": "Adagrad"}


def paths():
    """What can compute the network here, the fastest first."""
    flags = pathlib.Path("/proc/cpuinfo").read_text() if platform.machine() == "x86_64" else ""
    return (["avx2-fma"] if " avx2" in flags and " fma" in flags else []) + ["portable", "scalar"]


def train(bench, method, path, *options, seed=1, examples=None):
    """The figures of one pass over the first examples of the standard job."""
    return bench.programs.figures(
        "learner", "--events", bench.inputs.events(seed), "--config", STANDARD,
        "--method", method, "--path", path, "--examples", examples or bench.examples, *options,
    )


def reference(bench):
    """Options that run the scalar learner in turns with what is measured."""
    return ["--reference-events", bench.inputs.events(), "--reference-config", STANDARD]


def scalar_pace(figures):
    """How fast the scalar learner was in those turns; 1 on the machine that the targets are stated
    for."""
    return figures["scalar_examples_per_second"] / 1e3 / SCALAR


def learner(bench):
    """Every method by every path, each in turns with scalar SGD."""
    ways = [(method, path) for method in ("sgd", "adagrad") for path in paths()]
    ways.remove(("sgd", "scalar"))
    speeds, scaled, quality, scalar = {}, {}, {}, []
    for _ in range(bench.runs):
        for method, path in ways:
            examples = int(bench.examples * SHARES.get(path, 1))
            figures = train(bench, method, path, *reference(bench), examples=examples)
            speed, pace = figures["examples_per_second"] / 1e3, scalar_pace(figures)
            speeds.setdefault((method, path), []).append(speed)
            scaled.setdefault((method, path), []).append(speed / pace)
            scalar.append(SCALAR * pace)
            if path == paths()[0]:
                quality[method] = f"AUC {figures['ctr_auc']:.3f} / {figures['ctcvr_auc']:.3f}"
    rows = []
    for method, path in ways:
        note = f"{spread(scaled[method, path])} where scalar SGD reaches {SCALAR}"
        if path == paths()[0]:
            note += f" ({TARGETS[method]}); {quality[method]}"
        rows.append(
            Row(f"learner, {NAMES[method]}, {path}", speeds[method, path], "thousand/s", note)
        )
    rows.append(Row("learner, SGD, scalar", scalar, "thousand/s", "in turns with each of these"))
    bench.scalar = rows[-1].median
    return rows


def roofline(bench):
    """What the core could do, and the learner's share of it, in turns."""
    bounds, speeds = [], {"sgd": [], "adagrad": []}
    for _ in range(bench.runs):
        bounds.append(bench.programs.figures("roofline", "--config", STANDARD))
        for method, values in speeds.items():
            values.append(train(bench, method, paths()[0])["examples_per_second"])
    rows = [
        Row(f"roofline, {what}", [figures[key] for figures in bounds], unit)
        for what, key, unit in (
            ("reading from L2", "read_gigabytes_per_second", "GB/s"),
            ("reading and writing in L2", "update_gigabytes_per_second", "GB/s"),
            ("fused multiply-adds", "multiply_add_gigaflops", "GFLOP/s"),
        )
    ]
    for method, values in speeds.items():
        bound = [figures[f"bound_{method}_examples_per_second"] for figures in bounds]
        share = Row("", [100 * ratio for ratio in ratios(values, bound)], "%")
        target = " (at least 45 %, aim 57 %)" if method == "sgd" else ""
        rows.append(
            Row(f"bound for {NAMES[method]}", [value / 1e3 for value in bound], "thousand/s",
                f"the learner reaches {share.median:.0f} %{target}")
        )
    return rows
