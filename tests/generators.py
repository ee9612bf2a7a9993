"""Crowds for tests: hypothesis strategies and seeded generators, full of ties and of events on boundaries."""

from dataclasses import replace
from datetime import date, time
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from foule.oracle.days import Days
from foule.oracle.oracle import Parameters, Record, final_advances
from foule.oracle.parameters import DAY, HOUR, MINUTE, SECOND
from tests.crowds import SMALL, SMALL_AREAS, Crowd, Seen, Universe, encode, interleave, murmur2, partition_logs
from tests.damage import NOON, Damaged, fuzz
from tests.everything import any_indicators
from zones import OUTSIDE

__all__ = ["NOON", "SMALL", "Crowd", "Damaged", "Seen", "Universe", "crowd", "crowds", "encode", "fuzz"]
__all__ += ["interleave", "murmur2", "parameters", "partition_logs", "universes"]

_DATES = {
    "Europe/Paris": [
        date(2014, 6, 28),
        date(2014, 3, 29),
        date(2014, 3, 30),
        date(2014, 10, 25),
        date(2014, 10, 26),
    ],
    "Australia/Lord_Howe": [date(2014, 4, 5), date(2014, 4, 6), date(2014, 10, 4), date(2014, 10, 5)],
    "Asia/Kolkata": [date(2015, 8, 1)],
    "UTC": [date(2014, 2, 28)],
}
"""Days on and before which clocks change, by an hour or by half of one, and days on which none does."""

_LINGERS = [SECOND, 5 * MINUTE, 30 * MINUTE, 30 * MINUTE + 1, 90 * MINUTE, 26 * HOUR]
_WIDTHS = [5 * MINUTE, 7 * MINUTE, HOUR, 7 * HOUR, DAY]
_STAMPS = st.sampled_from(
    [("none", 0)] * 6
    + [("of event", off) for off in (0, 0, 1, SECOND, HOUR, -1, -SECOND)]
    + [("skewed", off) for off in (-1, 0, 1)]
)
_TIMES = st.sampled_from(
    [("gap", by) for by in (0, 0, 0, 1, 999, SECOND, SECOND, MINUTE, MINUTE, 5 * MINUTE, HOUR, 9 * HOUR)]
    + [("back", by) for by in (1, SECOND, MINUTE, 2 * MINUTE)]
    + [(kind, by) for kind in ("echo", "window", "last linger") for by in (-1, 0, 0, 1)]
    + [(kind, by) for kind in ("epoch", "day", "dusk", "dawn") for by in (-1, 0, 1)]
    + [("watermark", by) for by in (0, 1, SECOND)]
)
"""How an event's time is told from what came before it, the plain step first, as examples shrink to it."""

_SUBSCRIBERS = ["device-0", "device-1", "26202000000002", "208010000000003"]
"""Two that do not say where they are from, and IMSIs of two countries."""
_MCCS = st.sampled_from([None] * 4 + ["208", 208, "262", 262, "310", "901", "0208", ""])
_HOMES = st.sampled_from([None] * 3 + ["17", "17", 17, "33", "2A", "99", ""])


@st.composite
def parameters(draw: st.DrawFn) -> Parameters:
    """Settings of time, with an epoch that begins on or before a day of :data:`_DATES`, and any indicators."""
    zone = draw(st.sampled_from(list(_DATES)))
    widths = set(draw(st.lists(st.sampled_from(_WIDTHS), min_size=1, max_size=3, unique=True)))
    if draw(st.booleans()):
        widths.add(DAY)
    plain = Parameters(
        zone=zone,
        day_start=draw(st.sampled_from([time(4), time(0), time(2, 30), time(23, 59)])),
        lateness=draw(st.sampled_from([2 * MINUTE, 0, 500, SECOND, 3 * HOUR])),
        linger=draw(st.sampled_from(_LINGERS)),
        widths=tuple(sorted(widths)),
        epoch_days=draw(st.sampled_from([1, 1, 2, 3])),
        epoch_start=draw(st.sampled_from(_DATES[zone])),
        max_skew=draw(st.sampled_from([5 * MINUTE, 0])),
    )
    return draw(any_indicators(plain))


@st.composite
def universes(draw: st.DrawFn) -> Universe:
    """The small universe under any settings, its zones in either order, with home areas and without."""
    cells = SMALL if draw(st.booleans()) else dict(reversed(SMALL.items()))
    return Universe(draw(parameters()), cells, draw(st.sampled_from([{}, SMALL_AREAS])))


@st.composite
def crowds(
    draw: st.DrawFn, partitions: int = 2, max_events: int = 40, damage: bool = True, shuffle: bool = False
) -> Crowd:
    """A handful of devices whose events fall on boundaries; with advances and, if asked for, damage.

    With ``shuffle`` the events of a device are in any partition, and the settings say so.
    """
    universe = draw(universes())
    if shuffle:
        universe = replace(universe, parameters=replace(universe.parameters, shuffle=True))
    places = st.sampled_from([*SMALL, *SMALL, *SMALL, (46.1, -1.1), "nowhere"])
    least = draw(st.sampled_from([0, max_events // 4, max_events // 2]))
    step = st.tuples(st.integers(0, 3), places, _TIMES, _STAMPS, _MCCS, _HOMES)
    steps = st.lists(step, min_size=least, max_size=max_events)
    seen = _seen(universe.parameters, draw(steps))
    scatter = Random(draw(st.integers(0, 99))) if shuffle else None
    first = draw(st.sampled_from([0, 7]))
    logs: dict[int, list[Record]] = partition_logs(seen, partitions, first_offset=first, scatter=scatter)
    if damage:
        some = list(fuzz(draw(st.integers(0, 3)), draw(st.integers(0, 6))))
        logs[0] = interleave(logs[0], some, draw(st.integers(0, 3)))
    return Crowd(universe, logs, draw(_advances(universe, logs)))


_Step = tuple[int, Any, tuple[str, int], tuple[str, int], str | int | None, str | int | None]


def _seen(parameters: Parameters, steps: list[_Step]) -> list[Seen]:
    """Turn drawn steps into events: each time is told from what came before it."""
    days, last = Days(parameters), dict[int, int]()
    clock = latest = days.start(parameters.epoch_start.toordinal()) + 12 * HOUR
    seen = []
    for device, place, (kind, by), (stamping, off), mcc, home in steps:
        epoch_end, day = days.epoch(clock).end, days.window(DAY, clock)
        night = days.night(day)
        ts = (
            by
            + {
                "gap": clock,
                "back": clock - 2 * by,
                "echo": last.get(device, clock) + parameters.linger,
                "window": days.window(parameters.widths[0], clock).end,
                "epoch": epoch_end,
                "day": day.end,
                "dusk": night.start,
                "dawn": night.end,
                "last linger": epoch_end - parameters.linger,
                "watermark": (latest - parameters.lateness) // SECOND * SECOND,
            }[kind]
        )
        stamp = {"none": -1, "of event": ts + off, "skewed": ts - parameters.max_skew + off}[stamping]
        seen.append(Seen(ts, _SUBSCRIBERS[device], place, stamp, mcc, home))
        clock, last[device] = max(clock, ts), ts
        latest = max(latest, ts if stamp < 0 else min(ts, stamp))
    return seen


@st.composite
def _advances(draw: st.DrawFn, universe: Universe, logs: dict[int, list[Record]]) -> dict[int, list[tuple[int, int]]]:
    """Advances in whole seconds, in the middle of the logs and, mostly, to the end of the last epoch."""
    final = final_advances(universe.parameters, logs, universe.locate)
    advances: dict[int, list[tuple[int, int]]] = {}
    for partition, log in logs.items():
        advances[partition] = []
        if log and final and draw(st.booleans()):
            end = final[partition][0][1]
            at = draw(st.integers(log[0].offset, log[-1].offset + 1))
            before = draw(st.sampled_from([0, SECOND, 5 * MINUTE, HOUR, 12 * HOUR, DAY]))
            advances[partition].append((at, end - before))
        if final and draw(st.sampled_from([True, True, True, False])):
            advances[partition] += final[partition]
    return advances


# --- seeded crowds


def crowd(
    seed: int,
    events: int = 10_000,
    devices: int = 200,
    cells: int = 40,
    partitions: int = 4,
    parameters: Parameters | None = None,
    start: int = 1_414_195_200_000,
    span: int = 2 * DAY,
    stamped: bool = True,
) -> Crowd:
    """A larger crowd, the same for the same seed; ends with the advances of a replay.

    Times are whole seconds of which many are shared, from ``start`` (default: the evening before the clocks
    of Paris are turned back in 2014) for ``span`` ms; one in five lies on the end of a window or of an epoch,
    or exactly ``linger`` after the device's event before it. Records arrive up to twice the lateness after
    their time, so that some are late, and some exactly at the watermark. One event in 20 says that its SIM is from
    elsewhere than the device's others do. Parameters with ``shuffle`` make a feed whose events are in any partition.
    """
    rng = np.random.default_rng(seed)
    settings = Parameters() if parameters is None else parameters
    device = np.minimum(rng.zipf(1.3, events) - 1, devices - 1)
    ts = start + rng.integers(0, span // (15 * SECOND), events) * 15 * SECOND
    ts = _on_boundaries(rng, settings, device, ts)
    place = (device * 7 + rng.integers(0, 4, events) + (ts - start) // (6 * HOUR)) % cells
    steps = [0, 0, 0, 1, SECOND, settings.lateness // 2, settings.lateness, 2 * settings.lateness]
    arrival = ts + rng.choice(np.array(steps, dtype=np.int64), events)
    order = np.lexsort((rng.random(events), arrival))
    where_from = [_origin(seed, number) for number in range(devices)]
    seen = (
        Seen(
            int(ts[n]),
            f"imsi-{device[n]:06d}",
            f"c{place[n]}",
            int(arrival[n]) if stamped else -1,
            *where_from[device[n] if n % 20 else n % devices],
        )
        for n in order
    )
    universe = Universe(settings, _many_cells(cells), _AREAS)
    logs = partition_logs(seen, partitions, settings.fields, scatter=Random(seed) if settings.shuffle else None)
    return Crowd(universe, logs, final_advances(settings, logs, universe.locate))


def _on_boundaries(
    rng: np.random.Generator, settings: Parameters, device: NDArray[np.int64], ts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Move a tenth of the times to ends of windows and epochs (some 1 ms off), a tenth to last + linger."""
    days, moved = Days(settings), ts.copy()
    for n in np.flatnonzero(rng.random(len(ts)) < 0.1):
        at = int(ts[n])
        ends = [days.window(width, at).end for width in settings.widths] + [days.epoch(at).end]
        moved[n] = rng.choice(ends) + rng.choice([-1, 0, 0, 0, 1])
    order = np.lexsort((moved, device))
    follows = device[order][1:] == device[order][:-1]
    echoes = np.flatnonzero(follows & (rng.random(len(follows)) < 0.1))
    moved[order[1:][echoes]] = moved[order[:-1][echoes]] + settings.linger + rng.choice([-1, 0, 0, 1], len(echoes))
    return moved


def _origin(seed: int, device: int) -> tuple[str | None, str | None]:
    """The MCC and the home area that events of a device tell."""
    random = Random(f"{seed} {device}")
    return random.choice(["208", "208", "262", "310", "901", None]), random.choice(["17", "17", "33", "75", "99", None])


_AREAS = {"spots": {f"z{n}": ("17", "33")[n % 2] for n in range(0, 100, 3)}, "towns": {"t0": "17"}}


def _many_cells(cells: int) -> dict[str, dict[str, str]]:
    """Cells in zones of three each, of which every fifth is outside, and in one of four towns."""
    return {f"c{n}": {"spots": f"z{n // 3}" if n // 3 % 5 else OUTSIDE, "towns": f"t{n % 4}"} for n in range(cells)}
