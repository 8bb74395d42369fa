"""Paired differences with block bootstrap intervals, written from the definitions.

Reads job.json (cohorts' sums of two configurations, seed, resamples) from the folder given and writes
intervals.json. Every resample is a list of cohort indices, drawn one by one, and every figure is
computed from the concatenated cohorts with NumPy.
"""

import json
import math
import sys

import numpy as np

MASK = (1 << 64) - 1


def split_mix(state):
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def resample(numbers, count, length):
    indices = []
    while len(indices) < count:
        start = next(numbers) * count // 2**64
        indices += [(start + i) % count for i in range(length)]
    return np.array(indices[:count])


def figures(rows):
    weight, positives, predicted, loss, auc = rows.T
    rate = positives.sum() / weight.sum()
    mean = loss.sum() / weight.sum()
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    return np.array([mean, mean / entropy, predicted.sum() / positives.sum(), np.average(auc, weights=weight)])


def main(folder):
    job = json.load(open(folder + "/job.json"))
    first, other = np.array(job["first"]), np.array(job["other"])
    count = len(first)
    length = next(n for n in range(1, count + 1) if n**3 >= count)
    numbers = split_mix(job["seed"])
    draws = []
    for _ in range(job["resamples"]):
        chosen = resample(numbers, count, length)
        draws.append(figures(other[chosen]) - figures(first[chosen]))
    tail = (1 - job["confidence"]) / 2
    low, high = np.quantile(np.array(draws), [tail, 1 - tail], axis=0)
    result = {
        "length": length,
        "first": figures(first).tolist(),
        "other": figures(other).tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
    }
    json.dump(result, open(folder + "/intervals.json", "w"))


main(sys.argv[1])
