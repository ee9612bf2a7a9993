"""``python -m bench``: the main job on a real Kafka, beside raw aiokafka and plain Faust, and the bars it must reach.

Every system runs alone, on the same filled topic; plain Faust on a slice of its own, without damaged records, at
which it would stop. What is compared is events per second of processor time, since the broker shares the machine.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import plain_faust, raw_aiokafka, topic
from bench.command import end, require_kafka
from bench.figures import Figures
from bench.worker import WorkerRun
from config.errors import ServiceError
from foule.embedded import EmbeddedRedis
from tests.services.real_kafka import RealKafka

OVER_AIOKAFKA = 0.55
OVER_FAUST = 60.0

_EVENTS = "bench-events"
_SLICE = "bench-slice"
_LONGEST_SECONDS = 600


def fill(bootstrap: str, arguments: argparse.Namespace) -> None:
    """Make and fill both topics."""
    begun = time.monotonic()
    topic.create(bootstrap, [_EVENTS, _SLICE, *plain_faust.changelogs(_SLICE)])
    asyncio.run(
        topic.fill(
            bootstrap,
            _EVENTS,
            arguments.events,
            batch_bytes=arguments.batch_bytes,
            compression=arguments.compression,
        )
    )
    asyncio.run(topic.fill(bootstrap, _SLICE, arguments.faust_events, damaged=0.0, batch_bytes=arguments.batch_bytes))
    say(
        f"filled {arguments.events:,} records in {topic.PARTITIONS} partitions, in batches of up to "
        f"{arguments.batch_bytes:,} bytes, compression {arguments.compression or 'none'}: "
        f"{time.monotonic() - begun:.0f} s"
    )


def in_process(module: str, bootstrap: str, filled: str, events: int) -> Figures:
    """Run a system in a process of its own, which measures itself. Raises ServiceError if it fails or hangs."""
    command = [sys.executable, "-m", module, bootstrap, filled, str(events)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=_LONGEST_SECONDS)
    except subprocess.SubprocessError as error:
        raise ServiceError(f"the run of {module} failed: {error}") from error
    return Figures.parse(done.stdout.splitlines()[-1])


def worker(bootstrap: str, events: int) -> Figures:
    """Run ``foule worker`` with both its Redis."""
    with (
        tempfile.TemporaryDirectory(prefix="foule-bench-") as folder,
        EmbeddedRedis(persistent=True) as redis,
        EmbeddedRedis() as keys,
        WorkerRun(Path(folder), bootstrap, _EVENTS, redis.url, keys.url) as run,
    ):
        return run.figures(events)


def compare(ours: Figures, aiokafka: Figures, faust: Figures) -> dict[str, object]:
    """The ratios of events per second of processor time, and whether they reach the bars."""
    over_aiokafka = ours.per_cpu_second / aiokafka.per_cpu_second
    over_faust = ours.per_cpu_second / faust.per_cpu_second
    return {
        "foule_over_aiokafka": round(over_aiokafka, 3),
        "at_least_over_aiokafka": OVER_AIOKAFKA,
        "foule_over_faust": round(over_faust, 1),
        "at_least_over_faust": OVER_FAUST,
        "ok": over_aiokafka >= OVER_AIOKAFKA and over_faust >= OVER_FAUST,
    }


def say(text: str) -> None:
    """Progress, for whoever watches."""
    print(text, file=sys.stderr, flush=True)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000, help="records of the topic")
    parser.add_argument("--faust-events", type=int, default=60_000, help="records for plain Faust, which is slow")
    parser.add_argument("--batch-bytes", type=int, default=topic.BATCH_BYTES, help="size of the producer's batches")
    parser.add_argument("--compression", choices=["gzip", "snappy", "lz4", "zstd"], help="of the producer; none else")
    return parser.parse_args()


def main() -> int:
    """Run all systems; returns the exit status: 1 if a bar is missed. Raises a FouleError if the bench cannot run."""
    arguments = parse()
    require_kafka()
    with RealKafka() as kafka:
        fill(kafka.bootstrap, arguments)
        aiokafka = in_process(raw_aiokafka.__name__, kafka.bootstrap, _EVENTS, arguments.events)
        print(aiokafka.line(), flush=True)
        ours = worker(kafka.bootstrap, arguments.events)
        print(ours.line(), flush=True)
        faust = in_process(plain_faust.__name__, kafka.bootstrap, _SLICE, arguments.faust_events)
        print(faust.line(), flush=True)
    verdict = compare(ours, aiokafka, faust)
    print(json.dumps(verdict))
    return 0 if verdict["ok"] else 1


if __name__ == "__main__":
    end(main)
