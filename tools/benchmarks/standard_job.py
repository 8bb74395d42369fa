"""Makes the standard job, on which speed and quality are measured here and for every peer.

Impressions of 20 categorical fields (f00 to f19) and a list of ids (h), whose clicks and
conversions are drawn from planted probabilities: a normal bias per value, and products of normal
factors between pairs of fields. 5 % of the impressions are clicked, 10 % of the clicks convert.

An impression is shown every 10 ms from 2026-01-01T00:00:00Z; a click follows after 5 s on average,
a conversion 60 s after its click.

The same seed and number of impressions always give the same stream: the order in which NumPy's
default generator is asked is part of what the standard job is.

usage: python -m benchmarks.standard_job [--impressions N] [--seed S] [--events DIR [--lz4]]
                                         [--arrays FILE]
       python -m benchmarks.standard_job --check SCRIPT
"""

import argparse
import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

from .ranking import area_under_curve

VALUES = (100_000,) * 4 + (1_000,) * 16
LIST_VALUES = 100_000
LONGEST_LIST = 20
FACTORS = 4
INTERACTING_FIELDS = ((4, 5), (6, 7), (8, 9), (0, 10), (4, 11), (12, 13))
CLICK_RATE, CONVERSION_RATE = 0.05, 0.10
START_MILLISECONDS = 1_767_225_600_000
IMPRESSION_EVERY_MILLISECONDS = 10
CLICK_AFTER_MILLISECONDS, CONVERSION_AFTER_MILLISECONDS = 5_000, 60_000


@dataclasses.dataclass
class StandardJob:
    """A stream of n impressions, in the order of their times."""

    seed: int
    ids: np.ndarray  # [n, 20] int32
    list_ids: np.ndarray  # [offsets[n]] int32: those of impression i from offsets[i]
    offsets: np.ndarray  # [n + 1] int32
    click: np.ndarray  # [n] uint8
    conversion: np.ndarray  # [n] uint8, never without a click
    ctr: np.ndarray  # [n] planted probabilities
    ctcvr: np.ndarray  # [n]
    shown: np.ndarray  # [n] int64, milliseconds since the epoch
    clicked: np.ndarray  # [n] int64, when it would be clicked
    converted: np.ndarray  # [n] int64, when it would convert

    def __len__(self):
        return len(self.ids)


def make(impressions, seed):
    """Draws a stream."""
    generator = np.random.default_rng(seed)
    ids = np.stack([zipf(generator, values, impressions) for values in VALUES], axis=1)
    lengths = np.minimum(generator.geometric(1 / 6.2, impressions) - 1, LONGEST_LIST)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    list_ids = zipf(generator, LIST_VALUES, offsets[-1])

    click_score = planted_score(generator, ids, list_ids, offsets, deviation=1.6)
    ctr = with_mean(click_score, CLICK_RATE, np.ones(impressions))
    # What makes a click likely makes a conversion a little more likely too.
    own_score = planted_score(generator, ids, list_ids, offsets, deviation=1.4)
    cvr = with_mean(0.3 * click_score + own_score, CONVERSION_RATE, ctr)

    click = generator.random(impressions) < ctr
    conversion = (generator.random(impressions) < cvr) & click
    shown = START_MILLISECONDS + IMPRESSION_EVERY_MILLISECONDS * np.arange(impressions)
    clicked = shown + delay(generator, CLICK_AFTER_MILLISECONDS, impressions)
    converted = clicked + delay(generator, CONVERSION_AFTER_MILLISECONDS, impressions)
    return StandardJob(
        seed, ids, list_ids, offsets, click.astype(np.uint8), conversion.astype(np.uint8),
        ctr, ctr * cvr, shown, clicked, converted,
    )


def zipf(generator, values, count):
    """Ids below `values` by Zipf's law with exponent 1.05, the frequent ones scattered: [count]."""
    mass = np.cumsum(np.arange(1, values + 1) ** -1.05)
    rank = np.searchsorted(mass / mass[-1], generator.random(count))
    return generator.permutation(values)[np.minimum(rank, values - 1)].astype(np.int32)


def delay(generator, mean, count):
    """Exponential delays, at least one millisecond: [count]."""
    return 1 + generator.exponential(mean, count).astype(np.int64)


def planted_score(generator, ids, list_ids, offsets, deviation):
    """The planted log odds but for their bias, with mean 0 and the deviation: [n]."""
    score = np.zeros(len(ids))
    factors = []  # of every field: [n, FACTORS]
    for field, values in enumerate(VALUES):
        bias = generator.normal(0, 0.15 if values > 1_000 else 0.35, values)
        score += bias[ids[:, field]]
        factors.append(generator.normal(0, 1, (values, FACTORS))[ids[:, field]])
    of_list = generator.normal(0, 1, (LIST_VALUES, FACTORS))[list_ids]
    of_list = means(of_list, offsets) * 1.5

    def product(left, right):
        return (left * right).sum(axis=1)

    # These sums keep their order: rounded otherwise, a probability could fall on the other side of
    # its draw.
    score += (
        product(of_list, factors[0]) * 0.1 + product(of_list, factors[4]) * 0.15
        + of_list[:, 0] * 0.3
    )
    for left, right in INTERACTING_FIELDS:
        score += product(factors[left], factors[right]) * 0.12
    return (score - score.mean()) / score.std() * deviation


def means(rows, offsets):
    """The mean row of every impression's list, zeros where it is empty: [n, FACTORS]."""
    sums = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    lengths = np.diff(offsets)
    return (sums[offsets[1:]] - sums[offsets[:-1]]) / np.maximum(lengths, 1)[:, None]


def with_mean(score, rate, weight):
    """Probabilities σ(score + bias), the bias such that their weighted mean is the rate: [n]."""
    low, high = -20.0, 20.0
    for _ in range(60):
        bias = (low + high) / 2
        if (weight / (1 + np.exp(-score - bias))).sum() / weight.sum() < rate:
            low = bias
        else:
            high = bias
    return 1 / (1 + np.exp(-score - bias))


def write_arrays(job, path):
    """Writes what a peer trains on as an .npz file."""
    np.savez(
        path, ids=job.ids, hist=job.list_ids, off=job.offsets, click=job.click, conv=job.conversion,
        vocab=np.array((*VALUES, LIST_VALUES)), p_ctr=job.ctr.astype(np.float32),
        p_ctcvr=job.ctcvr.astype(np.float32),
    )


def write_events(job, folder):
    """Writes impressions.jsonl, clicks.jsonl and conversions.jsonl, each in the order of time."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    fields = ",".join(f'"f{field:02}":%d' for field in range(len(VALUES)))
    line = f'{{"impression_id":"s{job.seed}-%d","ts":%d,"features":{{{fields},"h":[%s]}}}}\n'
    list_texts = list(map(str, job.list_ids.tolist()))
    offsets, shown = job.offsets.tolist(), job.shown.tolist()
    with open(folder / "impressions.jsonl", "w") as file:
        file.writelines(
            line % (at, shown[at], *ids, ",".join(list_texts[offsets[at]:offsets[at + 1]]))
            for at, ids in enumerate(map(np.ndarray.tolist, job.ids))
        )
    for name, happened, when in (
        ("clicks", job.click, job.clicked), ("conversions", job.conversion, job.converted)
    ):
        rows = np.flatnonzero(happened)
        rows = rows[np.argsort(when[rows], kind="stable")]
        with open(folder / f"{name}.jsonl", "w") as file:
            file.writelines(
                f'{{"impression_id":"s{job.seed}-{at}","ts":{time}}}\n'
                for at, time in zip(rows.tolist(), when[rows].tolist())
            )


def compress(folder):
    """Replaces the event files of a folder by .lz4 files of them."""
    for path in sorted(pathlib.Path(folder).glob("*.jsonl")):
        subprocess.run(
            ["lz4", "-q", "-f", "--rm", "--content-size", path, f"{path}.lz4"], check=True
        )


def check(script):
    """Compares with the files and arrays that a script writes (--n, --seed, --out, --events)."""
    for seed in (1, 2):
        with tempfile.TemporaryDirectory(prefix="freshet-standard-job-") as folder:
            folder = pathlib.Path(folder)
            job = make(20_000, seed)
            write_events(job, folder / "ours")
            write_arrays(job, folder / "ours.npz")
            subprocess.run(
                [sys.executable, script, "--n", "20000", "--seed", str(seed), "--no-text",
                 "--out", folder / "theirs", "--events", folder / "theirs"],
                check=True, stdout=subprocess.DEVNULL,
            )
            for name in ("impressions", "clicks", "conversions"):
                ours, theirs = (folder / of / f"{name}.jsonl" for of in ("ours", "theirs"))
                if ours.read_bytes() != theirs.read_bytes():
                    sys.exit(f"seed {seed}: {name}.jsonl differs")
            with np.load(folder / "ours.npz") as ours, np.load(folder / "theirs.npz") as theirs:
                for name in {*ours, *theirs}:
                    if ours[name].tobytes() != theirs[name].tobytes():
                        sys.exit(f"seed {seed}: the array {name} differs")
        print(f"seed {seed}: the same files and arrays")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--impressions", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", help="a folder for event files")
    parser.add_argument("--lz4", action="store_true", help="compress the event files")
    parser.add_argument("--arrays", help="an .npz file for peers")
    parser.add_argument("--check", metavar="SCRIPT", help="compare with what this script makes")
    options = parser.parse_args()
    if options.check:
        return check(options.check)
    job = make(options.impressions, options.seed)
    if options.arrays:
        write_arrays(job, options.arrays)
    if options.events:
        write_events(job, options.events)
        if options.lz4:
            compress(options.events)
    print(json.dumps({
        "impressions": len(job), "clicks": int(job.click.sum()),
        "conversions": int(job.conversion.sum()),
        # What the planted probabilities reach themselves: the best possible.
        "ctr_auc": area_under_curve(job.ctr, job.click),
        "ctcvr_auc": area_under_curve(job.ctcvr, job.conversion),
    }))


if __name__ == "__main__":
    main()
