"""What a schedule runs on: settings with quick timers, a handful of cells, and a feed as the seed draws it."""

from __future__ import annotations

import json
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from config.sections import LayerSettings, ZonesSettings
from config.settings import Settings, load
from config.times import Duration
from zones import Places
from zones import load as load_places

PARTITIONS = 3
MORNING = 1_403_949_600_000
_CELLS = {f"c{n}": (f"a{n % 3}", f"b{n // 2}") for n in range(5)}


@cache
def settings(shuffle: bool = False, noise: int = 0) -> Settings:
    """Small windows, quick timers, and a threshold of 1, so that every count can be seen that its error leaves."""
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
        privacy=replace(base.privacy, k=1, noise=noise),
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
        return load_places(ZonesSettings(cells=catalogue, layers=layers, min_difference=0))


def locate(cell: str | None, lat: float | None, lon: float | None) -> dict[str, str] | None:
    """The zones of a cell, for the oracle."""
    return dict(zip("ab", _CELLS[cell], strict=True)) if cell in _CELLS else None


def feed(rng: random.Random, shuffle: bool = False) -> dict[int, list[bytes]]:
    """A log for each partition: one long, one that ends early, one with little or nothing in it. With ``shuffle`` the
    events of a subscriber are in all of them."""
    logs: dict[int, list[bytes]] = {}
    known = rng.choice([1.0, 0.94, 0.6])
    for partition, most in enumerate((90, 40, 6)):
        now, values = MORNING + rng.randrange(1_200_000), []
        for _ in range(rng.randint(most // 2, most) if partition < 2 else rng.randint(0, most)):
            now += rng.choice([0, 1_000, 20_000, 60_000, 120_000, 600_000 if rng.random() < 0.1 else 30_000])
            ts = now - rng.choice([0, 0, 5_000, 30_000, 90_000])
            event: dict[str, Any] = {"ts": ts, "subscriber": f"{0 if shuffle else partition}-{rng.randrange(6)}"}
            event["cell"] = f"c{rng.randrange(5)}" if rng.random() < known else "nowhere"
            values.append(json.dumps(event).encode())
        logs[partition] = values
    return logs
