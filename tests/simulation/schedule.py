"""One schedule: a feed, workers that come, go, crash and freeze as a seed decides, and what must hold in the end."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from aiokafka.errors import KafkaTimeoutError

from anonymizer.gate import Publication
from anonymizer.keys import MemoryKeyStore
from config.sections import LayerSettings, ZonesSettings
from config.settings import Settings, load
from config.times import Duration
from foule.oracle.oracle import Parameters, Record, run
from foule.oracle.result import Result, Tallies, WindowKey
from indicators.calendar import width_of_label
from streams import wire
from streams.checkpoint import Record as ChangelogRecord
from streams.checkpoint import Restorer
from streams.wire import Advance, encode_advance
from tests.simulation.group import Group, SimulatedWorker
from tests.simulation.loop import SimulatedLoop
from tests.simulation.world import OUTSIDE, Faults, SimulatedRedis, World
from zones import Places
from zones import load as load_places

PARTITIONS = 3
MORNING = 1_403_949_600_000
_CELLS = {f"c{n}": (f"a{n % 3}", f"b{n // 2}") for n in range(5)}
_FEED_SECONDS = 40.0
_FLOWING = 0.95
_KINDS = ("crash", "crash", "freeze", "freeze", "join", "leave", "broker", "redis", "compact", "keys")
_FAULT_SECONDS = 90.0
_PATIENCE = 600.0
_LONG_ENOUGH = 120.0


@cache
def settings(shuffle: bool = False) -> Settings:
    """Small windows, quick timers, and a threshold of 1, so that every count can be seen."""
    base = load()
    replace = msgspec.structs.replace
    return replace(
        base,
        topics=replace(base.topics, partitions=PARTITIONS),
        events=replace(base.events, shuffle=shuffle),
        time=replace(
            base.time,
            lateness=Duration(60_000),
            linger=Duration(600_000),
            windows=(Duration(600_000), Duration(3_600_000)),
        ),
        privacy=replace(base.privacy, k=1),
        stream=replace(
            base.stream,
            idle_after=Duration(8_000),
            max_wait=Duration(240_000),
            seal_every=Duration(5_000),
            checkpoint_every=Duration(8_000),
        ),
        keys=replace(base.keys, lost_after=Duration(25_000)),
    )


@cache
def places() -> Places:
    """Five cells in two layers, by the columns of a catalogue."""
    with tempfile.TemporaryDirectory() as folder:
        catalogue = Path(folder) / "cells.csv"
        rows = [f"{cell},{a},{b}" for cell, (a, b) in _CELLS.items()]
        catalogue.write_text("\n".join(["cell,a,b", *rows]))
        layers = tuple(LayerSettings(name=name, column=name) for name in "ab")
        return load_places(ZonesSettings(cells=catalogue, layers=layers))


def locate(cell: str | None, lat: float | None, lon: float | None) -> dict[str, str] | None:
    """The zones of a cell, for the oracle."""
    return dict(zip("ab", _CELLS[cell], strict=True)) if cell in _CELLS else None


def feed(rng: random.Random, shuffle: bool = False) -> dict[int, list[bytes]]:
    """A log for each partition: one long, one that ends early, one with little or nothing in it. With ``shuffle`` the
    events of a subscriber are in all of them."""
    logs: dict[int, list[bytes]] = {}
    for partition, most in enumerate((90, 40, 6)):
        now, values = MORNING + rng.randrange(1_200_000), []
        for _ in range(rng.randint(most // 2, most) if partition < 2 else rng.randint(0, most)):
            now += rng.choice([0, 1_000, 20_000, 60_000, 120_000, 600_000 if rng.random() < 0.1 else 30_000])
            ts = now - rng.choice([0, 0, 5_000, 30_000, 90_000])
            event: dict[str, Any] = {"ts": ts, "subscriber": f"{0 if shuffle else partition}-{rng.randrange(6)}"}
            event["cell"] = f"c{rng.randrange(5)}" if rng.random() < 0.94 else "nowhere"
            values.append(json.dumps(event).encode())
        logs[partition] = values
    return logs


@dataclass
class Outcome:
    """What a schedule led to.

    ``released``, ``expected``: windows as Redis holds them and as the oracle counts them; ``contradictions``: windows
    that were published with two different contents; ``incomplete``: windows without every shard; ``errors``: what
    ended a worker and should not have; ``letters``: whether the dead letters are the records that the oracle rejects;
    ``lost``: the first watermark (UTC ms) at which a shard lost the epoch's key, so that windows that were open then
    are missing, and devices began anew in later ones.
    """

    seed: int
    released: Tallies
    expected: Tallies
    contradictions: int
    incomplete: int
    faults: list[str]
    errors: list[str]
    letters: bool
    steps: int
    lost: int | None = None

    @property
    def problems(self) -> list[str]:
        """What is wrong, in words; empty if all is well."""
        windows = self.expected.keys() | self.released
        wrong = [key for key in windows if not self._is_right(key)]
        said = {
            "windows differ from the oracle": len(wrong),
            "windows published with two contents": self.contradictions,
            "windows without every shard": self.incomplete,
            "dead letters differ from the oracle": not self.letters,
            "errors: " + "; ".join(self.errors): len(self.errors),
        }
        return [f"{count} {text}" for text, count in said.items() if count]

    def _is_right(self, key: WindowKey) -> bool:
        """Whether a window is as the oracle has it. If a key was lost: windows that began before may be missing, and in
        later ones nobody counts twice."""
        released, expected = self.released.get(key), self.expected.get(key)
        if self.lost is None or released == expected:
            return released == expected
        if released is None or key.start <= self.lost:
            return released is None
        there = (expected or {}).get("presence", {})
        return all(count <= there.get(zone, 0) for zone, count in released.get("presence", {}).items())

    def __str__(self) -> str:
        faults = ", ".join(self.faults)
        return f"seed {self.seed}: {'; '.join(self.problems) or 'all as the oracle'} (after {faults})"


class SeededKeyStore(MemoryKeyStore):
    """Gives every epoch a key that the seed decides: by the keys a shuffled feed is parted over the shards."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def put_if_absent(self, epoch: str, key: bytes, ttl_ms: int) -> bytes:
        """Keep the epoch's key, which is not ``key``."""
        return super().put_if_absent(epoch, random.Random(f"{self._seed} {epoch}").randbytes(len(key)), ttl_ms)

    def empty(self) -> None:
        """It is started anew, or somebody has emptied it."""
        self._keys.clear()


def run_seed(seed: int, shuffle: bool = False) -> Outcome:
    """The outcome of one seed; the same whenever it is run again. With ``shuffle`` of a feed that is not keyed."""
    try:
        return Schedule(seed, shuffle=shuffle).run()
    except AssertionError as error:
        return Outcome(seed, {}, {}, 0, 0, [], [repr(error)], True, 0)


class Schedule:
    """Runs one seed."""

    def __init__(self, seed: int, faults: Faults | None = None, *, shuffle: bool = False) -> None:
        self.seed = seed
        self.settings = settings(shuffle)
        self.loop = SimulatedLoop(seed)
        self.random = self.loop.random
        self.world = World(self.loop, faults or Faults())
        self.redis = SimulatedRedis(self.world)
        self.store = SeededKeyStore(seed)
        topics = self.settings.topics
        by_number = [topics.events, topics.frontier, *([topics.shuffled] if shuffle else [])]
        tps = [(topic, number) for topic in by_number for number in range(PARTITIONS)] + [(topics.tallies, 0)]
        self.group = Group(self.world, tps)
        self.happened: list[str] = []
        self.errors: list[Exception] = []
        self._counted: tuple[dict[int, list[tuple[int, int]]], Result] | None = None
        self._failing: set[SimulatedWorker] = set()
        self._names = 0
        self._logs = feed(self.random, shuffle)

    def run(self) -> Outcome:
        """Run it to its end."""
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._main())
            return self._outcome()
        finally:
            self.loop.end()
            asyncio.set_event_loop(None)
            self.loop.close()

    async def _main(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            self._start_worker()
        feeding = asyncio.gather(*(self._feed(partition, values) for partition, values in self._logs.items()))
        while self.loop.now < _FAULT_SECONDS:
            await asyncio.sleep(self.random.uniform(0.5, 20.0))
            await self._fault()
        await feeding
        self._finish()
        self._ended = self.loop.now
        deadline = self._ended + _PATIENCE
        while not self._all_released():
            if self.loop.now > deadline:
                break
            if len(self.group.members) == 0:
                self._start_worker()
            await asyncio.sleep(15.0)

    def _start_worker(self) -> None:
        self._names += 1
        worker = SimulatedWorker(
            f"worker-{self._names}", self.world, self.redis, self.settings, places(), self.store, self._failed
        )
        worker.start()
        self.group.join(worker)

    async def _feed(self, partition: int, values: list[bytes]) -> None:
        """Send one partition's events, with breaks that are long enough for it to be called idle."""
        for value in values:
            self.world.append((self.settings.topics.events, partition), None, value)
            pause = self.random.uniform(0.0, 2 * _FEED_SECONDS / len(values))
            await asyncio.sleep(pause if self.random.random() < _FLOWING else self.random.uniform(5.0, 20.0))

    async def _fault(self) -> None:
        members = self.group.members
        kind = self.random.choice(_KINDS)
        self.happened.append(f"{self.loop.now:.1f} {kind}")
        if kind == "join" and len(members) < 4:
            self._start_worker()
        elif kind == "broker":
            self.world.down_until = self.loop.now + self.random.uniform(1, 8)
        elif kind == "redis":
            self.redis.down_until = self.loop.now + self.random.uniform(1, 30)
        elif kind == "keys":
            self.store.empty()
        elif kind == "compact":
            self._clean()
        elif members:
            worker = self.random.choice(members)
            if kind == "crash":
                self.loop.crash(worker.name)
                self._bury(worker)
            elif kind == "leave":
                self.loop.create_task(self._leave(worker))
            elif kind == "freeze":
                self.loop.create_task(self._freeze(worker))

    def _clean(self) -> None:
        """Compact the changelogs, and delete events that the group has committed."""
        topics = self.settings.topics
        for (topic, partition), log in self.world.logs.items():
            if topic in (topics.checkpoints, topics.sources) and log.records:
                log.compact(self.random.randrange(len(log.records)))
            elif topic in (topics.events, topics.shuffled):
                log.begin = self.world.committed.get((topic, partition), 0)

    def _bury(self, worker: SimulatedWorker) -> None:
        self.loop.call_later(self.random.uniform(1.0, 12.0), self.group.leave, worker)
        if self.random.random() < 0.8:
            self.loop.call_later(self.random.uniform(0.5, 15.0), self._start_worker)

    async def _leave(self, worker: SimulatedWorker) -> None:
        worker.next(worker.revoke)
        await asyncio.sleep(self.random.uniform(0.5, 10.0))
        self.loop.crash(worker.name)
        self.group.leave(worker)

    def _failed(self, worker: SimulatedWorker, error: Exception) -> None:
        """A part of the worker has failed: it shuts down, as far as that goes, and its supervisor starts a new one."""
        if not isinstance(error, KafkaTimeoutError):
            self.errors.append(error)
        self.happened.append(f"{self.loop.now:.1f} {worker.name} fails")
        if worker not in self._failing:
            self._failing.add(worker)
            self.loop.create_task(self._leave(worker), context=OUTSIDE.copy())
            self.loop.call_later(self.random.uniform(0.5, 15.0), self._start_worker, context=OUTSIDE.copy())

    async def _freeze(self, worker: SimulatedWorker) -> None:
        self.loop.pause(worker.name)
        frozen = self.random.uniform(0.5, 40.0)
        noticed = self.random.uniform(8.0, 12.0)
        await asyncio.sleep(min(frozen, noticed))
        if frozen > noticed:
            self.group.leave(worker)
            await asyncio.sleep(frozen - noticed)
        if self.loop.is_crashed(worker.name):
            return
        self.loop.resume(worker.name)
        await asyncio.sleep(self.random.uniform(0.0, 6.0))
        if worker not in self.group.members and not self.loop.is_crashed(worker.name):
            await asyncio.wait([worker.next(worker.revoke)], timeout=20.0)
            self.group.join(worker)

    def _finish(self) -> None:
        """End the feed, as a replay does: every shard is told to advance beyond the last window."""
        topics = self.settings.topics
        self._last = MORNING + 24 * 3_600_000
        for partition in range(PARTITIONS):
            end = len(self.world.logs[topics.events, partition].records)
            advance = encode_advance(Advance(end, self._last))
            self.world.append((topics.frontier, partition), None, advance)

    def _advances(self) -> dict[int, list[tuple[int, int]]]:
        topics = self.settings.topics
        noted = topics.sources if self.settings.events.shuffle else topics.checkpoints
        return {partition: applied(self.world.logs[noted, partition].records) for partition in range(PARTITIONS)}

    def _expected(self) -> Result:
        """What the oracle counts, of the whole feed."""
        advances = self._advances()
        if self._counted is None or self._counted[0] != advances:
            logs = {}
            for partition in range(PARTITIONS):
                values = self.world.logs[self.settings.topics.events, partition].records
                logs[partition] = [Record(offset, -1, value) for offset, (_, value) in enumerate(values)]
            self._counted = (advances, run(Parameters.of(self.settings), logs, advances, locate))
        return self._counted[1]

    def _released(self) -> Tallies:
        released: Tallies = {}
        for publication in self.redis.windows.values():
            window = publication.window
            counts = released.setdefault(_key(publication), {})
            for zone, values in window.zones.items():
                for name, people in values.items():
                    counts.setdefault("presence" if name == "people" else name, {})[zone] = people
            for pair, people in window.flows.items():
                counts.setdefault("flows", {})[pair] = people
        return {key: counts for key, counts in released.items() if counts}

    def _all_released(self) -> bool:
        if not all(self._last in dict(advances).values() for advances in self._advances().values()):
            return False
        if self._lost() is not None:
            return self.loop.now - self._ended > _LONG_ENOUGH
        return self._released().keys() >= self._expected().released(1).keys()

    def _lost(self) -> int | None:
        messages = [wire.decode(value or b"") for _, value in self.world.logs[self.settings.topics.tallies, 0].records]
        return min((message.watermark for message in messages if isinstance(message, wire.EarlyEnd)), default=None)

    def _buried(self) -> set[tuple[int, bytes | None]]:
        logs = self.world.logs.items()
        rejected = [(partition, log) for (topic, partition), log in logs if topic == self.settings.topics.rejected]
        return {(partition, value) for partition, log in rejected for _, value in log.records}

    def _rejected(self, expected: Result) -> set[tuple[int, bytes | None]]:
        events = self.settings.topics.events
        good = ("accepted", "late")
        bad = [where for where, verdict in expected.verdicts.items() if verdict not in good]
        return {(partition, self.world.logs[events, partition].records[offset][1]) for partition, offset in bad}

    def _outcome(self) -> Outcome:
        publications = self.redis.windows.values()
        expected = self._expected()
        return Outcome(
            self.seed,
            self._released(),
            expected.released(1),
            sum(len(contents) > 1 for contents in self.redis.contents.values()),
            sum(publication.window.coverage < 1 for publication in publications),
            self.happened,
            [repr(error) for error in self.errors],
            self._buried() == self._rejected(expected),
            self.loop.steps,
            self._lost(),
        )


def _key(publication: Publication) -> WindowKey:
    window = publication.window
    return WindowKey(window.layer, width_of_label(window.width), window.start, window.end)


def applied(records: list[tuple[bytes | None, bytes | None]]) -> list[tuple[int, int]]:
    """The advances that count, by all that a shard's changelog ever held."""
    restorer = Restorer()
    for offset, record in enumerate(records):
        restorer.take(ChangelogRecord(*record, offset))
    return [(note.next, note.watermark) for note in restorer.notes if note.applied]
