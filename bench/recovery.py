"""``make bench-recovery``: a worker with a shard of a million devices is killed; how long until the next one counts a
new event, what checkpoints cost, and how long the flow stands still for one.

The shard is filled from a partition of a real Kafka; then events come in at an even pace until the end. Two workers
follow each other: one that writes checkpoints at the default interval and is killed, and one that writes none. The
difference of their processor time is what checkpoints cost. How long the flow is held counts only while the worker is
at work, not while other programs have the processor; what the clock says is printed beside it.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import topic, workload
from bench.command import end, require_kafka
from bench.running import ACCEPTED, READ, BenchWorker, Servers, wait_for
from bench.snapshot import measure
from bench.verdict import Bar, emit, verdict
from config.sections import StreamSettings
from foule.embedded import EmbeddedRedis
from tests.services.real_kafka import RealKafka

RECOVERY_SECONDS = 10.0
CHECKPOINT_SHARE = 0.05
STALL_MS = 100.0

_EVENTS = "bench-events"
_CHECKPOINTS = "foule_checkpoint_seconds_count"
_IN_CHECKPOINTS = "foule_checkpoint_seconds_sum"
_DEFAULT_INTERVAL = StreamSettings().checkpoint_every / 1000
_SECONDS_OF_TRICKLE = 3_600
_SETTLED_SECONDS = 5.0
"""After its start a worker does some things for the first time, which are no cost of checkpoints."""


def run(servers: Servers, folder: Path, arguments: argparse.Namespace) -> list[Bar]:
    """Both workers, one after the other; prints what each did. Returns what must be under the bars."""
    interval = arguments.checkpoint_every
    often = _settings(servers, folder / "often", arguments.layers, f"{interval}s")
    seldom = _settings(servers, folder / "seldom", arguments.layers, "1h")
    first, second = BenchWorker(often, folder / "first"), BenchWorker(seldom, folder / "second")
    with first:
        wait_for("all is read", [first], lambda: first.total(READ), arguments.events)
        batches = _later(arguments)
        with topic.Trickle(servers.bootstrap, _EVENTS, batches, arguments.per_second):
            time.sleep(_SETTLED_SECONDS)
            checkpoint = _observe(first, arguments)
            emit({"bench": "recovery", "phase": "checkpoints", **checkpoint})
            killed = time.time()
            first.kill()
            with second:
                wait_for("the next worker counts", [second], lambda: second.total(ACCEPTED), 1)
                recovery = _recovered(second, killed)
                emit({"bench": "recovery", "phase": "recovery", **recovery})
                time.sleep(_SETTLED_SECONDS)
                without = _observe(second, arguments)
                emit({"bench": "recovery", "phase": "no checkpoints", **without})
    each = (checkpoint["cpu_s"] - without["cpu_s"]) / max(1.0, checkpoint["checkpoints"])
    share = each / _DEFAULT_INTERVAL
    return [
        Bar(recovery["from_assignment_s"], RECOVERY_SECONDS),
        Bar(share, CHECKPOINT_SHARE),
        Bar(checkpoint["longest_copy_ms"], STALL_MS),
        Bar(checkpoint["longest_wait_ms"], STALL_MS),
    ]


def _settings(servers: Servers, folder: Path, layers: int, checkpoint_every: str) -> Path:
    stream = {"checkpoint_every": checkpoint_every}
    return servers.settings(folder, "recovery", layers, stream=stream)


def _later(arguments: argparse.Namespace) -> Iterator[workload.Batch]:
    """Events of the same devices after those that filled the shard, at the pace of the clock."""
    span = _SECONDS_OF_TRICKLE * 1_000
    events, devices = _SECONDS_OF_TRICKLE * arguments.per_second, range(arguments.devices)
    return workload.batches(events, subscribers=devices, begin=workload.BEGIN + workload.SPAN, span=span, seed=2)


def _observe(worker: BenchWorker, arguments: argparse.Namespace) -> dict[str, float]:
    """What a worker does in some time of an even load."""
    begun, cpu = time.time(), worker.cpu_seconds()
    checkpoints, in_checkpoints, read = (worker.total(each) for each in (_CHECKPOINTS, _IN_CHECKPOINTS, READ))
    time.sleep(arguments.seconds)
    cpu = worker.cpu_seconds() - cpu
    waits = _noted(worker, "loop waited", begun)
    copies = _noted(worker, "copied", begun)
    checkpoints = worker.total(_CHECKPOINTS) - checkpoints
    seconds = (worker.total(_IN_CHECKPOINTS) - in_checkpoints) / checkpoints if checkpoints else 0.0
    return {
        "seconds": arguments.seconds,
        "events": worker.total(READ) - read,
        "checkpoints": checkpoints,
        "seconds_each": round(seconds, 2),
        "cpu_s": round(cpu, 2),
        "longest_copy_ms": _most(copies, "at_work"),
        "longest_wait_ms": _most(waits, "at_work"),
        "by_the_clock_ms": max(_most(copies, "seconds"), _most(waits, "seconds")),
        "memory_mb": round(worker.memory_mb()),
    }


def _most(notes: Sequence[Mapping[str, Any]], figure: str) -> float:
    """The highest of a figure in seconds, as milliseconds."""
    return round(1000 * max((note[figure] for note in notes), default=0.0), 1)


def _noted(worker: BenchWorker, what: str, since: float = 0.0) -> list[dict[str, Any]]:
    assert worker.notes is not None
    notes = map(json.loads, worker.notes.read_text().splitlines())
    return [note for note in notes if note["what"] == what and note["at"] >= since]


def _recovered(worker: BenchWorker, killed: float) -> dict[str, float]:
    """How long the second worker took; the group first had to notice that the other one was gone."""
    first_event = _noted(worker, "first event")[0]["at"]
    restored = [note["at"] for note in _noted(worker, "restored") if note["at"] <= first_event][-1]
    assigned = [note["at"] for note in _noted(worker, "assigned") if note["at"] <= restored][-1]
    return {
        "from_assignment_s": round(first_event - assigned, 2),
        "restoring_s": round(restored - assigned, 2),
        "from_kill_s": round(first_event - killed, 2),
    }


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.recovery", description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000_000, help="of the shard")
    parser.add_argument("--events", type=int, default=3_000_000, help="that fill it")
    parser.add_argument("--layers", type=int, default=3, choices=[1, 2, 3], help="of zones")
    parser.add_argument("--per-second", type=int, default=2_000, help="events that come in after that")
    parser.add_argument("--checkpoint-every", type=int, default=30, help="seconds")
    parser.add_argument("--seconds", type=int, default=90, help="for which each worker is observed")
    return parser.parse_args()


def main() -> int:
    """Run it; returns the exit status: 1 if a bar is missed. Raises a FouleError if the bench cannot run."""
    arguments = parse()
    require_kafka()
    alone = asyncio.run(measure(arguments.layers, arguments.devices, arguments.events, rounds=3))
    emit(alone)
    with (
        tempfile.TemporaryDirectory(prefix="foule-bench-") as folder,
        RealKafka() as kafka,
        EmbeddedRedis(persistent=True) as redis,
        EmbeddedRedis() as keys,
    ):
        topic.create(kafka.bootstrap, [_EVENTS], 1)
        batches = workload.batches(arguments.events, subscribers=range(arguments.devices), all_seen=True)
        asyncio.run(topic.fill_each(kafka.bootstrap, _EVENTS, {0: batches}, None))
        servers = Servers(kafka.bootstrap, redis.url, keys.url, _EVENTS, 1)
        recovery, share, copy, wait = run(servers, Path(folder), arguments)
    reached = verdict(
        "recovery",
        {
            "recovery_s": recovery,
            "checkpoint_share_of_cpu": share,
            "alone_share_of_cpu": Bar(alone["cpu_s"] / _DEFAULT_INTERVAL, CHECKPOINT_SHARE),
            "copy_ms": copy,
            "loop_wait_ms": wait,
        },
    )
    return 0 if reached else 1


if __name__ == "__main__":
    end(main)
