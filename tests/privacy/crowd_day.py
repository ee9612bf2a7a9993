"""A simulated day as the attacks need it: the events of the festival as columns, and what the core counts of them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

import zones
from config.settings import Settings, load
from indicators.calendar import Calendar, Epoch, Window
from indicators.cells import Cells
from indicators.counts import Counts, Tally
from indicators.epoch_crowd import EpochCrowd
from indicators.plan import Plan
from simulator.geography import SETTINGS
from simulator.population import COUNTRIES, FRANCE, HOMES
from simulator.programme import DAY, MINUTE, START
from simulator.stream import Festival
from streams.decode import Decoder
from streams.fetch import contiguous
from tests.privacy.full_plan import OriginTable, full_plan
from zones import Layer, Places

#: Local hours of the festival's first day that a small run takes: the evening, with concert and fireworks.
EVENING = (15, 21)

_FIRST_DAY = date(2014, 6, 28)

#: From where the festival's people are; countries by their MCC.
ORIGINS = OriginTable(sorted({area for areas in HOMES.values() for area in areas}), sorted(COUNTRIES))


class Crowd(NamedTuple):
    """The accepted events of one epoch in order of time: ``devices`` int64 (n,) rows of ``ids``; ``times`` int64 (n,)
    ms; ``zones`` int32 (n, layers). ``origins``: int16, one an id, from the ``table``; ``plan``: what is
    counted. ``partly``: layer and zone of those that hold zones of another layer and, besides, places in none."""

    layers: tuple[Layer, ...]
    calendar: Calendar
    epoch: Epoch
    linger: int
    ids: list[str]
    devices: NDArray[np.int64]
    times: NDArray[np.int64]
    zones: NDArray[np.int32]
    origins: NDArray[np.int16]
    table: OriginTable
    plan: Plan
    partly: frozenset[tuple[int, int]] = frozenset()

    def only(self, which: NDArray[np.bool_]) -> Crowd:
        """The same crowd with the events where ``which``, bool (n,), holds."""
        return self._replace(devices=self.devices[which], times=self.times[which], zones=self.zones[which])

    @property
    def cells(self) -> list[Cells]:
        """The cells of each layer."""
        return [Cells(layer, self.plan, self.table) for layer in self.layers]

    @property
    def sizes(self) -> list[int]:
        """For each layer, how many zones it has, ``outside`` included."""
        return [layer.outside + 1 for layer in self.layers]


@lru_cache(maxsize=1)
def festival_settings() -> tuple[Settings, Places]:
    """The settings of the festival and its places."""
    settings = load(SETTINGS)
    return settings, zones.load(settings.zones)


def festival(seed: int, people: int, hours: tuple[int, int] = (0, 24), days: int = 1) -> Crowd:
    """The first day of the festival, or the first two as one epoch: what good events of ``people`` say; nothing of it
    is late.

    ``hours`` [first, last) of the first day, which begins at 04:00; of several days all.
    """
    settings, places = festival_settings()
    span = [START + hour * 60 * MINUTE for hour in (hours if days == 1 else (0, 24 * days))]
    simulated = Festival(seed=seed, people=people, start=span[0], end=min(span[1], START + days * DAY * MINUTE))
    decoder = Decoder(settings.events, places)
    times, found, ids = [], [], []
    for batch in simulated.batches():
        stamps = np.full(len(batch.values), -1, np.int64)
        events, _ = decoder.decode(contiguous(0, 0, list(batch.values), stamps))
        times.append(events.times)
        found.append(events.places)
        ids += events.subscribers
    population = simulated.population
    origin_of = {
        subscriber.decode(): ORIGINS.code(f"national:{home}" if mcc == FRANCE else f"foreign:{mcc}")
        for subscriber, home, mcc in zip(population.subscriber, population.home, population.mcc, strict=True)
    }
    calendar = Calendar.of(structs.replace(settings.time, epoch_days=days, epoch_start=_FIRST_DAY))
    epoch = calendar.epoch_of(START)
    known, devices = np.unique(np.array(ids), return_inverse=True)
    time, place = np.concatenate(times), np.concatenate(found)
    order = np.argsort(time, kind="stable")
    order = order[(time[order] >= epoch.start) & (time[order] < epoch.end)]
    return Crowd(
        places.layers,
        calendar,
        epoch,
        int(settings.time.linger),
        known.tolist(),
        devices[order].astype(np.int64),
        time[order],
        places.zones[place[order]],
        np.array([origin_of.get(name, 0) for name in known.tolist()], np.int16),
        ORIGINS,
        full_plan(places.layers, ORIGINS, epoch_days=days),
        _partly(places),
    )


def _partly(places: Places) -> frozenset[tuple[int, int]]:
    found = set[tuple[int, int]]()
    for at, layer in enumerate(places.layers):
        if layer.parent is not None:
            beside = places.zones[places.zones[:, at] == layer.outside, layer.parent]
            found |= {(layer.parent, zone) for zone in beside.tolist()}
    return frozenset(found)


class WindowCounts(NamedTuple):
    """Raw counts of one window in all layers: layer name to indicator to counts."""

    window: Window
    counts: dict[str, dict[str, Counts]]


def tallies_of(crowd: Crowd, record_keys: NDArray[np.uint32]) -> list[Tally]:
    """What the core counts of a crowd; ``record_keys``: uint32, one an id."""
    counting = EpochCrowd(crowd.calendar, crowd.epoch, crowd.sizes, crowd.linger, crowd.plan)
    counting.slots_of(np.arange(1, len(crowd.ids) + 1, dtype=np.uint64), record_keys)
    origins = crowd.origins[crowd.devices]
    return counting.apply(crowd.devices, crowd.times, crowd.zones, crowd.epoch.end, origins)


def counted(crowd: Crowd, record_keys: NDArray[np.uint32]) -> list[WindowCounts]:
    """The raw counts of every window, in order of width and start."""
    windows: dict[Window, dict[str, dict[str, Counts]]] = {}
    for tally in tallies_of(crowd, record_keys):
        window = Window(tally.width, tally.start, tally.end)
        windows.setdefault(window, {})[crowd.layers[tally.layer].name] = dict(tally.counts)
    return [WindowCounts(window, windows[window]) for window in sorted(windows)]


def record_keys(count: int, seed: int) -> NDArray[np.uint32]:
    """Record keys of ``count`` devices, as good as those of a keyed hash."""
    return np.random.default_rng([seed, 5]).integers(0, 1 << 32, count, dtype=np.uint32)
