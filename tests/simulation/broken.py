"""The product broken on purpose, a line at a time: what the simulation must notice."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from typing import Any

import pytest

from indicators.day import Day, _LayerDay
from indicators.epoch_crowd import EpochCrowd
from indicators.visits import Visits
from indicators.windows import OpenWindow
from streams.agent import PartitionAgent
from streams.changelog import Changelog
from streams.checkpoint import Restorer
from streams.claims import Claims
from streams.crowd import CrowdAgent
from streams.link import Link
from streams.losses import Loss
from streams.release import Release
from streams.shuffled import ShuffledShard


@dataclass(frozen=True)
class Fault:
    """A method of a class in which ``old`` is replaced by ``new``; ``shuffle``: what it breaks is the shuffle;
    ``first``: the seed from which on to look, for what few schedules notice."""

    name: str
    owner: type
    method: str
    old: str
    new: str
    shuffle: bool = False
    first: int = 0

    def put_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Break the class until the test's end. Fails if the source no longer reads like that."""
        source = textwrap.dedent(inspect.getsource(getattr(self.owner, self.method)))
        assert source.count(self.old) == 1, f"{self.owner.__name__}.{self.method} has changed: mend this fault"
        namespace: dict[str, Any] = {}
        module = inspect.getmodule(self.owner)
        assert module is not None
        exec(source.replace(self.old, self.new), vars(module), namespace)
        monkeypatch.setattr(self.owner, self.method, namespace[self.method])


FAULTS = [
    Fault("sends of checkpoints are not awaited", Link, "send_all", "await asyncio.gather(*acks)", "[]", first=30),
    Fault(
        "offsets are not checked", Link, "admit", "if fetch.end <= next_offset:", "return Admitted(fetch, 0)\n    if 0:"
    ),
    Fault(
        "old parts are deleted before the new manifest",
        Changelog,
        "write",
        "await self._send_all(parts)",
        "await self._send_all([Record(key, None) for key in self._newest])\n    await self._send_all(parts)",
    ),
    Fault(
        "the snapshot is copied after the tallies were listed",
        PartitionAgent,
        "_checkpoint",
        "running.acks.pop(ack, None)",
        "running.acks.pop(ack, None)\n"
        "        snapshot = part.snapshot()\n"
        "        cut = Cut(part.position, part.counted, part.watermark, running.frontier)",
        first=590,
    ),
    Fault(
        "tokens on the tallies log are ignored", Claims, "admits", "return token == self.token(owned)", "return True"
    ),
    Fault("a former owner's manifests count", Restorer, "_complete", "manifest.token < self._owner or", ""),
    Fault("a newer owner is not noticed", Changelog, "_is_ours_up_to", "return False", "pass", first=50),
    Fault(
        "a successor forgets what was released",
        Release,
        "resume",
        "self._marks = {(layer, width): end for layer, width, end in bookmark.marks}",
        "pass",
        first=90,
    ),
    Fault(
        "the seal does not wait for the tallies",
        CrowdAgent,
        "_carry_away",
        "await asyncio.gather(*acks)",
        "pass",
    ),
    Fault(
        "a shard that failed is checkpointed all the same",
        PartitionAgent,
        "_held",
        "yield self._is_at_work(running)",
        "yield True",
    ),
    Fault(
        "windows that were open when a key was lost are released",
        Loss,
        "spoils",
        "return start <= self.until and end > max(self.watermark, self.reported)",
        "return False",
    ),
    Fault(
        "a batch behind one that failed is taken",
        ShuffledShard,
        "_admitted",
        "batch.start > taken",
        "False",
        shuffle=True,
        first=670,
    ),
    Fault(
        "dead letters are not waited for",
        PartitionAgent,
        "_checkpoint",
        "await asyncio.gather(*acks)",
        "pass",
        first=40,
    ),
    Fault(
        "a snapshot is without the stays of the day",
        _LayerDay,
        "write",
        "self.stays.write",
        "Sums(2).write",
    ),
    Fault(
        "a snapshot is without the trips of the day",
        _LayerDay,
        "write",
        "self.trips.write",
        "Distinct(1).write",
    ),
    Fault(
        "a snapshot is without what is remembered of earlier days",
        _LayerDay,
        "write",
        "self.memory.write",
        "Memory(1).write",
    ),
    Fault(
        "a snapshot is without where days began",
        Day,
        "write",
        'writer.column("began", self._began[:, :devices])',
        'writer.column("began", np.full_like(self._began[:, :devices], NOWHERE))',
    ),
    Fault(
        "a snapshot is without the last stops",
        Day,
        "write",
        'writer.column("stops", self._stops[:, :devices])',
        'writer.column("stops", np.full_like(self._stops[:, :devices], NOWHERE))',
    ),
    Fault(
        "a snapshot is without the origins",
        EpochCrowd,
        "write",
        "self.origins[: len(self.slots)]",
        "np.full_like(self.origins[: len(self.slots)], _NOT_KNOWN)",
    ),
    Fault(
        "a snapshot is without the first events of visits",
        Visits,
        "write",
        "self.first[:, :devices]",
        "np.broadcast_to(self.last[:devices], self.first[:, :devices].shape)",
    ),
    Fault(
        "a snapshot is without the lengths of stay of open windows",
        OpenWindow,
        "write",
        "held.write(writer",
        "(Distinct(1) if kind == _DWELL else held).write(writer",
    ),
]
