"""``make bench-country``: the release of a day in a country of 35,000 zones, and what it takes to load these.

A made-up country as large as France, its zones nested in 96 departements; a day of 100,000 devices that live in it, go
to town and come back. They are counted with the real core; then the day's window is released: the tallies of all shards
opened and summed, the gate, the decision's bytes. One JSON line for the zones, one for the counting, one for each layer
of the day and for the slowest of each other width, and the verdict.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import msgspec
import numpy as np

from anonymizer.gate import Gate, Publication, ReleasedWindow
from anonymizer.keys import EpochKeys, MemoryKeyStore
from bench import workload
from bench.command import end
from bench.country import Country, day_of, write_country
from bench.verdict import Bar, emit, verdict
from config.sections import ZonesSettings
from config.settings import Settings, load
from foule.core import Closed, Core
from foule.partitioner import Partitioner
from indicators.calendar import DAY_MS, Calendar, label_of_width
from sinks.kafka import KafkaSink
from sinks.script import Script
from sinks.values import Values
from streams import wire
from streams.open_window import OpenWindow
from streams.parts import ShardParts
from streams.release import Release
from zones import Places
from zones import load as load_zones

_MOST = 2.0  # s for the release of a day's window of the finest layer
_AT_ONCE = 50_000
_SHOWN = 25


class Step(NamedTuple):
    """One call of a step of the release: what it returned, and the seconds that it took."""

    returned: Any
    seconds: float


@contextmanager
def timed(owner: type, name: str) -> Iterator[list[Step]]:
    """The calls of this method meanwhile, in their order."""
    calls: list[Step] = []
    method: Callable[..., Any] = getattr(owner, name)

    def call(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        returned = method(*arguments, **named)
        calls.append(Step(returned, time.perf_counter() - begun))
        return returned

    with patch.object(owner, name, call):
        yield calls


class Feed(NamedTuple):
    """What was counted: the ``closed`` windows of all shards; ``keys`` and ``parts`` as the core has them."""

    closed: list[Closed]
    keys: EpochKeys
    parts: ShardParts
    watermark: int


def counted(settings: Settings, places: Places, country: Country, devices: int) -> Feed:
    """Let the core count the country's day."""
    store = MemoryKeyStore()
    keys = EpochKeys(store, settings.keys.max_age, lambda: 0)
    parts = ShardParts.of(settings, places, keys)
    core = Core(settings, places, store, lambda: 0)
    subscribers = [workload.key_of(device) for device in range(devices)]
    partition = Partitioner(settings.topics.partitions).of(subscribers)
    begin = Calendar.of(settings.time).epoch_of(workload.BEGIN).start
    closed, events = list[Closed](), 0
    begun = time.process_time()
    for rows in day_of(country, devices, begin, _AT_ONCE):
        of_rows = partition[rows.device]
        values = rows.values(country, subscribers)
        for number in range(settings.topics.partitions):
            mine = np.flatnonzero(of_rows == number)
            closed += core.take(number, [values[row] for row in mine.tolist()], rows.time[mine])
        events += len(values)
    closed += core.finish()
    seconds = time.process_time() - begun
    emit({"bench": "large_country", "step": "count", "events": events, "devices": devices, "cpu_s": round(seconds, 1)})
    assert core.end is not None
    return Feed(closed, keys, parts, core.end)


class Released(NamedTuple):
    """A window's way to the outside: seconds by step, and how many cells it had and has: raw by
    indicator, of ``k`` devices or more, published; and the bytes of the decision."""

    layer: int
    width: int
    seconds: dict[str, float]
    cells: dict[str, Any]

    @property
    def total(self) -> float:
        """Seconds of the release agent from the tallies at hand to the decision's bytes."""
        return sum(self.seconds[step] for step in ("open", "gate", "bytes"))


def released(settings: Settings, feed: Feed) -> list[Released]:
    """Release every window as the release agent does, with the records for Kafka and the commands for Redis built."""
    parts, shards = feed.parts, settings.topics.partitions
    shortest, max_wait = parts.calendar.widths[0], settings.stream.max_wait
    release = Release(parts.gate, parts.secrets, shards, shortest, max_wait, parts.fingerprint, shuffled=parts.shuffled)
    log: list[bytes] = []
    for partition, tally in feed.closed:
        cipher = feed.keys.cipher(parts.calendar.epoch_of(tally.start), tally.key)
        log += map(wire.encode, wire.parts_of(tally, partition, parts.fingerprint, 0, cipher))
    taken: dict[tuple[int, int, int], float] = {}
    for offset, record in enumerate(log):
        begun = time.perf_counter()
        part = wire.decode(record)
        release.take(offset, part)
        assert isinstance(part, wire.TallyPart)
        window = (part.layer, part.width, part.start)
        taken[window] = taken.get(window, 0.0) + time.perf_counter() - begun
    for shard in range(shards):
        seal = wire.Seal(parts.fingerprint, 0, shard, feed.watermark, 0, False, feed.watermark)
        release.take(len(log) + shard, seal)
    with ExitStack() as stack:
        opened, gated, written = (
            stack.enter_context(timed(owner, name))
            for owner, name in ((OpenWindow, "opened"), (Gate, "release"), (ReleasedWindow, "to_bytes"))
        )
        decisions = release.decide()
    results = []
    for at, decision in enumerate(decisions):
        begun = time.perf_counter()
        publication = release.take(len(log) + shards + at, decision)
        read_back = time.perf_counter() - begun
        assert publication is not None
        totals = opened[at].returned[0]
        seconds = {
            "take": taken[decision.layer, decision.width, decision.start],
            "open": opened[at].seconds,
            "gate": gated[at].seconds,
            "bytes": written[at].seconds,
            "read_back": read_back,
            **_to_sinks(settings, publication),
        }
        cells = {
            "raw": {indicator: len(counts.cells) for indicator, counts in totals.items()},
            "of_k_devices": sum(int((counts.counts >= parts.threshold.k).sum()) for counts in totals.values()),
            "published": publication.window.published,
            "flows_published": len(publication.window.flows),
            "bytes": len(decision.window),
        }
        results.append(Released(decision.layer, decision.width, seconds, cells))
    return results


def _to_sinks(settings: Settings, publication: Publication) -> dict[str, float]:
    """Seconds to build what the sinks send; nothing is sent."""

    async def unsent(topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        pass

    kafka, script = KafkaSink(unsent), Script(settings.redis, Values(), None)
    begun = time.perf_counter()
    for _ in kafka.records(publication):
        pass
    between = time.perf_counter()
    script.call(publication, ())
    return {"kafka": between - begun, "redis": time.perf_counter() - between}


def best(rounds: list[list[Released]]) -> list[Released]:
    """Of each window the fastest round: what else the machine did is in the others."""
    return [min(windows, key=lambda each: each.total) for windows in zip(*rounds, strict=True)]


def say(places: Places, one: Released) -> None:
    """Print a window's line."""
    emit(
        {
            "bench": "large_country",
            "step": "release",
            "layer": places.layers[one.layer].name,
            "width": label_of_width(one.width),
            "cells": one.cells,
            "seconds": {step: round(seconds, 4) for step, seconds in one.seconds.items()},
            "release_s": round(one.total, 3),
        }
    )


def located(settings: ZonesSettings) -> Places:
    """Load the zones and say how long it took."""
    begun = time.perf_counter()
    places = load_zones(settings)
    seconds = time.perf_counter() - begun
    zones = {layer.name: len(layer.ids) for layer in places.layers}
    emit({"bench": "large_country", "step": "zones", "zones": zones, "seconds": round(seconds, 2)})
    return places


def profiled(what: Callable[[], object]) -> None:
    """Print where the time of ``what`` goes."""
    profile = cProfile.Profile()
    profile.runcall(what)
    pstats.Stats(profile).sort_stats("tottime").print_stats(_SHOWN)


def main() -> int:
    """Command line; the exit status says whether the bar is reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.large_country", description=__doc__)
    parser.add_argument("--settings", type=Path, help="TOML; its section [zones] is not used")
    parser.add_argument("--zones", type=int, default=35_000)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3, help="of the release; the fastest counts")
    parser.add_argument("--profile", action="store_true", help="say where the time goes, of the zones and the release")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="foule-bench-") as folder:
        country = write_country(Path(folder), arguments.zones)
        settings = msgspec.structs.replace(load(arguments.settings, {}), zones=country.settings)
        places = located(settings.zones)
        if arguments.profile:
            profiled(lambda: load_zones(settings.zones))
    feed = counted(settings, places, country, arguments.devices)
    windows = best([released(settings, feed) for _ in range(arguments.rounds)])
    if arguments.profile:
        profiled(lambda: released(settings, feed))
    days = [one for one in windows if one.width == DAY_MS]
    for one in days:
        say(places, one)
    for width in parts_of_a_day(feed.parts.calendar):
        say(places, max((one for one in windows if one.width == width), key=lambda each: each.total))
    emit({"bench": "large_country", "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)})
    slowest = max(one.total for one in days)
    return 0 if verdict("large_country", {"release_of_a_day_s": Bar(slowest, _MOST)}) else 1


def parts_of_a_day(calendar: Calendar) -> list[int]:
    """The widths (ms) below a day."""
    return [width for width in calendar.widths if width < DAY_MS]


if __name__ == "__main__":
    end(main)
