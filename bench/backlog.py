"""``make bench-backlog``: ten million events of a day lie in four partitions of very unequal length; one worker drains
them. Its memory stays flat, every window is released with all shards in it, and every number is the oracle's.

Every record has the Kafka timestamp of now, as a backlog has that was sent at once. So the settings bound event time,
or one damaged year would make all that follows late. No event comes later than the lateness allows, and none is.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import zones
from bench import topic, workload
from bench.command import end, require_kafka
from bench.partition_oracle import oracle_of
from bench.running import ACCEPTED, LATE, READ, BenchWorker, Servers
from bench.verdict import Bar, emit, verdict
from bench.workload import Batch
from config.errors import ServiceError
from config.settings import Settings, load
from foule.embedded import EmbeddedRedis
from foule.oracle.oracle import Keys
from foule.proof.checks import Check, prove
from foule.proof.logs import applied_advances
from foule.proof.tallies import TallyLog
from foule.proof.witness import KeyWitness
from foule.sending import EventSender
from indicators.calendar import Calendar
from streams.log_ends import log_ends
from tests.e2e.running import wait_until_released
from tests.services.real_kafka import RealKafka

SHARES = (0.60, 0.25, 0.10, 0.05)
MEMORY_GROWS = 1.3

_EVENTS = "bench-backlog"
_SPAN = 24 * 3_600_000
_SAMPLE_SECONDS = 1.0
_STALL_SECONDS = 120.0
_RELEASE_SECONDS = 900.0


class Sample(NamedTuple):
    """How much was read by an instant, and the memory of the worker then."""

    read: float
    memory_mb: float


def backlog(events: int) -> dict[int, Iterable[Batch]]:
    """Each partition's batches; all of them span the same day, with devices of their own."""
    shares, first = dict[int, Iterable[Batch]](), 0
    for partition, share in enumerate(SHARES):
        devices = range(first, first + int(share * workload.SUBSCRIBERS))
        first = devices.stop
        shares[partition] = workload.batches(int(share * events), subscribers=devices, span=_SPAN, seed=partition)
    return shares


def growth(samples: Sequence[Sample]) -> float:
    """The most memory by that after the first tenth of the records."""
    tenth = samples[-1].read / 10
    return max(each.memory_mb for each in samples) / next(each.memory_mb for each in samples if each.read >= tenth)


def curve(samples: Sequence[Sample]) -> list[int]:
    """The most memory (MB) while each tenth of the records was read."""
    width = samples[-1].read / 10
    tenths = [[each.memory_mb for each in samples if width * at <= each.read <= width * (at + 1)] for at in range(10)]
    return [round(max(tenth, default=0.0)) for tenth in tenths]


def drain(worker: BenchWorker, events: int) -> list[Sample]:
    """Sample the worker until it has read everything. Raises ServiceError if it ends or stands still."""
    samples, moved = [Sample(0.0, worker.memory_mb())], time.monotonic()
    while samples[-1].read < events:
        time.sleep(_SAMPLE_SECONDS)
        samples.append(Sample(worker.total(READ), worker.memory_mb()))
        if samples[-1].read > samples[-2].read:
            moved = time.monotonic()
        if time.monotonic() > moved + _STALL_SECONDS:
            raise ServiceError(f"the worker stands still; the end of its log:\n{worker.log_text[-2000:]}")
    return samples


def end_feed(settings: Settings) -> int:
    """Tell every shard that the feed has ended; returns the end of its last epoch (UTC ms)."""
    end = Calendar.of(settings.time).epoch_of(workload.BEGIN + _SPAN - 1).end
    with EventSender(settings) as sender:
        sender.finish(end)
    return end


def proven(settings_file: Path, settings: Settings, keys: Keys) -> list[Check]:
    """Hold all that was published against the oracle; ``keys``: of the epochs."""
    ends = log_ends(settings.kafka, settings.topics.events)
    begun = time.monotonic()
    oracle = oracle_of(settings_file, ends, applied_advances(settings), keys)
    emit({"bench": "backlog", "phase": "oracle", "seconds": round(time.monotonic() - begun), "late": oracle.late})
    with TallyLog(settings, keys) as tallies:
        tallies.read()
        return prove(settings, zones.load(settings.zones).layers, oracle, tallies).checks


def run(servers: Servers, folder: Path, events: int) -> tuple[list[Sample], list[Check]]:
    """Drain the backlog and check what came out: the memory on the way, and what must hold."""
    bounds = {"not_before": "2014-06-01T00:00:00Z", "not_after": "2014-08-01T00:00:00Z"}
    settings_file = servers.settings(folder, "backlog", events=bounds)
    settings = load(settings_file, {})
    with KeyWitness(settings.keys.url.reveal()) as witness, BenchWorker(settings_file) as worker:
        begun, cpu = time.monotonic(), worker.cpu_seconds()
        samples = drain(worker, events)
        seconds, cpu = time.monotonic() - begun, worker.cpu_seconds() - cpu
        totals = worker.totals()
        watermark = end_feed(settings)
        wait_until_released(settings, watermark, _RELEASE_SECONDS, [worker])
        samples.append(Sample(samples[-1].read, worker.memory_mb()))
    emit(
        {
            "bench": "backlog",
            "phase": "drain",
            "events": events,
            "shares": SHARES,
            "seconds": round(seconds, 1),
            "cpu_us_per_event": round(cpu / events * 1e6, 3),
            "accepted": totals[ACCEPTED],
            "late": totals[LATE],
            "memory_mb_by_tenth": curve(samples),
            "memory_mb_at_the_end": round(samples[-1].memory_mb),
        }
    )
    late = Check("nothing is late", not totals[LATE], f"{totals[LATE]:,.0f} late")
    checks = [late, *proven(settings_file, settings, witness.keys)]
    for check in checks:
        emit({"bench": "backlog", "check": check.name, "holds": check.holds, "detail": check.detail})
    return samples, checks


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.backlog", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000, help="of all partitions")
    return parser.parse_args()


def main() -> int:
    """Run it; returns the exit status: 1 if memory grows or a number is wrong. Raises a FouleError if the bench cannot
    run."""
    arguments = parse()
    require_kafka()
    with (
        tempfile.TemporaryDirectory(prefix="foule-bench-") as folder,
        RealKafka() as kafka,
        EmbeddedRedis(persistent=True) as redis,
        EmbeddedRedis() as keys,
    ):
        topic.create(kafka.bootstrap, [_EVENTS], len(SHARES))
        now = time.time_ns() // 1_000_000
        asyncio.run(topic.fill_each(kafka.bootstrap, _EVENTS, backlog(arguments.events), now))
        events = sum(int(share * arguments.events) for share in SHARES)
        servers = Servers(kafka.bootstrap, redis.url, keys.url, _EVENTS, len(SHARES))
        samples, checks = run(servers, Path(folder), events)
    equal = all(check.holds for check in checks)
    reached = verdict("backlog", {"memory_growth": Bar(growth(samples), MEMORY_GROWS)}, equals_the_oracle=equal)
    return 0 if reached else 1


if __name__ == "__main__":
    end(main)
