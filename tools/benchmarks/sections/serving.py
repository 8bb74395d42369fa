"""Exporting a model, verifying it, and scoring files by `freshet predict`."""

import json
import os

from ..figures import Row
from ..programs import ROOT


def serving(bench):
    """On the stream of `freshet generate`."""
    events, state = bench.inputs.fresh("events"), bench.inputs.fresh("state")
    bench.programs.run(
        "generate", "--events", bench.inputs.impressions, "--seed", 1, "--files", events
    )
    bench.programs.run(
        "replay", "--config", ROOT / "config/generator.yaml", "--state", state, "--files", events
    )
    rows, sources = [], {"a snapshot": ("--state", state)}
    for kind in ("onnx", "safetensors"):
        output = bench.inputs.fresh(kind)
        rows += exporting(bench, kind, state, output)
        sources[f"an export as {kind}"] = ("--export", output)
    impressions = events / "impressions.jsonl"
    with open(impressions, "rb") as file:
        count = sum(1 for _ in file)
    for name, source in sources.items():
        speeds = []
        for _ in range(bench.runs):
            with open(os.devnull, "wb") as nowhere:
                process = bench.programs.run(
                    "predict", *source, "--input", impressions, output=nowhere
                )
            speeds.append(count / process.seconds / 1e3)
        rows.append(Row(f"predict from {name}", speeds, "thousand/s", f"{count:,} impressions"))
    return rows


def exporting(bench, kind, state, output):
    """Rows of exporting as one kind."""
    seconds, reports = [], []
    for _ in range(bench.runs):
        process = bench.programs.run(
            "export", "--state", state, "--format", kind, "--output", output, "--json"
        )
        seconds.append(process.seconds)
        reports.append(json.loads(process.output))
    manifest = reports[0]
    size = next(file["bytes"] for file in manifest["files"] if file["name"].startswith("model."))
    checked = manifest["verification"]["recent"] + manifest["verification"]["synthetic"]
    return [
        Row(f"export as {kind}, whole command", seconds, "s", f"{size / 1e6:.1f} MB"),
        Row("of it verification", [report["verification"]["milliseconds"] for report in reports],
            "ms", f"on {checked} impressions"),
    ]
