"""The built programs, and what their processes take."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from .figures import Failure, Figures

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Programs:
    """`freshet` and `freshet-benchmark`: $FRESHET and $FRESHET_BENCHMARK, or else built."""

    def __init__(self):
        self.freshet = os.environ.get("FRESHET") or build("freshet")
        self.parts = os.environ.get("FRESHET_BENCHMARK") or build("freshet-benchmark")

    def run(self, command, *arguments, output=subprocess.PIPE):
        """Runs `freshet COMMAND`."""
        return Process([self.freshet, command, *arguments], output).finish()

    def summary(self, *arguments):
        """Runs `freshet replay --json`: the finished process, and the summary that it printed."""
        process = self.run("replay", *arguments, "--json")
        return process, json.loads(process.output)

    def figures(self, command, *arguments):
        """The figures that `freshet-benchmark COMMAND` prints, and its greatest memory."""
        process = Process([self.parts, command, *arguments]).finish()
        figures = Figures(json.loads(process.output))
        figures["peak_bytes"] = process.peak_bytes
        return figures


def build(product):
    """Builds a product in release mode; returns its path."""
    print(f"building {product}", file=sys.stderr, flush=True)
    subprocess.run([ROOT / "tools/setup", "build"], check=True)
    subprocess.run(
        ["swift", "build", "-c", "release", "--product", product],
        cwd=ROOT, check=True, stdout=sys.stderr,
    )
    return str(ROOT / ".build/release" / product)


class Process:
    """A running command; once finished, its output, seconds, memory and threads."""

    def __init__(self, command, output=subprocess.PIPE):
        self.command = [str(word) for word in command]
        self.errors = tempfile.TemporaryFile()
        self.started = time.perf_counter()
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=self.errors
            )
        except OSError as error:
            raise Failure(f"{self.command[0]}: {error.strerror}") from error
        self.threads = ThreadTimes(self.process.pid)

    def finish(self):
        """Waits for the end; a status other than 0 is a failure."""
        self.output = self.process.stdout.read() if self.process.stdout else b""
        _, status, usage = os.wait4(self.process.pid, 0)
        self.seconds = time.perf_counter() - self.started
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.threads.stop()
        self.peak_bytes = usage.ru_maxrss * 1024
        self.processor_seconds = usage.ru_utime + usage.ru_stime
        if self.process.returncode != 0:
            program = pathlib.Path(self.command[0]).name
            raise Failure(f"{program} {self.command[1]}: {self.reason()}")
        return self

    def reason(self):
        """What it said last: the line that names an error if there is one."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").replace("\r", "\n").split("\n")
        lines = [line.strip() for line in lines if line.strip()]
        named = [line for line in lines if line.startswith("Error:")]
        return (named or lines or [f"status {self.process.returncode}"])[-1]


class ThreadTimes:
    """Processor seconds of a process by thread, watched until it ends (Linux)."""

    def __init__(self, process_id):
        self.process_id = process_id
        self.names, self.seconds = {}, {}
        self.ended = threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def watch(self):
        while not self.ended.wait(0.05):
            for thread, (name, seconds) in thread_times(self.process_id).items():
                self.names[thread], self.seconds[thread] = name, seconds

    def stop(self):
        self.ended.set()
        self.watcher.join()

    def busiest(self, least=0.05):
        """"name 3.2 s, name 1.1 s": threads that took a share of all, the busiest first."""
        least *= sum(self.seconds.values())
        times = sorted(self.seconds.items(), key=lambda item: -item[1])
        return ", ".join(
            f"{self.names[thread]} {seconds:.1f} s" for thread, seconds in times if seconds > least
        )


def thread_times(process_id):
    """(name, processor seconds) by thread id of a running process; nothing once it has ended."""
    per_second = os.sysconf("SC_CLK_TCK")
    times = {}
    try:
        for task in pathlib.Path(f"/proc/{process_id}/task").iterdir():
            # "id (name) state ...": the times are fields 14 and 15 of proc(5).
            head, _, tail = (task / "stat").read_text().rpartition(")")
            fields = tail.split()
            times[task.name] = (
                head.partition("(")[2], (int(fields[11]) + int(fields[12])) / per_second
            )
    except OSError:
        pass  # The process, or this thread, has ended.
    return times
