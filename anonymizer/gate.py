"""The one gate: raw counts go in, only what may be published comes out, as a type that nothing else can make.

Sinks take a :class:`Publication`; it holds a :class:`ReleasedWindow`, which only :meth:`Gate.release` and
:func:`reopen` (for bytes that the gate wrote earlier) can construct. A raw count is an ``int`` or a numpy column and
does not fit in its place: mypy refuses it, and so does the constructor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, NewType, final

import msgspec

from config.errors import ContractError
from indicators.calendar import Window, label_of_width
from indicators.counts import FLOWS, ZONE_INDICATORS, Counts
from zones import Layer

#: A number of people that passed the gate.
People = NewType("People", int)

#: How the contracts call the indicators of a zone.
PUBLISHED_NAMES: Final = MappingProxyType({"people" if name == "presence" else name: name for name in ZONE_INDICATORS})


class _Pass:
    """What a caller must hold to construct a released window; it never leaves this module."""


_PASS: Final = _Pass()


@final
@dataclass(frozen=True, slots=True)
class ReleasedWindow:
    """The published numbers of one window of one layer. What is not in it is withheld, or nobody was there.

    ``width`` is written as in the contracts (``5m``); ``start`` and ``end`` are UTC ms; ``zones``: zone id to
    indicator (``people``, ``arrivals``, ...) to people; ``flows``: (from, to) to people.
    """

    passed: _Pass
    layer: str
    width: str
    start: int
    end: int
    coverage: float
    k: int
    zones: Mapping[str, Mapping[str, People]]
    flows: Mapping[tuple[str, str], People]

    def __post_init__(self) -> None:
        if self.passed is not _PASS:
            raise TypeError("a ReleasedWindow comes only from the gate (anonymizer.gate)")

    @property
    def is_empty(self) -> bool:
        """Nothing of this window may be published."""
        return not self.zones and not self.flows

    @property
    def published(self) -> int:
        """How many numbers are published."""
        return sum(map(len, self.zones.values())) + len(self.flows)

    def to_bytes(self) -> bytes:
        """The decision's final bytes; :func:`reopen` reads them. The same window always gives the same bytes."""
        flows = [(origin, to, people) for (origin, to), people in self.flows.items()]
        return _ENCODE(_Wire(self.layer, self.width, self.start, self.end, self.coverage, self.k, self.zones, flows))


class Publication(NamedTuple):
    """What a sink gets: a released window, its version (the decision's offset), and whether its width is the
    shortest of the settings (then it is the ``live`` one)."""

    window: ReleasedWindow
    version: int
    shortest: bool


class _Wire(msgspec.Struct, array_like=True, frozen=True):
    layer: str
    width: str
    start: int
    end: int
    coverage: float
    k: int
    zones: Mapping[str, Mapping[str, int]]
    flows: Sequence[tuple[str, str, int]]


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(_Wire).decode


def reopen(data: bytes) -> ReleasedWindow:
    """The released window that the gate wrote as ``data``; raises :class:`ContractError` if it is none."""
    try:
        wire = _DECODE(data)
    except msgspec.DecodeError as error:
        raise ContractError(
            f"a release decision cannot be read ({error}): was it written by another version?"
        ) from error
    return ReleasedWindow(
        _PASS,
        wire.layer,
        wire.width,
        wire.start,
        wire.end,
        wire.coverage,
        wire.k,
        {zone: {name: People(n) for name, n in values.items()} for zone, values in wire.zones.items()},
        {(origin, to): People(n) for origin, to, n in wire.flows},
    )


class Gate:
    """Lets a cell pass if at least ``k`` distinct devices were counted in it (docs/privacy.md); the rest is absent.

    The presence of ``outside`` is never published.
    """

    def __init__(self, k: int) -> None:
        self.k = k

    def release(
        self, layer: Layer, window: Window, counts: Mapping[str, Counts], coverage: float = 1.0
    ) -> ReleasedWindow:
        """Decide a window. ``counts``: indicator to the sum over all shards; ``coverage``: share of shards in it."""
        zones: dict[str, dict[str, People]] = {}
        for published, name in PUBLISHED_NAMES.items():
            for zone, people in self._passing(counts.get(name)):
                if zone == layer.outside:
                    continue
                zones.setdefault(layer.zone_name(zone), {})[published] = people
        places = layer.outside + 1
        flows = {
            (layer.zone_name(cell // places), layer.zone_name(cell % places)): people
            for cell, people in self._passing(counts.get(FLOWS))
        }
        width = label_of_width(window.width)
        return ReleasedWindow(
            _PASS, layer.name, width, window.start, window.end, coverage, self.k, dict(sorted(zones.items())), flows
        )

    def _passing(self, counts: Counts | None) -> list[tuple[int, People]]:
        if counts is None:
            return []
        passing = counts.counts >= self.k
        cells, people = counts.cells[passing].tolist(), counts.counts[passing].tolist()
        return [(cell, People(n)) for cell, n in zip(cells, people, strict=True)]


def unpublished(layer: Layer, window: ReleasedWindow) -> int:
    """Cells of a layer and window that were not published, whatever was in them: zones x indicators and pairs."""
    zones = layer.outside
    cells = zones * len(ZONE_INDICATORS) + zones * (zones + 1)
    return cells - window.published
