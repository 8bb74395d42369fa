"""What the sections measure on: the standard job's files and configurations, made when needed."""

import itertools
import json
import pathlib
import re
import subprocess

from .figures import Failure
from .programs import ROOT

STANDARD = ROOT / "config/standard.yaml"

ROLES = ("impressions", "clicks", "conversions")

# In place of the configuration's optimizer.
METHODS = {
    "adagrad": None,
    # As `freshet-benchmark learner --method sgd` has it.
    "sgd": "optimizer:\n  method: sgd\n  embedding_rate: 10\n  dense_rate: 0.05\n"
           "  embedding_deviation: 0.1\n",
}


class Inputs:
    """Files in a folder; each is made once."""

    def __init__(self, folder, python, impressions):
        self.folder = pathlib.Path(folder)
        self.python = python
        self.impressions = impressions
        self.reports = {}
        self.numbers = itertools.count(1)

    def events(self, seed=1, impressions=None):
        """A folder of the standard job's events as .lz4 files."""
        return self.job(seed, impressions or self.impressions) / "events"

    def arrays(self, seed=1, impressions=None):
        """The same as an .npz file."""
        return self.job(seed, impressions or self.impressions) / "arrays.npz"

    def job(self, seed, impressions):
        folder = self.folder / f"standard-{impressions}-{seed}"
        if folder not in self.reports:
            folder.mkdir(exist_ok=True)
            run = subprocess.run(
                [self.python, "-m", "benchmarks.standard_job", "--impressions", str(impressions),
                 "--seed", str(seed), "--events", folder / "events", "--lz4",
                 "--arrays", folder / "arrays.npz"],
                cwd=ROOT / "tools", capture_output=True, text=True,
            )
            if run.returncode != 0:
                raise Failure(f"the standard job: {run.stderr.strip().splitlines()[-1]}")
            self.reports[folder] = json.loads(run.stdout)
        return folder

    def count(self, role=None):
        """How many impressions, clicks or conversions the standard job has, or all of them."""
        report = self.report(1, self.impressions)
        return report[role] if role else sum(map(report.get, ROLES))

    def report(self, seed, impressions):
        """What its maker says of a standard job: counts, and the best possible AUC."""
        return self.reports[self.job(seed, impressions)]

    def lines(self, role):
        """The standard job's records of a role, bytes each."""
        path = self.events() / f"{role}.jsonl.lz4"
        text = subprocess.run(["lz4", "-dc", path], check=True, stdout=subprocess.PIPE).stdout
        return text.splitlines()

    def configuration(self, method="adagrad", more="", rows=None):
        """config/standard.yaml with a method, more sections, and tables of at most some rows."""
        text = STANDARD.read_text()
        if METHODS[method]:
            text, found = re.subn(r"^optimizer:\n(?:  .*\n)*", METHODS[method], text, flags=re.M)
            if found != 1:
                raise Failure(f"{STANDARD}: one section optimizer expected, {found} found")
        if rows:
            text = re.sub(r"rows: (\d+)", lambda found: f"rows: {min(int(found[1]), rows)}", text)
        path = self.fresh("configuration.yaml")
        path.write_text(text + more)
        return path

    def fresh(self, name):
        """A path that nothing has."""
        return self.folder / f"{next(self.numbers)}-{name}"
