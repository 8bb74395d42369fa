"""Kafka to trained model, beside the files of the same records.

The embedded broker is a process of its own on the same machine. It keeps at most 5 MiB of a
partition: the standard job takes 38 MB as lz4, a 32nd of it in each. All of it is sent before it is
read, so that no producer takes part in what is timed. Partitions are merged by time, which one file
needs not: the same records in as many files tell what that costs.
"""

import contextlib
import subprocess

from ..figures import Row, ratios
from ..kafka_feed import Producer
from ..programs import thread_times
from .pipeline import processor, replay

PARTITIONS = {"impressions": 32, "clicks": 2, "conversions": 2}


def kafka(bench):
    """Replays by SGD from one file, from a file per partition and from the broker, in turns."""
    speeds = {"one file": [], "files": [], "kafka": []}
    with broker(bench) as (process, servers):
        feed(bench, servers)
        configuration = bench.inputs.configuration(
            "sgd", f"\nkafka:\n  settings:\n    bootstrap.servers: {servers}\n"
        )
        sources = {
            "one file": ("--files", bench.inputs.events()),
            "files": ("--files", partitioned(bench)),
            "kafka": (),
        }
        for _ in range(bench.runs):
            for name, source in sources.items():
                before = processor_seconds(process.pid)
                speed, last = replay(bench, configuration, *source)
                speeds[name].append(speed / 1e3)
                # Kafka is the last of the turn.
                of_broker = processor_seconds(process.pid) - before
    return rows(speeds, last, of_broker)


def rows(speeds, last, of_broker):
    def share(name, of):
        ratio = Row("", [100 * value for value in ratios(speeds[name], speeds[of])], "%")
        return f"{ratio.median:.0f} % of {of.replace('files', 'these files')}"

    unit = "thousand impressions/s"
    files = f"{PARTITIONS['impressions']} files of impressions"
    return [
        Row("LZ4 files to trained model, SGD, one file per role", speeds["one file"], unit),
        Row(f"the same, {files}", speeds["files"], unit, share("files", "one file")),
        Row(f"Kafka to trained model, SGD, {PARTITIONS['impressions']} partitions of impressions",
            speeds["kafka"], unit,
            f"{share('kafka', 'one file')} (at least 85 %), {share('kafka', 'files')}; processor: "
            f"{processor(last)}; the broker {of_broker:.1f} s"),
    ]


@contextlib.contextmanager
def broker(bench):
    """The embedded broker: its process and address. It ends with its standard input."""
    topics = [f"--topic={role}:{count}" for role, count in PARTITIONS.items()]
    process = subprocess.Popen(
        [bench.programs.freshet, "broker", "--until-stdin-closes", *topics],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    try:
        yield process, process.stdout.readline().decode().strip()
    finally:
        process.stdin.close()
        process.wait()


def feed(bench, servers):
    """Sends the standard job to the broker."""
    with Producer(servers) as producer:
        for role, partitions in PARTITIONS.items():
            producer.send(role, bench.inputs.lines(role), partitions)


def partitioned(bench):
    """A folder of the same records in as many files as the topics have partitions."""
    folder = bench.inputs.fresh("partitioned")
    folder.mkdir()
    for role, partitions in PARTITIONS.items():
        lines = bench.inputs.lines(role)
        for partition in range(partitions):
            path = folder / f"{role}-{partition:02}.jsonl"
            path.write_bytes(b"".join(line + b"\n" for line in lines[partition::partitions]))
            subprocess.run(["lz4", "-q", "--rm", path, f"{path}.lz4"], check=True)
    return folder


def processor_seconds(process_id):
    """Of a running process, all threads together."""
    return sum(seconds for _, seconds in thread_times(process_id).values())
