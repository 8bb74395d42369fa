"""Parts of the path by themselves: `freshet-benchmark` decode, join, snapshot and allocations."""

import shutil

from ..figures import Row, spread
from ..inputs import STANDARD
from .learner import SCALAR, reference, scalar_pace


def repeated(bench, command, *options):
    """The figures of several runs of a part."""
    return [bench.programs.figures(command, *options) for _ in range(bench.runs)]


def row(what, runs, key, unit, note="", scale=1):
    return Row(what, [figures[key] * scale for figures in runs], unit, note)


def decode(bench):
    runs = repeated(
        bench, "decode", "--events", bench.inputs.events(), "--config", STANDARD,
        "--repetitions", 3,
    )
    kinds = {"strings": "25 fields of strings; at most 1,000", "standard": "the standard job's"}
    rows = []
    for kind, target in kinds.items():
        size = runs[0][f"{kind}_record_bytes"]
        decoded = row(f"decode an impression of {size:.0f} bytes to rows", runs,
                      f"decode_{kind}_median_ns", "ns")
        rows.append(bench.at_reference(decoded, target))
    return rows


def join(bench):
    """In turns with the scalar learner."""
    runs = repeated(bench, "join", *reference(bench))
    scaled = [figures["nanoseconds_per_event"] * scalar_pace(figures) for figures in runs]
    return [
        row("join, per event", runs, "nanoseconds_per_event", "ns",
            f"at most 250 with 1 million open; {spread(scaled)} ns where scalar SGD, in turns, "
            f"reaches {SCALAR} thousand/s"),
        row("join, per open impression", runs, "bytes_per_open_impression", "bytes",
            "at most 200 beside feature ids; id text apart, too"),
    ]


def snapshot(bench):
    state = bench.inputs.fresh("state")
    runs = repeated(
        bench, "snapshot", "--events", bench.inputs.events(), "--config", STANDARD,
        "--state", state, "--every", bench.inputs.count() // 6,
    )
    shutil.rmtree(state)
    longest = max(figures["longest_pause_milliseconds"] for figures in runs)
    return [
        row("snapshot, the learner pauses", runs, "pause_milliseconds", "ms",
            f"less than 20; the longest {longest:.1f}; {runs[0]['megabytes']:.0f} MB"),
        row("throughput while one is written", runs, "throughput_while_writing_ratio", "%",
            "at least 90", scale=100),
    ]


def allocations(bench):
    runs = repeated(
        bench, "allocations", "--events", bench.inputs.events(), "--config", STANDARD,
        "--warm-up", bench.inputs.count() // 2,
    )
    counts = [figures["allocations"] for figures in runs]
    return [
        row("heap allocations, files to trained model", runs, "allocations_per_event", "per event",
            f"0; {max(counts):.0f} in {runs[0]['events']:,.0f} events")
    ]
