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
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from config.errors import ContractError
from indicators.calendar import Window, label_of_width
from indicators.counts import FLOWS, ZONE_INDICATORS, Counts
from zones import Layer

#: The indicators of which a zone's devices are those of the zones within it, and no others.
_NESTED: Final = ("presence", "appeared", "vanished")

#: A number of people that passed the gate.
People = NewType("People", int)

#: How the contracts call the indicators of a zone.
PUBLISHED_NAMES: Final = MappingProxyType({"people" if name == "presence" else name: name for name in ZONE_INDICATORS})


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
    indicator (``people``, ``arrivals``, ...) to people; ``flows``: (from, to) to people. Each number is at most
    ``noise`` away from a number of at least ``k`` devices.
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
    flows: Mapping[tuple[str, str], People]

    def __post_init__(self, passed: _Pass) -> None:
        if passed is not _PASS:
            raise TypeError("a ReleasedWindow comes only from the gate (anonymizer.gate)")
        zones = {zone: MappingProxyType(dict(values)) for zone, values in self.zones.items()}
        object.__setattr__(self, "zones", MappingProxyType(zones))
        object.__setattr__(self, "flows", MappingProxyType(dict(self.flows)))

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
        about = (self.layer, self.width, self.start, self.end, self.coverage, self.k, self.noise)
        return _ENCODE(_Wire(*about, {zone: dict(values) for zone, values in self.zones.items()}, flows))


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
        wire.noise,
        {zone: {name: People(n) for name, n in values.items()} for zone, values in wire.zones.items()},
        {(origin, to): People(n) for origin, to, n in wire.flows},
    )


class Gate:
    """Decides windows of all layers: which numbers of them are published, and with which error (docs/privacy.md).

    The presence of ``outside`` is never published.
    """

    def __init__(self, threshold: Threshold, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        self._threshold = threshold

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
        passing = {
            indicator: self._passing(where, indicator, counts.get(indicator), perturbation)
            for indicator in ZONE_INDICATORS
        }
        flows = self._passing(where, FLOWS, counts.get(FLOWS), perturbation)
        self._withhold(layer, passing, flows, above)
        zones: dict[str, dict[str, People]] = {}
        for published, indicator in PUBLISHED_NAMES.items():
            for zone, people in passing[indicator].items():
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
            {pair_of(where, cell): People(people) for cell, people in flows.items()},
        )

    def _passing(
        self, layer: Layer, indicator: str, counts: Counts | None, perturbation: Perturbation | None
    ) -> dict[int, int]:
        """The perturbed counts that reach the threshold, by cell."""
        if counts is None or perturbation is None:
            return {}
        if indicator != FLOWS:
            counts = counts.where(counts.cells != layer.outside)
        counts = counts.where(counts.counts >= self._threshold.k)
        names = [cell_name(layer, indicator, cell) for cell in counts.cells.tolist()]
        perturbed = counts.counts + perturbation.errors(names, counts.keys)
        passing = perturbed >= self._threshold.least
        return dict(zip(counts.cells[passing].tolist(), perturbed[passing].tolist(), strict=True))

    def above(self, layer: int) -> list[int]:
        """The layers that hold this one, by index: its parent, the parent's parent, and so on."""
        found: list[int] = []
        parent = self.layers[layer].parent
        while parent is not None:
            found.append(parent)
            parent = self.layers[parent].parent
        return found

    def _withhold(
        self,
        layer: int,
        passing: dict[str, dict[int, int]],
        flows: dict[int, int],
        above: Mapping[int, ReleasedWindow],
    ) -> None:
        """Take out what would prove a small rest of a zone above: of presence the zone with all its cells."""
        where = self.layers[layer]
        for indicator in _NESTED:
            chain = self._chain(layer, indicator, passing[indicator], above)
            for gone in withheld_in_chain(self._threshold, chain):
                if indicator != "presence":
                    del passing[indicator][gone]
                    continue
                for cells in passing.values():
                    cells.pop(gone, None)
                for flow in [flow for flow in flows if gone in divmod(flow, where.outside + 1)]:
                    del flows[flow]

    def _chain(
        self, layer: int, indicator: str, published: Mapping[int, int], above: Mapping[int, ReleasedWindow]
    ) -> list[Level]:
        """The published numbers of the layer and of those that hold it, the innermost first."""
        name = PUBLISHED_NAMES_OF[indicator]
        levels = [Level(published, self.layers[layer].parents)]
        for index in self.above(layer):
            holder, zones = self.layers[index], above[index].zones if index in above else {}
            numbers = {at: zones[zone][name] for at, zone in enumerate(holder.ids) if name in zones.get(zone, ())}
            levels.append(Level(numbers, holder.parents))
        return levels


def cell_name(layer: Layer, indicator: str, cell: int) -> str:
    """What a cell is called where its error is drawn. Without the window: in each one the same devices have the same
    error."""
    zones = pair_of(layer, cell) if indicator == FLOWS else (layer.zone_name(cell),)
    return "\0".join((indicator, layer.name, *zones))


def pair_of(layer: Layer, flow: int) -> tuple[str, str]:
    """The zones from and to which the devices of a cell of flows went."""
    origin, to = divmod(flow, layer.outside + 1)
    return layer.zone_name(origin), layer.zone_name(to)


def unpublished(layer: Layer, window: ReleasedWindow) -> int:
    """Cells of a layer and window that were not published, whatever was in them: zones x indicators and pairs."""
    zones = layer.outside
    cells = zones * len(ZONE_INDICATORS) + zones * (zones + 1)
    return cells - window.published
