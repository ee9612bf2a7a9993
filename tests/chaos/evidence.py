"""What is kept of a run that does not come to its end: how far each shard is by the logs, and each worker's metrics."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from config.errors import FouleError
from foule.proof.tallies import TallyLog
from foule.proof.topics import read_topic
from streams import wire
from streams.checkpoint import Record, Restorer
from tests.chaos.group import PAUSED, RUNNING
from tests.chaos.stage import Stage

_NEWEST = 5


def keep(stage: Stage) -> None:
    """Write it into the folder of the run, as far as it can be had."""
    for member in stage.group.members(RUNNING, PAUSED):
        with suppress(OSError):
            (stage.folder / f"{member.name}-metrics.txt").write_text(member.worker.metrics_text())
    with suppress(FouleError):
        (stage.folder / "shards.json").write_text(json.dumps(_shards(stage), indent=2))


def _shards(stage: Stage) -> dict[int, dict[str, Any]]:
    settings = stage.settings
    found: dict[int, dict[str, Any]] = {shard: {} for shard in range(settings.topics.partitions)}
    for shard, state in found.items():
        state["sealed"], state["progress"] = stage.watch.marks[shard], stage.watch.progress[shard][-_NEWEST:]
        state["seals"] = [str(seal) for seal in stage.watch.seals[shard]]
        state["frontier"] = []
    restorers: dict[int, Restorer] = {}
    for record in read_topic(settings, settings.topics.checkpoints):
        restorers.setdefault(record.partition, Restorer()).take(Record(record.key, record.value, record.offset))
    for shard, restorer in restorers.items():
        found[shard]["manifest"] = str(restorer.result().manifest)
        found[shard]["notes"] = [str(note) for note in restorer.notes[-_NEWEST:]]
    for record in read_topic(settings, settings.topics.frontier):
        advance = wire.decode_advance(record.value or b"")
        found[record.partition]["frontier"].append((record.offset, advance.next, advance.watermark))
    for state in found.values():
        state["frontier"] = state["frontier"][-_NEWEST:]
    with TallyLog(settings) as log:
        log.read()
        undecided = sorted(log.undecided)
    found[-1] = {"undecided": len(undecided), "first": [str(window) for window in undecided[:_NEWEST]]}
    return found
