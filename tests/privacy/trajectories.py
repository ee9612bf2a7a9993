"""Attack 7: whole paths from counts, one window joined to the next.

The method of Xu, Tu, Li, Zhang, Fu and Jin, "Trajectory Recovery From Ash: User Privacy Is NOT Preserved in Aggregated
Mobility Data", WWW 2017: as many devices as there are take the places that the counts of the next window offer, so that
the ways between the places where they are expected and those offered are shortest, all together (a linear assignment,
Kuhn 1955). Where flows are published, devices follow them first; who has been in a zone the longest leaves it first.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from indicators.counts import FLOWS
from tests.privacy.crowd_day import Crowd, counted, festival, festival_settings, record_keys
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import NOTHING, ON, K, Tables, epoch_key, publish

_SHORT = 300_000
_LENGTH = 12
_ZONES, _FEW_ZONES = 3, 2
_DEVIATIONS = 4.0

Ints = NDArray[np.int64]
Path = tuple[int, ...]


class _Way(NamedTuple):
    """Zones of devices at the windows' ends, int64 (devices, windows); the last zone is ``outside`` or not seen."""

    zones: Ints


class _Found(NamedTuple):
    """Shares of rare paths that are recovered: of the day's own, and of those of each other day; how many are rare."""

    own: float
    others: list[float]
    rare: int

    @property
    def chance(self) -> float:
        """What the other days do not exceed but by chance."""
        return float(np.mean(self.others) + _DEVIATIONS * max(float(np.std(self.others)), 1 / self.rare))

    def __str__(self) -> str:
        return f"of other days {np.mean(self.others):.4f}, at most {max(self.others):.4f}"


def run(people: int = 1_000, days: int = 6, hours: tuple[int, int] = (0, 24), seed: int = 0) -> list[Outcome]:
    """``people`` of the festival; ``days``: other simulated days, with other people, to compare with."""
    crowds = [festival(seed + 1 + day, people, hours) for day in range(days + 1)]
    own = crowds[0]
    windows = counted(own, record_keys(len(own.ids), seed))
    truths = [_whereabouts(crowd) for crowd in crowds]
    found: dict[tuple[int, int], _Found] = {}
    for protection in (NOTHING, ON):
        published = Tables.published(
            own.layers, windows, publish(windows, own.layers, protection, epoch_key(seed), own.cells)
        )
        recovered = _recover(published, own)
        for zones in (_FEW_ZONES, _ZONES):
            found[protection.bound, zones] = _score(recovered, truths, zones)
    off, on = found[0, _ZONES], found[ON.bound, _ZONES]
    few_off, few_on = found[0, _FEW_ZONES], found[ON.bound, _FEW_ZONES]
    figure = f"share of the rare paths over {_LENGTH} windows and {{}} zones or more that are recovered"
    return [
        Outcome(
            id="7a",
            name=f"paths shared by fewer than k people, recovered from the counts of {people:,}",
            claim="singling out",
            knows="how many devices there are",
            figure=figure.format(_ZONES),
            without="threshold, perturbation and groups",
            off=off.own,
            on=on.own,
            target=f"no more than of {days} other days (mean and {_DEVIATIONS:.0f} standard deviations; off: more)",
            works=off.own > off.chance,
            fails=on.own <= on.chance,
            detail=f"of {off.rare:,} rare paths; off: {off}; on: {on}",
        ),
        Outcome(
            id="7b",
            name="the same with a single move",
            claim="inference",
            knows="how many devices there are",
            figure=figure.format(_FEW_ZONES),
            off=few_off.own,
            on=few_on.own,
            without="threshold, perturbation and groups",
            detail=f"of {few_off.rare:,} rare paths; off: {few_off}; on: {few_on}. What is more than of other days are "
            "moves of groups, by which published presence falls in one zone and rises in another",
        ),
    ]


def _score(recovered: _Way, truths: list[_Way], zones: int) -> _Found:
    paths = _paths(recovered, zones).keys()
    rare = [{path for path, people in _paths(truth, zones).items() if people < K} for truth in truths]
    own, *others = (len(each & paths) / max(1, len(each)) for each in rare)
    return _Found(own, others, len(rare[0]))


def _whereabouts(crowd: Crowd) -> _Way:
    """Where each device is at the end of each window: in the zone of its last event, unless it has been silent."""
    layer = crowd.layers[0]
    start = crowd.calendar.window_of(_SHORT, int(crowd.times[0])).start
    windows = (int(crowd.times[-1]) - start) // _SHORT + 1
    zones = np.full((len(crowd.ids), windows), layer.outside)
    last = np.full(len(crowd.ids), np.iinfo(np.int64).min // 2)
    zone = np.full(len(crowd.ids), layer.outside)
    for window in range(windows):
        end = start + (window + 1) * _SHORT
        rows = slice(*np.searchsorted(crowd.times, [end - _SHORT, end]).tolist())
        last[crowd.devices[rows]] = crowd.times[rows]
        zone[crowd.devices[rows]] = crowd.zones[rows, 0]
        zones[:, window] = np.where(last < end - crowd.linger, layer.outside, zone)
    return _Way(zones)


def _paths(way: _Way, least: int) -> Counter[Path]:
    """How many devices took each path of at ``least`` so many zones: its first window, and a zone in each window."""
    zones = way.zones
    paths: Counter[Path] = Counter()
    outside = int(zones.max())
    for first in range(zones.shape[1] - _LENGTH + 1):
        piece = zones[:, first : first + _LENGTH]
        moves = (piece[:, 1:] != piece[:, :-1]).any(axis=1)
        rows, counts = np.unique(piece[moves], axis=0, return_counts=True)
        for row, count in zip(rows.tolist(), counts.tolist(), strict=True):
            if len({zone for zone in row if zone != outside}) >= least:
                paths[first, *row] += count
    return paths


def _recover(published: Tables, crowd: Crowd) -> _Way:
    layer = crowd.layers[0]
    outside, size, count = layer.outside, layer.outside + 1, len(crowd.ids)
    tables = {name: published[layer.name, name, _SHORT] for name in ("presence", "departures", "vanished", FLOWS)}
    appeared = published[layer.name, "appeared", _SHORT]
    start = crowd.calendar.window_of(_SHORT, int(crowd.times[0])).start
    rows = [published.starts[_SHORT].get(moment) for moment in range(start, int(crowd.times[-1]) + 1, _SHORT)]
    far = _distances(crowd)
    zone, since = np.full(count, outside), np.zeros(count, np.int64)
    ways = []
    for number, row in enumerate(rows):
        if row is not None:
            free = np.ones(count, bool)
            for origin, to in zip(*np.nonzero(tables[FLOWS][row].reshape(size, size)), strict=True):
                _move(zone, since, free, number, int(origin), int(to), int(tables[FLOWS][row, origin * size + to]))
            for where in range(outside):
                _move(zone, since, free, number, where, outside, int(tables["vanished"][row, where]))
                _move(zone, since, free, number, outside, where, int(appeared[row, where]))
            left = tables["departures"][row] + tables["vanished"][row]
            seen = tables["presence"][row] > 0
            aim = np.maximum(tables["presence"][row] - left, 0)
            _assign(zone, since, number, aim, seen, far)
        ways.append(zone.copy())
    return _Way(np.stack(ways, axis=1))


def _move(zone: Ints, since: Ints, free: NDArray[np.bool_], now: int, origin: int, to: int, people: int) -> None:
    """Let those who have been there the longest, and have not moved in this window, go on."""
    there = np.flatnonzero((zone == origin) & free)
    goes = there[np.argsort(since[there], kind="stable")][:people]
    zone[goes], since[goes], free[goes] = to, now, False


def _assign(zone: Ints, since: Ints, now: int, aim: Ints, seen: NDArray[np.bool_], far: NDArray[np.float64]) -> None:
    """Let devices change place so that the published counts are met, by the shortest ways all together."""
    outside = len(aim) - 1
    have = np.bincount(zone, minlength=len(aim))
    more = np.where(seen, aim - have, 0)
    more[outside] = 0
    offered = np.repeat(np.arange(len(aim)), np.maximum(more, 0))
    spare = []
    for where in range(len(aim)):
        there = np.flatnonzero(zone == where)
        too_many = len(offered) if where == outside else max(0, -int(more[where]))
        spare.append(there[np.argsort(since[there], kind="stable")][:too_many])
    leaving = np.concatenate(spare)
    surplus = sum(max(0, -int(each)) for each in more)
    # who finds no place nearby is taken to be outside
    places = np.concatenate([offered, np.full(surplus, outside)])
    if not len(places) or not len(leaving):
        return
    takes, place = linear_sum_assignment(far[zone[leaving]][:, places])
    goes, to = leaving[takes], places[place]
    changed = zone[goes] != to
    zone[goes[changed]], since[goes[changed]] = to[changed], now


def _distances(crowd: Crowd) -> NDArray[np.float64]:
    """Degrees between the centres of the zones' cells; everything is far from ``outside``."""
    settings, places = festival_settings()
    assert settings.zones.cells is not None
    layer = crowd.layers[0]
    rows = [line.split(",") for line in settings.zones.cells.read_text().splitlines()[1:]]
    zone = places.zones[places.of_cells([row[0] for row in rows]), 0]
    points = np.array([[float(row[1]), float(row[2])] for row in rows])
    centres = np.array(
        [points[zone == at].mean(axis=0) if (zone == at).any() else points.mean(axis=0) for at in range(layer.outside)]
    )
    far = np.full((layer.outside + 1, layer.outside + 1), 1.0)
    far[:-1, :-1] = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    far[-1, -1] = 0.0
    return far
