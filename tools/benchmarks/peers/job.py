"""What the peers share: the data, the core, the clock and what is printed.

Every peer sees the impressions in their order, once: it predicts each and then trains on it (a
minibatch is predicted, then trained). Compiling and setting up are not timed; bringing the arrays
into the form that a peer likes is not either. Time is the processor's, that of all threads on the
one core together: other work on the machine adds little to it.
"""

import argparse
import json
import os
import time

import numpy as np

from ..ranking import area_under_curve


class Arrays:
    """The first impressions of a standard job, their ids made rows of one table.

    rows [n, 21 - 1 + LONGEST] int32: one per categorical field, then the list's, filled up with the
    row of zeros, the table's last; length [n] int32 of the lists; click, conversion [n] float32.
    """

    FIELDS, LONGEST = 20, 20

    def __init__(self, path, examples):
        with np.load(path) as file:
            offsets = file["off"][: examples + 1]
            starts = np.concatenate([[0], np.cumsum(file["vocab"])]).astype(np.int32)
            ids, self.list_ids = file["ids"][:examples], file["hist"][: offsets[-1]]
            self.click = file["click"][:examples].astype(np.float32)
            self.conversion = file["conv"][:examples].astype(np.float32)
        self.ids, self.offsets = ids, offsets
        self.table_rows = int(starts[-1])
        self.length = np.diff(offsets).astype(np.int32)
        self.rows = np.full((len(ids), self.FIELDS + self.LONGEST), self.table_rows, np.int32)
        self.rows[:, : self.FIELDS] = ids + starts[: self.FIELDS]
        in_list = np.arange(self.LONGEST) < self.length[:, None]
        self.rows[:, self.FIELDS:][in_list] = self.list_ids + starts[self.FIELDS]

    def __len__(self):
        return len(self.ids)


def arguments(description, methods, more=()):
    """The options of a peer, after pinning this process to a core; more: {"--option": settings}."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--arrays", required=True, help="the standard job as an .npz file")
    parser.add_argument("--method", choices=methods, default=methods[0])
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    for name, settings in dict(more).items():
        parser.add_argument(name, **settings)
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    return options


def report(peer, options, arrays, prepare):
    """Times what prepare() returns, as often as asked, and prints; the work returns the predictions
    (ctr, ctcvr) of all examples, anything by which they can be ranked.
    """
    for _ in range(options.runs):
        work = prepare()
        start = time.process_time()
        ctr, ctcvr = work()
        seconds = time.process_time() - start
        print(json.dumps({
            "peer": peer,
            "examples_per_second": round(len(arrays) / seconds),
            "ctr_auc": round(area_under_curve(ctr, arrays.click), 4),
            "ctcvr_auc": round(area_under_curve(ctcvr, arrays.conversion), 4),
        }), flush=True)
