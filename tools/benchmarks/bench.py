"""A run of `tools/bench`: the programs, the inputs, the sections and their rows."""

import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

from .figures import Failure, rounded
from .inputs import Inputs
from .programs import ROOT, Programs
from .sections.growth import growth
from .sections.kafka import kafka
from .sections.learner import SCALAR, learner, roofline
from .sections.parts import allocations, decode, join, snapshot
from .sections.peers import peers
from .sections.pipeline import pipeline, start
from .sections.quality import quality
from .sections.serving import serving

SECTIONS = {
    section.__name__: section
    for section in (
        learner, roofline, pipeline, kafka, decode, join, snapshot, start, allocations,
        serving, quality, growth, peers,
    )
}
ON_REQUEST = {"serving", "quality", "growth", "peers"}
DEFAULT_SECTIONS = [name for name in SECTIONS if name not in ON_REQUEST]


class Bench:
    """What sections measure with; within `with`, their temporary folder exists."""

    def __init__(self, options):
        self.runs = 1 if options.quick else options.runs
        self.examples = 20_000 if options.quick else 100_000
        self.impressions = 60_000 if options.quick else 300_000
        self.with_peers = options.peers
        self.curves = pathlib.Path(options.curves)
        self.rows, self.failures = [], []
        # What the scalar learner reached in this run, thousand examples per second, once measured.
        self.scalar = None

    def __enter__(self):
        setup("peers" if self.with_peers else "bench")
        self.programs = Programs()
        self.machine = machine()
        self.temporary = tempfile.TemporaryDirectory(prefix="freshet-bench-")
        python = os.environ.get("FRESHET_PYTHON") or ROOT / ".venv/bin/python"
        self.inputs = Inputs(self.temporary.name, python, self.impressions)
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def measure(self, name):
        """Adds a section's rows, or why there are none."""
        print(f"{name} ...", end="", file=sys.stderr, flush=True)
        started = time.perf_counter()
        try:
            rows = SECTIONS[name](self)
        except Failure as failure:
            self.failures.append(f"{name} was not measured: {failure}")
            print(f" {failure}", file=sys.stderr)
            return
        self.rows += [(name, row) for row in rows]
        print(f" {time.perf_counter() - started:.0f} s", file=sys.stderr)

    def at_reference(self, row, target):
        """The row, with what its median would be where the scalar learner reaches what it does on the
        machine that the targets are stated for, if all scaled alike; known once that is measured."""
        row.note = target
        if self.scalar:
            pace = self.scalar / SCALAR
            is_time = row.unit == "ns"
            value = row.median * pace if is_time else row.median / pace
            row.note = f"{target}; scaled to a scalar learner of {SCALAR}: {rounded(value)}"
        return row

    def print_table(self):
        runs = "one run" if self.runs == 1 else f"medians of {self.runs} runs (least to greatest)"
        print(f"{self.machine}; {runs}\n")
        print("| what | figure | ratio or target |\n|---|---|---|")
        for _, row in self.rows:
            print(row.text())
        for failure in self.failures:
            print(f"\n{failure}")

    def record(self):
        """All of it for a JSON file."""
        return {
            "machine": self.machine, "runs": self.runs, "failures": self.failures,
            "rows": [row.record(section) for section, row in self.rows],
        }


def setup(what):
    """Installs what is missing."""
    subprocess.run([ROOT / "tools/setup", what], check=True)


def machine():
    """The processor, its cores, the load and the commit."""
    model = platform.processor() or platform.machine()
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    load = os.getloadavg()[0]
    commit = git.stdout.strip() or "unknown"
    return f"{model}, {os.cpu_count()} cores, load {load:.1f} at the start; commit {commit}"
