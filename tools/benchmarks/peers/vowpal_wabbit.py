"""Two linear models in Vowpal Wabbit, one of clicks and one of clicks that convert.

Reads text, as Vowpal Wabbit does: parsing is part of its time. An example counts once both models
have had it.
"""

import pathlib
import tempfile

import numpy as np
import vowpalwabbit

from . import job

METHODS = {
    # Its default: normalized, adaptive, invariant updates.
    "adaptive": "",
    "ftrl": "--ftrl",
}


def write_examples(arrays, labels, path):
    """One namespace per field; the values of the list weigh one together."""
    with open(path, "w") as file:
        for at, (ids, label) in enumerate(zip(arrays.ids.tolist(), labels.tolist())):
            parts = ["1" if label else "-1"]
            parts += [f"|{chr(ord('a') + field)} {value}" for field, value in enumerate(ids)]
            values = arrays.list_ids[arrays.offsets[at]:arrays.offsets[at + 1]].tolist()
            if values:
                parts.append("|z")
                parts += [f"{value}:{1 / len(values):.4g}" for value in values]
            file.write(" ".join(parts) + "\n")


def train(method, path):
    """One pass; returns the predictions made before each example was trained on."""
    predictions = path.with_suffix(".predictions")
    workspace = vowpalwabbit.Workspace(
        f"-d {path} -p {predictions} --loss_function logistic -b 22 --quiet {METHODS[method]}"
    )
    workspace.finish()
    return predictions


def main():
    options = job.arguments(__doc__, list(METHODS))
    arrays = job.Arrays(options.arrays, options.examples)
    with tempfile.TemporaryDirectory(prefix="freshet-peer-") as folder:
        paths = [pathlib.Path(folder) / name for name in ("click.vw", "both.vw")]
        for path, labels in zip(paths, (arrays.click, arrays.conversion)):
            write_examples(arrays, labels, path)

        def prepare():
            return lambda: [np.loadtxt(train(options.method, path)) for path in paths]

        job.report(f"Vowpal Wabbit, linear, {options.method}", options, arrays, prepare)


if __name__ == "__main__":
    main()
