"""How well predictions rank."""

import numpy as np


def area_under_curve(prediction, label):
    """The probability that a positive is ranked above a negative, ties counting half."""
    positives = int(label.sum())
    if positives in (0, len(label)):
        return float("nan")
    values, rank_of = np.unique(prediction, return_inverse=True)
    counts = np.bincount(rank_of, minlength=len(values))
    ranks = np.cumsum(counts) - (counts - 1) / 2
    above = ranks[rank_of[label > 0.5]].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(label) - positives)))
