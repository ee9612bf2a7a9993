"""What may be published, one cell after the other: the rules of docs/privacy.md in the plainest way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from config.settings import Settings
from foule.oracle.visits import Cell
from zones import Layer

OUTSIDE = "outside"

_WHOLE = 2**32
_NESTED = ("presence", "appeared", "vanished")


class WindowKey(NamedTuple):
    """A window of a layer; ``width``, ``start`` and ``end`` in ms (a window that is cut ends early)."""

    layer: str
    width: int
    start: int
    end: int


Tallies = dict[WindowKey, dict[str, dict[Cell, int]]]
"""Devices by window, indicator and cell: a zone id, or (from, to) for flows. What is zero is absent."""

Keys = Mapping[str, bytes]
"""The keys of epochs by their labels."""


@dataclass(frozen=True)
class Rules:
    """``k`` and ``noise`` as in the settings; ``within``: by layer, the layer that holds it and the zone there that
    holds each of its zones."""

    k: int
    noise: int
    within: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)

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
        return cls(settings.privacy.k, settings.privacy.noise, within)


def record_key(key: bytes, subscriber: str) -> int:
    """The record key of a subscriber: the last four bytes of the digest whose first eight are the pseudonym."""
    return int.from_bytes(blake2b(subscriber.encode(), key=key, digest_size=12).digest()[8:], "little")


def add_record_key(sums: Tallies, window: WindowKey, indicator: str, cell: Cell, record: int) -> None:
    """Count a device's record key in a cell."""
    cells = sums.setdefault(window, {}).setdefault(indicator, {})
    cells[cell] = (cells.get(cell, 0) + record) % _WHOLE


def published(rules: Rules, tallies: Tallies, sums: Tallies, secret_of: Callable[[WindowKey], bytes]) -> Tallies:
    """What may be published of these windows. ``sums``: of the record keys of each cell's devices; ``secret_of``: the
    epoch's key by which a window's errors are drawn.

    ``outside`` is no zone to publish numbers of (it is one end of flows), and a window of which nothing remains is left
    out.
    """
    found: Tallies = {}
    for window in sorted(tallies, key=lambda window: _depth(rules, window.layer)):
        cells = dict(_passing(rules, window, tallies[window], sums.get(window, {}), secret_of))
        _withhold(rules, window, cells, found)
        for (indicator, cell), people in cells.items():
            found.setdefault(window, {}).setdefault(indicator, {})[cell] = people
    return found


def _depth(rules: Rules, layer: str) -> int:
    return 1 + _depth(rules, rules.within[layer][0]) if layer in rules.within else 0


def _passing(
    rules: Rules,
    window: WindowKey,
    counts: Mapping[str, Mapping[Cell, int]],
    sums: Mapping[str, Mapping[Cell, int]],
    secret_of: Callable[[WindowKey], bytes],
) -> Iterator[tuple[tuple[str, Cell], int]]:
    for indicator, cells in counts.items():
        for cell, count in cells.items():
            if cell != OUTSIDE and count >= rules.k:
                names = cell if isinstance(cell, tuple) else (cell,)
                name = "\0".join((indicator, window.layer, *names))
                people = count
                if rules.noise:
                    people += error(secret_of(window), rules.noise, sums[indicator][cell], name)
                if people >= rules.k + rules.noise:
                    yield (indicator, cell), people


def error(key: bytes, noise: int, record_keys: int, name: str) -> int:
    """The error of the cell of this name whose devices' record keys add up to ``record_keys``."""
    secret = blake2b(key=key, digest_size=32, person=b"foule noise").digest()
    digest = blake2b((record_keys % _WHOLE).to_bytes(4, "little") + name.encode(), key=secret, digest_size=8).digest()
    return int.from_bytes(digest, "little") % (2 * noise + 1) - noise


def _withhold(rules: Rules, window: WindowKey, cells: dict[tuple[str, Cell], int], found: Tallies) -> None:
    """Take out the smallest zone of each zone above, of whichever layer, of which published zones prove, whatever the
    errors are, that more devices than twice the noise, and fewer than k, are missing.

    Of the published zones in it count those that no other published one between holds.
    """
    holders = list(_above(rules, window.layer))
    places = list(rules.within[window.layer][1]) if holders else []
    for indicator in _NESTED:
        for at, layer in enumerate(holders):
            between = [window.layer, *holders[:at]]
            for mother, people in found.get(window._replace(layer=layer), {}).get(indicator, {}).items():
                numbers = {
                    (name, zone): number
                    for name in between
                    for zone, number in _numbers(window, name, indicator, cells, found).items()
                }
                parts = {
                    (name, zone): number
                    for (name, zone), number in numbers.items()
                    if mother == _up(rules, name, zone, layer)
                    and not any((other, _up(rules, name, zone, other)) in numbers for other in between if other != name)
                }
                mine = [zone for name, zone in parts if name == window.layer]
                missing = (people - rules.noise) - sum(number + rules.noise for number in parts.values())
                if mine and 2 * rules.noise < missing < rules.k:
                    smallest = min(mine, key=lambda zone: (cells[indicator, zone], places.index(zone)))
                    _take_out(cells, indicator, smallest)


def _above(rules: Rules, layer: str) -> Iterator[str]:
    """The layers that hold this one, the nearest first."""
    while layer in rules.within:
        layer = rules.within[layer][0]
        yield layer


def _up(rules: Rules, layer: str, zone: str, to: str) -> str | None:
    """The zone of the layer ``to`` that holds a zone of a layer within it; None if none does."""
    found: str | None = zone
    while layer != to:
        if layer not in rules.within or found is None:
            return None
        layer, zones = rules.within[layer]
        found = zones.get(found)
    return found


def _numbers(
    window: WindowKey, layer: str, indicator: str, cells: Mapping[tuple[str, Cell], int], found: Tallies
) -> dict[str, int]:
    """The published numbers of a layer in the window, by zone; of the window's own, those that are still there."""
    if layer == window.layer:
        return {str(cell): people for (name, cell), people in cells.items() if name == indicator}
    return {str(cell): n for cell, n in found.get(window._replace(layer=layer), {}).get(indicator, {}).items()}


def _take_out(cells: dict[tuple[str, Cell], int], indicator: str, zone: str) -> None:
    """Withhold a zone's number, or, where it is of presence, all its numbers and flows."""
    for name, cell in list(cells):
        mine = cell == zone or (isinstance(cell, tuple) and zone in cell)
        if mine and (indicator == "presence" or name == indicator):
            del cells[name, cell]
