"""``make bench-scaling``: what an event costs, in processor time of all workers together, with 1, 2 and 4 workers and
4, 16 and 64 partitions, the same events in all of them; the dearest may cost 15 % more than the cheapest.

Each combination is a consumer group of its own over one of three filled topics. The workers start together, and the
broker waits for all of them before it gives out partitions; what they use is measured from then until all is counted.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from bench import topic
from bench.running import ACCEPTED, LATE, READ, RECOVERY, REJECTED, BenchWorker, Servers, wait_for
from bench.verdict import Bar, emit, verdict
from config.errors import FouleError, ServiceError
from foule.embedded import EmbeddedRedis
from tests.services.real_kafka import RealKafka

MOST_APART = 1.15

_ALL_JOINED_MS = 3_000
_OFTEN, _SELDOM = 0.05, 1.0
_START_SECONDS = 120.0


def cost(servers: Servers, folder: Path, workers: int, events: int) -> dict[str, float]:
    """Let a group of workers take the whole topic; returns what an event cost."""
    name = f"scaling-{servers.partitions}-{workers}"
    settings = servers.settings(folder / name, name)
    running = [BenchWorker(settings) for _ in range(workers)]

    def read() -> float:
        return sum(worker.total(READ) for worker in running)

    with ExitStack() as stack:
        for worker in running:
            stack.callback(worker.stop)
        with ThreadPoolExecutor(workers) as starting:
            list(starting.map(BenchWorker.start, running))
        before = _assigned(running)
        begun = time.monotonic()
        wait_for("all is counted", running, read, events, _SELDOM)
        after = sum(worker.cpu_seconds() for worker in running)
        seconds = time.monotonic() - begun
        totals = [worker.totals() for worker in running]
    accounted = sum(each[verdict] for each in totals for verdict in (ACCEPTED, LATE, REJECTED))
    if accounted != events:
        raise ServiceError(f"{accounted:,.0f} records were accounted for instead of {events:,}")
    return {
        "partitions": servers.partitions,
        "workers": workers,
        "events": events,
        "seconds": round(seconds, 1),
        "least_share": round(min(each[READ] for each in totals) / events, 3),
        "cpu_us_per_event": round((after - before) / events * 1e6, 3),
    }


def _assigned(workers: Sequence[BenchWorker]) -> float:
    """Wait until every worker has partitions; returns their processor time just before that."""
    deadline, before, waiting = time.monotonic() + _START_SECONDS, 0.0, list(workers)
    while waiting:
        for worker in list(waiting):
            cpu = worker.cpu_seconds()
            if worker.total(RECOVERY):
                waiting.remove(worker)
                before += cpu
        if time.monotonic() > deadline:
            raise ServiceError(f"{len(waiting)} of {len(workers)} workers got no partitions")
        time.sleep(_OFTEN)
    return before


def apart(costs: Sequence[float]) -> float:
    """The dearest by the cheapest."""
    return max(costs) / min(costs)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--events", type=int, default=3_000_000, help="of each run")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--partitions", type=int, nargs="+", default=[4, 16, 64])
    return parser.parse_args()


def main() -> int:
    """Run all combinations; returns the exit status: 1 if they are too far apart. Raises a FouleError if the bench
    cannot run."""
    arguments = parse()
    absent = RealKafka.absent()
    if absent is not None:
        raise ServiceError(f"the bench needs Apache Kafka, which cannot be started here: {absent}")
    costs = []
    with (
        tempfile.TemporaryDirectory(prefix="foule-bench-") as folder,
        RealKafka(first_rebalance_ms=_ALL_JOINED_MS) as kafka,
        EmbeddedRedis(persistent=True) as redis,
        EmbeddedRedis() as keys,
    ):
        for partitions in arguments.partitions:
            events = f"bench-events-{partitions}"
            topic.create(kafka.bootstrap, [events], partitions)
            asyncio.run(topic.fill(kafka.bootstrap, events, arguments.events, partitions=partitions))
            servers = Servers(kafka.bootstrap, redis.url, keys.url, events, partitions)
            for workers in arguments.workers:
                result = cost(servers, Path(folder), workers, arguments.events)
                emit({"bench": "scaling", **result})
                costs.append(result["cpu_us_per_event"])
    return 0 if verdict("scaling", {"dearest_over_cheapest": Bar(apart(costs), MOST_APART)}) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FouleError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
