"""What others reach on the standard job, beside the learner measured in the same turns."""

import json
import subprocess

from ..figures import Failure, Figures, Row
from ..programs import ROOT
from .learner import NAMES, paths, train

# Module, method, more options.
PEERS = (
    ("numba_sgd", "sgd"),
    ("numba_sgd", "adagrad"),
    ("jax_scan", "sgd"),
    ("jax_scan", "sgd", "--batch", "256"),
    ("jax_scan", "adagrad", "--batch", "256"),
    ("vowpal_wabbit", "adaptive"),
    ("vowpal_wabbit", "ftrl"),
)


def peers(bench):
    """Each peer runs as often as everything does, between two turns of the learner."""
    speeds, measured = {"sgd": [], "adagrad": []}, []
    for peer in PEERS:
        freshet_turn(bench, speeds)
        measured.append(run(bench, *peer, runs=bench.runs))
    freshet_turn(bench, speeds)
    rows = [
        Row(f"Freshet, per event, {NAMES[method]}", values, "thousand/s", quality)
        for method, (values, quality) in (
            (method, ([speed for speed, _ in turns], turns[0][1]))
            for method, turns in speeds.items()
        )
    ]
    sgd, adagrad = (row.median for row in rows)
    for (_, method, *_), runs in zip(PEERS, measured):
        values = [figures["examples_per_second"] / 1e3 for figures in runs]
        row = Row(runs[0]["peer"], values, "thousand/s")
        name, ours = ("Adagrad", adagrad) if method == "adagrad" else ("SGD", sgd)
        row.note = f"{auc(runs[0])}; Freshet, {name}: {ours / row.median:.1f} times as many"
        rows.append(row)
    return rows


def freshet_turn(bench, speeds):
    """The learner by both methods, once."""
    for method, turns in speeds.items():
        figures = train(bench, method, paths()[0])
        turns.append((figures["examples_per_second"] / 1e3, auc(figures)))


def run(bench, module, method, *options, runs=1, seed=1, examples=None):
    """The figures of every run of a peer."""
    process = subprocess.run(
        [ROOT / ".venv-peers/bin/python", "-m", f"benchmarks.peers.{module}",
         "--arrays", bench.inputs.arrays(seed), "--method", method,
         "--examples", str(examples or bench.examples), "--runs", str(runs), *options],
        cwd=ROOT / "tools", capture_output=True, text=True,
    )
    if process.returncode != 0:
        raise Failure(f"{module}: {(process.stderr.strip().splitlines() or ['?'])[-1]}")
    return [Figures(json.loads(line)) for line in process.stdout.splitlines()]


def auc(figures):
    return f"AUC {figures['ctr_auc']:.3f} / {figures['ctcvr_auc']:.3f}"
