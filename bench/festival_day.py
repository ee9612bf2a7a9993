"""The festival's first day for the bench: its records, and what the core counts and publishes of all or some SIMs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

import zones
from anonymizer.gate import ReleasedWindow
from anonymizer.keys import MemoryKeyStore
from config.sections import IndicatorsSettings
from config.settings import Duration, load
from foule.core import Closed, Core
from foule.partitioner import Partitioner, by_partition
from indicators.calendar import Calendar, Window
from indicators.counts import ZONE_INDICATORS
from simulator.geography import SETTINGS
from simulator.programme import DAY, HOUR, MINUTE, START
from simulator.stream import Festival

ONE_HOUR, ONE_DAY = Duration(HOUR), Duration(DAY * MINUTE)
FULL_DAY = Window(int(ONE_DAY), START, START + int(ONE_DAY))

RULES = IndicatorsSettings(
    dwell=(ONE_DAY,),
    origins=(ONE_HOUR, ONE_DAY),
    nights=True,
    categories=True,
    catchment=True,
    trips=True,
)
"""Every indicator of a single day."""

#: The indicators whose cells are zones.
_OF_ZONES = (*ZONE_INDICATORS, "nights")

RawKey = tuple[str, str, int, int]
"""Layer, indicator, width and start (ms) of a window."""


class Counted(NamedTuple):
    """What the core made of records: the windows that it released, and the devices that it counted, which are not for
    publication: zone to devices."""

    released: list[ReleasedWindow]
    raw: Mapping[RawKey, Mapping[str, int]]


class _Batch(NamedTuple):
    """Records in order of arrival: whose they are, int64 (n,); partition, int32 (n,); arrival in ms, int64 (n,)."""

    person: NDArray[np.int64]
    partition: NDArray[np.int32]
    arrival: NDArray[np.int64]
    values: list[bytes]


class FestivalDay:
    """A simulated Saturday of so many people, by the festival's settings with every indicator of a day, in windows of
    an hour and of the day."""

    def __init__(self, people: int, seed: int) -> None:
        settings = load(SETTINGS, {})
        self.settings = replace(settings, time=replace(settings.time, windows=(ONE_HOUR, ONE_DAY)), indicators=RULES)
        self.places = zones.load(self.settings.zones)
        self.festival = Festival(seed=seed, people=people, end=FULL_DAY.end)
        subscribers = self.festival.population.subscriber
        partitions = Partitioner(self.settings.topics.partitions).of(subscribers)
        known = {subscriber: person for person, subscriber in enumerate(subscribers)}
        self._batches: list[_Batch] = []
        for batch in self.festival.batches():
            person = np.fromiter(map(known.__getitem__, batch.keys), np.int64, len(batch.keys))
            self._batches.append(_Batch(person, partitions[person], batch.arrival_ms, batch.values))

    @property
    def records(self) -> int:
        """How many records there are."""
        return sum(len(batch.values) for batch in self._batches)

    def count(self, key: bytes, own: NDArray[np.bool_] | None = None) -> Counted:
        """Count the records of the people where ``own``, bool (people,), holds, by default of everybody, under an
        epoch's ``key``, which decides the errors of what is published."""
        store = MemoryKeyStore()
        store.put_if_absent(Calendar.of(self.settings.time).epoch_of(START).label, key, 0)
        core = Core(self.settings, self.places, store, lambda: time.time_ns() // 1_000_000)
        released: list[ReleasedWindow] = []
        raw: dict[RawKey, dict[str, int]] = {}
        for batch in self._batches:
            mine = np.flatnonzero(own[batch.person]) if own is not None else np.arange(len(batch.values))
            closed: list[Closed] = []
            for partition, rows in by_partition(batch.partition[mine]):
                which = mine[rows]
                closed += core.take(partition, [batch.values[row] for row in which.tolist()], batch.arrival[which])
            self._add(raw, closed)
            released += [publication.window for publication in core.release(closed)]
        closed = core.finish()
        self._add(raw, closed)
        released += [publication.window for publication in core.release(closed)]
        return Counted(released, raw)

    def _add(self, raw: dict[RawKey, dict[str, int]], closed: list[Closed]) -> None:
        for _, tally in closed:
            layer = self.places.layers[tally.layer]
            for indicator in _OF_ZONES:
                if indicator in tally.counts:
                    sums = raw.setdefault((layer.name, indicator, tally.width, tally.start), {})
                    for zone, devices in tally.counts[indicator].as_dict().items():
                        name = layer.zone_name(zone)
                        sums[name] = sums.get(name, 0) + devices
