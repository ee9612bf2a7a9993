"""The one gate: raw counts go in, only what may be published comes out, as a type that nothing else can make.

A count is perturbed (anonymizer.perturbation), published if it reaches the threshold (anonymizer.threshold), and
withheld if it would give away another (anonymizer.groups). Sinks take a :class:`Publication`; it holds a
:class:`ReleasedWindow`, which only :meth:`Gate.release` and :func:`reopen` (for bytes that the gate wrote earlier) can
construct. A raw count is an ``int`` or a numpy column and does not fit in its place: mypy refuses it, and so does the
constructor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, NewType, final

import msgspec

from anonymizer.groups import Level, withheld_in_chain
from anonymizer.numbers import Numbers
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from config.errors import ContractError
from indicators.calendar import Window, label_of_width, width_of_label
from indicators.cells import OF_ZONES, SHAPES, Cells, OneOrigin
from indicators.counts import FLOWS, Counts
from indicators.plan import Plan
from zones import Layer

#: The indicators of which a zone's devices are those of the zones within it, and no others.
_NESTED: Final = ("presence", "appeared", "vanished")

#: Presence by origin; the origins of a zone's devices are those of the zones within it, too.
ORIGINS: Final = "origins"

#: A number of people that passed the gate.
People = NewType("People", int)

#: How the contracts call the indicators of a zone.
PUBLISHED_NAMES: Final = MappingProxyType({"people" if name == "presence" else name: name for name in OF_ZONES})


#: The inverse.
PUBLISHED_NAMES_OF: Final = MappingProxyType({name: published for published, name in PUBLISHED_NAMES.items()})


class _Pass:
    """What a caller must hold to construct a released window; it never leaves this module."""


_PASS: Final = _Pass()


@final
@dataclass(frozen=True, slots=True)
class ReleasedWindow:
    """The published numbers of one window of one layer. What is not in it is withheld, or nobody was there.

    ``width`` is written as in the contracts (``5m``); ``start`` and ``end`` are UTC ms; ``zones``: zone id to
    indicator (``people``, ``arrivals``, ...) to people; ``pairs``: indicator (``flows``, ``trips``) to (from, to) to
    people; ``parts``: indicator (``origins``, ``dwell``, ...) to the names of a cell, which are a zone's, a pair's or a
    zone's and an origin's, to segment to people. Each number is at most ``noise`` away from a number of at least ``k``
    devices.
    """

    passed: InitVar[_Pass]
    layer: str
    width: str
    start: int
    end: int
    coverage: float
    k: int
    noise: int
    zones: Mapping[str, Mapping[str, People]]
    pairs: Mapping[str, Mapping[tuple[str, str], People]]
    parts: Mapping[str, Mapping[tuple[str, ...], Mapping[str, People]]]

    def __post_init__(self, passed: _Pass) -> None:
        if passed is not _PASS:
            raise TypeError("a ReleasedWindow comes only from the gate (anonymizer.gate)")
        zones = {zone: MappingProxyType(dict(values)) for zone, values in self.zones.items()}
        object.__setattr__(self, "zones", MappingProxyType(zones))
        pairs = {name: MappingProxyType(dict(values)) for name, values in self.pairs.items() if values}
        object.__setattr__(self, "pairs", MappingProxyType(pairs))
        parts = {
            name: MappingProxyType({cell: MappingProxyType(dict(values)) for cell, values in cells.items()})
            for name, cells in self.parts.items()
            if cells
        }
        object.__setattr__(self, "parts", MappingProxyType(parts))

    @property
    def flows(self) -> Mapping[tuple[str, str], People]:
        """The flows, (from, to) to people."""
        return self.pairs.get(FLOWS, MappingProxyType({}))

    @property
    def is_empty(self) -> bool:
        """Nothing of this window may be published."""
        return not self.zones and not self.pairs and not self.parts

    @property
    def published(self) -> int:
        """How many numbers are published."""
        parted = sum(len(numbers) for cells in self.parts.values() for numbers in cells.values())
        return sum(map(len, self.zones.values())) + sum(map(len, self.pairs.values())) + parted

    def to_bytes(self) -> bytes:
        """The decision's final bytes; :func:`reopen` reads them. The same window always gives the same bytes."""
        about = (self.layer, self.width, self.start, self.end, self.coverage, self.k, self.noise)
        zones = {zone: dict(values) for zone, values in self.zones.items()}
        pairs = {name: [(*pair, n) for pair, n in values.items()] for name, values in self.pairs.items()}
        parts = {name: [(cell, dict(values)) for cell, values in cells.items()] for name, cells in self.parts.items()}
        return _ENCODE(_Wire(*about, zones, pairs, parts))


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
    noise: int
    zones: Mapping[str, Mapping[str, int]]
    pairs: Mapping[str, Sequence[tuple[str, str, int]]]
    parts: Mapping[str, Sequence[tuple[tuple[str, ...], Mapping[str, int]]]]


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
        wire.noise,
        {zone: {name: People(n) for name, n in values.items()} for zone, values in wire.zones.items()},
        {name: {(origin, to): People(n) for origin, to, n in values} for name, values in wire.pairs.items()},
        {name: {cell: _people(values) for cell, values in cells} for name, cells in wire.parts.items()},
    )


def _people(numbers: Mapping[str, int]) -> dict[str, People]:
    return {name: People(n) for name, n in numbers.items()}


class Gate:
    """Decides windows of all layers: which numbers of them are published, and with which error (docs/privacy.md).

    The presence of ``outside`` is never published.
    """

    def __init__(self, threshold: Threshold, layers: Sequence[Layer], cells: Sequence[Cells] | None = None) -> None:
        """``cells``: of each layer; without them there are no segments but those of no setting."""
        self.layers = tuple(layers)
        self._threshold = threshold
        self._cells = tuple(cells or (Cells(layer, Plan(), OneOrigin()) for layer in layers))

    def order(self) -> list[int]:
        """The layers, by index, each after its parent: so they are to be decided."""
        return sorted(range(len(self.layers)), key=lambda layer: len(self.above(layer)))

    def release(
        self,
        layer: int,
        window: Window,
        counts: Mapping[str, Counts],
        perturbation: Perturbation | None,
        coverage: float = 1.0,
        above: Mapping[int, ReleasedWindow] = MappingProxyType({}),
    ) -> ReleasedWindow:
        """Decide a window of a layer.

        ``counts``: indicator to the sum over all shards; ``perturbation``: of the window's epoch, None only where there
        are no counts; ``coverage``: share of shards in it; ``above``: what was released in the same window of the
        layers that hold this one, by their index (:meth:`above`).
        """
        where = self.layers[layer]
        numbers = Numbers(self._threshold, self._cells[layer], counts, perturbation)
        self._withhold(layer, numbers, above)
        zones: dict[str, dict[str, People]] = {}
        for published, indicator in PUBLISHED_NAMES.items():
            for zone, people in numbers.zones[indicator].items():
                zones.setdefault(where.zone_name(zone), {})[published] = People(people)
        return ReleasedWindow(
            _PASS,
            where.name,
            label_of_width(window.width),
            window.start,
            window.end,
            coverage,
            self._threshold.k,
            self._threshold.bound,
            dict(sorted(zones.items())),
            {
                name: {pair_of(where, cell): People(people) for cell, people in cells.items()}
                for name, cells in numbers.pairs.items()
            },
            {name: {cell: _people(values) for cell, values in cells.items()} for name, cells in numbers.parts.items()},
        )

    def above(self, layer: int) -> list[int]:
        """The layers that hold this one, by index: its parent, the parent's parent, and so on."""
        found: list[int] = []
        parent = self.layers[layer].parent
        while parent is not None:
            found.append(parent)
            parent = self.layers[parent].parent
        return found

    def _withhold(self, layer: int, numbers: Numbers, above: Mapping[int, ReleasedWindow]) -> None:
        """Take out what would prove a small rest of a zone above: of presence the zone with all its cells, of origins
        all that are told of the zone."""
        for indicator in _NESTED:
            published = PUBLISHED_NAMES_OF[indicator]
            chain = [Level(numbers.zones[indicator], self.layers[layer].parents)]
            for index in self.above(layer):
                holder, window = self.layers[index], above.get(index)
                zones: Mapping[str, Mapping[str, int]] = {} if window is None else window.zones
                told = {
                    at: zones[zone][published] for at, zone in enumerate(holder.ids) if published in zones.get(zone, ())
                }
                chain.append(Level(told, holder.parents))
            for gone in withheld_in_chain(self._threshold, chain):
                numbers.withhold(indicator, gone)
        if ORIGINS in numbers.parts:
            self._withhold_origins(layer, numbers.parts[ORIGINS], above)

    def _withhold_origins(
        self, layer: int, origins: dict[tuple[str, ...], dict[str, int]], above: Mapping[int, ReleasedWindow]
    ) -> None:
        """Take out the origins of zones whose number of some segment would prove a small rest, the first segment by its
        name first, until there is none."""
        where, ids = self.layers[layer], self.layers[layer].ids
        told = self._by_segment(layer, origins)
        holders = [
            (
                self.layers[index].parents,
                self._by_segment(index, above[index].parts.get(ORIGINS, {}) if index in above else {}),
            )
            for index in self.above(layer)
        ]
        waiting = set(told)
        while waiting:
            name = min(waiting)
            chain = [Level(told[name], where.parents)]
            chain += [Level(of_holder.get(name, {}), parents) for parents, of_holder in holders]
            gone = withheld_in_chain(self._threshold, chain)
            if not gone:
                waiting.remove(name)
            for zone in gone:
                for segment in origins.pop((ids[zone],)):
                    del told[segment][zone]
                    waiting.add(segment)

    def _by_segment(
        self, layer: int, origins: Mapping[tuple[str, ...], Mapping[str, int]]
    ) -> dict[str, dict[int, int]]:
        """The numbers of each segment by zone (index)."""
        found: dict[str, dict[int, int]] = {}
        for at, zone in enumerate(self.layers[layer].ids):
            for segment, people in origins.get((zone,), {}).items():
                found.setdefault(segment, {})[at] = people
        return found

    def unpublished(self, window: ReleasedWindow) -> int:
        """Cells of a window that were not published, whatever was in them: zones, pairs of zones, and the segments of
        both."""
        layer = [each.name for each in self.layers].index(window.layer)
        zones, cells = self.layers[layer].outside, self._cells[layer]
        possible = 0
        for name in cells.counted(width_of_label(window.width)):
            at = zones * (zones + 1) if SHAPES[name].pairs else zones
            possible += at * cells.segments(name) * (cells.origins if name == "dwell_origins" else 1)
        return possible - window.published


def pair_of(layer: Layer, pair: int) -> tuple[str, str]:
    """The zones from and to which the devices of a pair of zones went."""
    origin, to = divmod(pair, layer.outside + 1)
    return layer.zone_name(origin), layer.zone_name(to)
