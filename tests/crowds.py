"""What a crowd of a test is: a small universe of cells, what was seen there, and the logs it leaves."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

from foule.oracle.oracle import Keys, Parameters, Record, Result, run
from foule.oracle.parameters import Fields
from tests.damage import Damaged
from zones import OUTSIDE, Layer


class Seen(NamedTuple):
    """An event before it is a record: where a device was seen and when its record reached Kafka (ms).

    ``place`` is a cell, or a point (lat, lon), which in a universe of cells lies in no zone; ``stamp`` is
    negative where there is no Kafka timestamp; ``mcc`` and ``home``: where its SIM is from, None if nothing says so.
    """

    ts: int
    subscriber: str | int
    place: str | tuple[float, float]
    stamp: int = -1
    mcc: str | int | None = None
    home: str | int | None = None


@dataclass(frozen=True)
class Universe:
    """Settings, and for each cell its zone in each layer (``outside`` where it is in none).

    ``areas``: by layer, the home area of each zone that has one; ``within``: by layer, the one whose zones hold its
    own. The zones of a layer are in the order of their first cells.
    """

    parameters: Parameters
    cells: Mapping[str, Mapping[str, str]]
    areas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    within: Mapping[str, str] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in order."""
        return tuple(next(iter(self.cells.values())))

    @cached_property
    def zones(self) -> tuple[Layer, ...]:
        """The layers as the application has them."""
        ids = {name: tuple(dict.fromkeys(zones[name] for zones in self.cells.values())) for name in self.layers}
        ids = {name: tuple(zone for zone in of_layer if zone != OUTSIDE) for name, of_layer in ids.items()}
        return tuple(self._layer(name, ids) for name in self.layers)

    def _layer(self, name: str, ids: Mapping[str, tuple[str, ...]]) -> Layer:
        areas = tuple(self.areas.get(name, {}).get(zone) for zone in ids[name])
        if name not in self.within:
            return Layer(name, ids[name], ids[name], areas)
        above = self.within[name]
        holders = {zones[name]: (*ids[above], OUTSIDE).index(zones[above]) for zones in self.cells.values()}
        parents = tuple(holders[zone] for zone in ids[name])
        return Layer(name, ids[name], ids[name], areas, self.layers.index(above), parents)

    def locate(self, cell: str | None, lat: float | None, lon: float | None) -> dict[str, str] | None:
        """The oracle's ``locate``: the zone in each layer of a cell or a point; None for an unknown cell."""
        if cell is None:
            return dict.fromkeys(self.layers, OUTSIDE)
        zones = self.cells.get(cell)
        return None if zones is None else dict(zones)

    def catalogue(self) -> str:
        """The cells as a CSV with a column for each layer, empty where a cell lies in no zone."""
        rows = [",".join(("cell", *self.layers))]
        for cell, zones in self.cells.items():
            rows.append(",".join((cell, *("" if zone == OUTSIDE else zone for zone in zones.values()))))
        return "\n".join(rows) + "\n"


@dataclass(frozen=True)
class Crowd:
    """A universe, the logs of its partitions, and the advances applied to them."""

    universe: Universe
    logs: Mapping[int, Sequence[Record]]
    advances: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)

    def expected(self, keys: Keys | None = None) -> Result:
        """What the oracle says of it; ``keys``: of the epochs."""
        universe = self.universe
        return run(universe.parameters, self.logs, self.advances, universe.locate, keys, universe.zones)


SMALL: dict[str, dict[str, str]] = {
    "c0": {"spots": "beach", "towns": "north"},
    "c1": {"spots": "beach", "towns": "north"},
    "c2": {"spots": "port", "towns": "north"},
    "c3": {"spots": "port", "towns": "south"},
    "c4": {"spots": OUTSIDE, "towns": "south"},
    "c5": {"spots": OUTSIDE, "towns": OUTSIDE},
}
"""Six cells, two layers: moves in one layer, in the other, in both, in none, and from outside to outside."""

SMALL_AREAS: dict[str, dict[str, str]] = {"spots": {"beach": "17", "port": "33"}, "towns": {"north": "17"}}
"""Home areas of zones: each in a layer, of one zone of two, or of none."""


def encode(seen: Seen, fields: Fields | None = None) -> bytes:
    """The value of its record."""
    names = Fields() if fields is None else fields
    event: dict[str, Any] = {names.ts: seen.ts, names.subscriber: seen.subscriber}
    if isinstance(seen.place, str):
        event[names.cell] = seen.place
    else:
        event[names.lat], event[names.lon] = seen.place
    event |= {name: code for name, code in ((names.mcc, seen.mcc), (names.home, seen.home)) if code is not None}
    return json.dumps(event, separators=(",", ":")).encode()


def murmur2(key: bytes) -> int:
    """Kafka's 32 bit hash of a record's key (MurmurHash2 by Austin Appleby, seed 0x9747b28c)."""
    mask, mix = 0xFFFFFFFF, 0x5BD1E995
    state = 0x9747B28C ^ len(key)
    whole = len(key) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(key[at : at + 4], "little") * mix & mask
        word = (word ^ word >> 24) * mix & mask
        state = (state * mix & mask) ^ word
    if whole < len(key):
        state = (state ^ int.from_bytes(key[whole:], "little")) * mix & mask
    state = (state ^ state >> 13) * mix & mask
    return state ^ state >> 15


def partition_logs(
    seen: Iterable[Seen],
    partitions: int,
    fields: Fields | None = None,
    first_offset: int = 0,
    scatter: Random | None = None,
) -> dict[int, list[Record]]:
    """The logs that a producer leaves that sends ``seen`` in this order, keyed by subscriber; with ``scatter``, to
    partitions at random."""
    logs: dict[int, list[Record]] = {partition: [] for partition in range(partitions)}
    for one in seen:
        keyed = (murmur2(str(one.subscriber).encode()) & 0x7FFFFFFF) % partitions
        log = logs[keyed if scatter is None else scatter.randrange(partitions)]
        log.append(Record(first_offset + len(log), one.stamp, encode(one, fields)))
    return logs


def interleave(log: Sequence[Record], damaged: Iterable[Damaged], seed: int) -> list[Record]:
    """Put damaged values at random places of a log, in their order; offsets are numbered anew from its first.

    A damaged record has the Kafka timestamp of the good one before it, or of the first.
    """
    random, waiting = Random(seed), [one.value for one in damaged]
    places = sorted(random.randrange(len(log) + 1) for _ in waiting)
    stamps = [record.timestamp for record in log] or [-1]
    mixed: list[tuple[int, bytes | None]] = []
    taken = 0
    for at in range(len(log) + 1):
        while taken < len(waiting) and places[taken] == at:
            mixed.append((stamps[max(at - 1, 0)], waiting[taken]))
            taken += 1
        if at < len(log):
            mixed.append((log[at].timestamp, log[at].value))
    first = log[0].offset if log else 0
    return [Record(first + offset, stamp, value) for offset, (stamp, value) in enumerate(mixed)]
