"""What a schedule runs on: settings with quick timers, a handful of cells, and a feed as the seed draws it."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import msgspec

from config.sections import IndicatorsSettings
from config.settings import Settings, load
from config.times import DAY, HOUR, MINUTE, SECOND, Duration
from foule.oracle.parameters import Parameters
from tests.crowds import Universe
from tests.streams.shards import places_of
from zones import Places

PARTITIONS = 3
MORNING = 1_403_949_600_000
_CELLS = {f"c{n}": {"a": f"a{n % 3}", "b": f"b{n // 2}"} for n in range(5)}
_UNIVERSE = Universe(Parameters(), _CELLS, {"a": {"a0": "17"}, "b": {"b0": "17", "b1": "33"}})
_WINDOWS = (Duration(10 * MINUTE), Duration(HOUR), Duration(DAY))
_LAST_DAYS = 4

locate = _UNIVERSE.locate


@cache
def settings(shuffle: bool = False, noise: int = 0, days: int = 1) -> Settings:
    """Small windows and days, epochs of so many days with every indicator, quick timers, and a threshold of 1, so that
    every count can be seen that its error leaves."""
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
            windows=_WINDOWS,
            epoch_days=days,
        ),
        indicators=IndicatorsSettings(
            dwell=_WINDOWS[1:],
            dwell_edges=(Duration(MINUTE), Duration(10 * MINUTE)),
            origins=_WINDOWS[1:],
            nights=True,
            night_from="12:30",
            night_stay=Duration(MINUTE),
            categories=True,
            visit_stay=Duration(20 * MINUTE),
            habitual_days=1,
            catchment=True,
            trips=True,
            trip_stay=Duration(20 * SECOND),
            recurrence=days > 1,
            sojourns=days > 1,
            usual=days > 1,
            usual_nights=1,
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
    """Five cells in two layers; some zones have a home area."""
    return places_of(_UNIVERSE)


def end_of_feed(days: int) -> int:
    """An instant (UTC ms) after all windows of a feed in epochs of so many days."""
    return MORNING + (1 if days == 1 else _LAST_DAYS) * DAY


def feed(rng: random.Random, shuffle: bool = False, days: int = 1) -> dict[int, list[bytes]]:
    """A log for each partition: one long, one that ends early, one with little or nothing in it. With ``shuffle`` the
    events of a subscriber are in all of them. With ``days`` they go on for more than one, with hours between."""
    logs: dict[int, list[bytes]] = {}
    known = rng.choice([1.0, 0.94, 0.6])
    for partition, most in enumerate((90, 40, 6)):
        now, values = MORNING + rng.randrange(1_200_000), []
        for _ in range(rng.randint(most // 2, most) if partition < 2 else rng.randint(0, most)):
            now += rng.choice([0, 1_000, 20_000, 60_000, 120_000, 600_000 if rng.random() < 0.1 else 30_000])
            if days > 1 and rng.random() < 6 / most:
                now = min(now + rng.randint(1, 12) * HOUR, end_of_feed(days) - DAY)
            ts = now - rng.choice([0, 0, 5_000, 30_000, 90_000])
            number = rng.randrange(6)
            event: dict[str, Any] = {"ts": ts, "subscriber": f"{0 if shuffle else partition}-{number}"}
            event["cell"] = f"c{rng.randrange(5)}" if rng.random() < known else "nowhere"
            # a SIM of two says of itself whatever comes first
            event["mcc"] = rng.choice(["208", "262"]) if number < 2 else "208"
            event["home"] = ("17", "17", "17", "33", "75", None)[number]
            values.append(json.dumps(event).encode())
        logs[partition] = values
    return logs
