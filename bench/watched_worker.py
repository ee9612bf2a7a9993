"""``foule worker``, which notes down what cannot be seen from outside: when it got its partitions, had restored them
and counted its first event, how long each copy of a shard took, and how long its event loop let others wait.

``at_work`` is how much of it this process was at work: in the rest, other programs had the processor.

Run as ``python -m bench.watched_worker NOTES worker --settings FILE``; NOTES gets a JSON line an observation.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import foule.commands.worker as worker_command
from foule.cli import main as foule
from streams.app import Worker
from streams.crowd import CrowdAgent
from streams.shard import Shard

_TICK = 0.005
_WORTH_NOTING = 0.010


class Notes:
    """Observations in a file, each with the wall clock in seconds."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def add(self, what: str, **figures: float) -> None:
        """Write one down."""
        self._file.write(json.dumps({"what": what, "at": time.time(), **figures}) + "\n")


def observe(notes: Notes) -> None:
    """Put a worker of this process under observation, before it is built."""
    _observe_crowd(notes)
    command: Any = worker_command
    build = command.build

    async def wait() -> None:
        while True:
            begun, cpu = time.perf_counter(), time.process_time()
            await asyncio.sleep(_TICK)
            waited, cpu = time.perf_counter() - begun - _TICK, time.process_time() - cpu
            if waited > _WORTH_NOTING:
                notes.add("loop waited", seconds=waited, at_work=min(waited, cpu))

    def built(*arguments: Any) -> Worker:
        worker: Worker = build(*arguments)
        worker.app.task(wait)
        return worker

    command.build = built


def _observe_crowd(notes: Notes) -> None:
    assign, take, snapshot = CrowdAgent.assign, CrowdAgent.take, Shard.snapshot
    counting = [False]

    async def assign_observed(agent: CrowdAgent) -> None:
        notes.add("assigned")
        await assign(agent)
        notes.add("restored")

    async def take_observed(agent: CrowdAgent, fetch: Any) -> None:
        await take(agent, fetch)
        if not counting[0] and agent._metrics.accepted._value.get():
            counting[0] = True
            notes.add("first event")

    def snapshot_observed(shard: Shard) -> Any:
        begun, cpu = time.perf_counter(), time.thread_time()
        copied = snapshot(shard)
        notes.add("copied", seconds=time.perf_counter() - begun, at_work=time.thread_time() - cpu)
        return copied

    agents: Any = CrowdAgent
    shards: Any = Shard
    agents.assign, agents.take, shards.snapshot = assign_observed, take_observed, snapshot_observed


if __name__ == "__main__":
    observe(Notes(Path(sys.argv.pop(1))))
    foule()
