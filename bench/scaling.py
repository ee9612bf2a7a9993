"""``make bench-scaling``: what an event costs, in processor time of all workers together, with 1, 2 and 4 workers and
4, 16 and 64 partitions, the same events in all of them; the dearest may cost 15 % more than the cheapest.

Each combination is a consumer group of its own over one of three filled topics. The workers start together, and the
broker waits for all of them before it gives out partitions; what they use is measured from when all are at work until
all is counted. By default 6 million events span 12 minutes, half a million a minute: a network that emits less has
less to share out, and one that emits more closes its windows more seldom by the number of events.

Each worker keeps to one core, two workers to the same one where there are too few: a process of Python has work for no
more, and one that wanders between two idle cores costs a tenth more, which is the machine's doing and not that of the
number of workers. Linux only. All combinations are run in turn, three times, and the middle cost of each counts: a
machine that others use, too, is not equally fast all the time.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import NamedTuple, Self

from bench import topic
from bench.command import end, require_kafka
from bench.running import ACCEPTED, LATE, READ, REJECTED, BenchWorker, Servers, wait_for
from bench.verdict import Bar, emit, verdict
from config.errors import ServiceError
from foule.embedded import EmbeddedRedis
from tests.services.real_kafka import RealKafka

MOST_APART = 1.15

_ALL_JOINED_MS = 3_000
_OFTEN, _SELDOM = 0.05, 1.0
_IDLE_SECONDS = 5.0
_TURNS = 3


class Look(NamedTuple):
    """What all workers have used (seconds of processor time) and read up to an instant."""

    cpu: float
    read: float

    def per_event(self, before: Self) -> float:
        """Microseconds that an event cost since an earlier look."""
        return (self.cpu - before.cpu) / (self.read - before.read) * 1e6


def look(workers: Sequence[BenchWorker]) -> Look:
    """Look at all of them now."""
    return Look(sum(worker.cpu_seconds() for worker in workers), sum(worker.total(READ) for worker in workers))


def cost(servers: Servers, folder: Path, workers: int, events: int, turn: int) -> dict[str, float]:
    """Let a group of workers take the whole topic; returns what an event cost once all of them were at work."""
    name = f"scaling-{servers.partitions}-{workers}-{turn}"
    settings = servers.settings(folder / name, name)
    running = [BenchWorker(settings) for _ in range(workers)]
    with ExitStack() as stack:
        for worker in running:
            stack.callback(worker.stop)
        with ThreadPoolExecutor(workers) as starting:
            list(starting.map(_start_on_a_core, running, cycle(sorted(os.sched_getaffinity(0)))))
        wait_for("all are at work", running, lambda: sum(bool(each.total(READ)) for each in running), workers, _OFTEN)
        begun, before = time.monotonic(), look(running)
        wait_for("all is counted", running, lambda: look(running).read, events, _SELDOM)
        seconds, after = time.monotonic() - begun, look(running)
        totals = [worker.totals() for worker in running]
        time.sleep(_IDLE_SECONDS)
        idle = look(running).cpu - after.cpu
    accounted = sum(each[verdict] for each in totals for verdict in (ACCEPTED, LATE, REJECTED))
    if accounted != events:
        raise ServiceError(f"{accounted:,.0f} records were accounted for instead of {events:,}")
    if before.read > events / 2:
        raise ServiceError(f"half of the events were read before all {workers} workers were at work: more --events")
    return {
        "partitions": servers.partitions,
        "workers": workers,
        "events": round(after.read - before.read),
        "seconds": round(seconds, 1),
        "least_share": round(min(each[READ] for each in totals) / events, 3),
        "cpu_us_per_event": round(after.per_event(before), 3),
        "idle_cpu_share_each": round(idle / _IDLE_SECONDS / workers, 3),
    }


def _start_on_a_core(worker: BenchWorker, core: int) -> None:
    os.sched_setaffinity(0, {core})  # of this thread; what it starts inherits it
    worker.start()


def apart(costs: Sequence[float]) -> float:
    """The dearest by the cheapest."""
    return max(costs) / min(costs)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--events", type=int, default=6_000_000, help="of each run")
    parser.add_argument("--minutes", type=int, default=12, help="of event time that they span")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--partitions", type=int, nargs="+", default=[4, 16, 64])
    return parser.parse_args()


def main() -> int:
    """Run all combinations; returns the exit status: 1 if they are too far apart. Raises a FouleError if the bench
    cannot run."""
    arguments = parse()
    require_kafka()
    with (
        tempfile.TemporaryDirectory(prefix="foule-bench-") as folder,
        RealKafka(first_rebalance_ms=_ALL_JOINED_MS) as kafka,
        EmbeddedRedis(persistent=True) as redis,
        EmbeddedRedis() as keys,
    ):
        groups = []
        for partitions in arguments.partitions:
            events = f"bench-events-{partitions}"
            topic.create(kafka.bootstrap, [events], partitions)
            span = arguments.minutes * 60_000
            asyncio.run(topic.fill(kafka.bootstrap, events, arguments.events, partitions=partitions, span=span))
            servers = Servers(kafka.bootstrap, redis.url, keys.url, events, partitions)
            groups += [(servers, workers) for workers in arguments.workers]
        costs: list[list[float]] = [[] for _ in groups]
        for turn in range(_TURNS):
            for (servers, workers), found in zip(groups, costs, strict=True):
                result = cost(servers, Path(folder), workers, arguments.events, turn)
                emit({"bench": "scaling", **result})
                found.append(result["cpu_us_per_event"])
    middles = [median(found) for found in costs]
    return 0 if verdict("scaling", {"dearest_over_cheapest": Bar(apart(middles), MOST_APART)}) else 1


if __name__ == "__main__":
    end(main)
