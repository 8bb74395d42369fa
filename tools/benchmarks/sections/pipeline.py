"""Compressed files to trained model, and what starting again from a snapshot takes."""

import shutil
import time

from ..figures import Failure, Row
from ..programs import Process
from .learner import NAMES

# Beyond the end of the stream: the one snapshot is the last.
NO_SNAPSHOT_BETWEEN = ("--snapshot-every", 1_000_000_000_000)
TARGETS = {"sgd": "at least 120, aim 150", "adagrad": "no target"}


def replay(bench, configuration, *source):
    """One replay of the standard job into a new state: (impressions per second, process)."""
    state = bench.inputs.fresh("state")
    process, summary = bench.programs.summary(
        "--config", configuration, "--state", state, *source, *NO_SNAPSHOT_BETWEEN
    )
    shutil.rmtree(state)
    for role, count in summary["consumed"].items():
        if count != bench.inputs.count(role):
            raise Failure(f"{count} {role} consumed of {bench.inputs.count(role)}")
    return summary["consumed"]["impressions"] / summary["seconds"], process


def pipeline(bench):
    """LZ4 files, with both methods in turns."""
    source = ("--files", bench.inputs.events())
    speeds, last = {"sgd": [], "adagrad": []}, {}
    steady = {"sgd": [], "adagrad": []}
    for _ in range(bench.runs):
        for method, values in speeds.items():
            configuration = bench.inputs.configuration(method)
            around = seconds_around(bench, configuration)
            speed, last[method] = replay(bench, configuration, *source)
            values.append(speed / 1e3)
            seconds = bench.impressions / speed - around
            steady[method].append(bench.impressions / seconds / 1e3)
    rows = []
    for method, values in speeds.items():
        note = f"processor: {processor(last[method])}"
        rows.append(
            Row(f"LZ4 files to trained model, {NAMES[method]}", values,
                "thousand impressions/s", note)
        )
        row = Row(f"the same beyond start and last snapshot, {NAMES[method]}", steady[method],
                  "thousand impressions/s")
        rows.append(bench.at_reference(row, TARGETS[method]))
    return rows


def seconds_around(bench, configuration):
    """What a replay takes beside its events: a model's starting values and the snapshot at the end."""
    events = bench.inputs.events(impressions=100)
    state = bench.inputs.fresh("state")
    _, summary = bench.programs.summary(
        "--config", configuration, "--state", state, "--files", events, *NO_SNAPSHOT_BETWEEN
    )
    shutil.rmtree(state)
    return summary["seconds"]


def processor(process):
    """What each thread of a finished process took of the processor."""
    return f"{process.threads.busiest()}, in {process.seconds:.1f} s"


def start(bench):
    """Resuming from a snapshot near the stream's end, until examples are trained again."""
    # With smaller tables the snapshot has the 20 MB that the target is stated for.
    configuration = bench.inputs.configuration(rows=32_768)
    source = ("--config", configuration, "--files", bench.inputs.events())
    whole, examples = bench.inputs.fresh("state"), bench.inputs.fresh("examples.jsonl")
    every = ("--snapshot-every", bench.inputs.count() * 9 // 10)
    bench.programs.run("replay", *source, "--state", whole, "--examples", examples, *every)
    first = min(path.name for path in (whole / "snapshots").iterdir())
    snapshot = whole / "snapshots" / first
    megabytes = sum(path.stat().st_size for path in snapshot.iterdir()) / 1e6
    seconds = []
    for _ in range(bench.runs):
        state, again = bench.inputs.fresh("state"), bench.inputs.fresh("examples.jsonl")
        shutil.copytree(whole, state)
        shutil.copy(examples, again)
        seconds.append(until_examples(bench, again, (
            "replay", *source, "--state", state, "--from-snapshot", first, "--examples", again,
            *NO_SNAPSHOT_BETWEEN,
        )))
        shutil.rmtree(state)
    return [Row(f"start from a snapshot of {megabytes:.0f} MB to the first examples written",
                seconds, "s", "at most 1")]


def until_examples(bench, examples, command):
    """Seconds from the start of a process until its file of examples grows again.

    A resume first cuts the file to its length at the snapshot. Examples are written in blocks, so
    that the first one was trained a little earlier.
    """
    process = Process([bench.programs.freshet, *command])
    whole, shortest, seconds = examples.stat().st_size, None, None
    while seconds is None and process.process.poll() is None:
        size = examples.stat().st_size
        if shortest is not None and size > shortest:
            seconds = time.perf_counter() - process.started
        elif size < whole:
            shortest = size
        time.sleep(0.0005)
    process.finish()
    if seconds is None:
        raise Failure("no examples after the resume")
    return seconds
