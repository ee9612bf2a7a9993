"""The rules of publication as the oracle needs them, the errors of numbers, and which number passes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from config.settings import Settings
from foule.oracle.parameters import Parameters
from foule.oracle.visits import Cell
from zones import Layer

_WHOLE = 2**32


class WindowKey(NamedTuple):
    """A window of a layer; ``width``, ``start`` and ``end`` in ms (a window that is cut ends early)."""

    layer: str
    width: int
    start: int
    end: int


Tallies = dict[WindowKey, dict[str, dict[Cell, int]]]
"""Devices by window, indicator and cell: a zone id, or names such as (from, to) for flows. What is zero is absent."""

Keys = Mapping[str, bytes]
"""The keys of epochs by their labels."""


@dataclass(frozen=True)
class Rules:
    """``k`` and ``noise`` as in the settings; ``within``: by layer, the layer that holds it and the zone there that
    holds each of its zones; ``edges``: between lengths of stay, in ms."""

    k: int
    noise: int
    within: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    edges: tuple[int, ...] = Parameters.dwell_edges

    @classmethod
    def of(cls, settings: Settings, layers: Sequence[Layer]) -> "Rules":
        """The same values, taken from the settings of the application and its zones."""
        within = {
            layer.name: (
                layers[layer.parent].name,
                {
                    zone: layers[layer.parent].zone_name(at)
                    for zone, at in zip(layer.ids, layer.parents, strict=True)
                    if at != layers[layer.parent].outside
                },
            )
            for layer in layers
            if layer.parent is not None
        }
        edges = tuple(int(edge) for edge in settings.indicators.dwell_edges)
        return cls(settings.privacy.k, settings.privacy.noise, within, edges)


def record_key(key: bytes, subscriber: str) -> int:
    """The record key of a subscriber: the last four bytes of the digest whose first eight are the pseudonym."""
    return int.from_bytes(blake2b(subscriber.encode(), key=key, digest_size=12).digest()[8:], "little")


def add_record_key(sums: Tallies, window: WindowKey, indicator: str, cell: Cell, record: int) -> None:
    """Count a device's record key in a cell."""
    cells = sums.setdefault(window, {}).setdefault(indicator, {})
    cells[cell] = (cells.get(cell, 0) + record) % _WHOLE


def error(key: bytes, noise: int, record_keys: int, name: str) -> int:
    """The error of the cell of this name whose devices' record keys add up to ``record_keys``."""
    secret = blake2b(key=key, digest_size=32, person=b"foule noise").digest()
    digest = blake2b((record_keys % _WHOLE).to_bytes(4, "little") + name.encode(), key=secret, digest_size=8).digest()
    return int.from_bytes(digest, "little") % (2 * noise + 1) - noise


class Group(NamedTuple):
    """Devices that are counted as one number: how many, and the sum of their record keys."""

    people: int
    key: int


def together(groups: Iterable[Group]) -> Group:
    """The devices of groups that have none in common."""
    listed = list(groups)
    return Group(sum(group.people for group in listed), sum(group.key for group in listed) % _WHOLE)


class Bar(NamedTuple):
    """Whether the number of a group of a layer may be published; ``secret``: the key of the window's epoch."""

    rules: Rules
    layer: str
    secret: bytes

    def number(self, group: Group, indicator: str, *names: str) -> int | None:
        """What would be published of the group in the cell of these names; None where nothing may be."""
        people = group.people + self._error(group, indicator, *names)
        return people if group.people >= self.rules.k and people >= self.rules.k + self.rules.noise else None

    def passes(self, group: Group, other: Group, indicator: str, *names: str) -> bool:
        """Whether the group would be published if it had the error of the other one in the cell of these names."""
        return group.people + self._error(other, indicator, *names) >= self.rules.k + self.rules.noise

    def _error(self, group: Group, indicator: str, *names: str) -> int:
        name = "\0".join((indicator, self.layer, *names))
        return error(self.secret, self.rules.noise, group.key, name) if self.rules.noise else 0
