"""Numbers that are withheld because published ones beside them, of zones and of the zones that hold these, would prove
too much of the rest."""

from collections.abc import Iterator, Mapping

from foule.oracle.rules import Rules, Tallies, WindowKey
from foule.oracle.visits import Cell

Cells = dict[tuple[str, Cell], int]
"""The numbers of one window that may be published so far, by indicator and cell."""

PAIRS = ("flows", "trips", "flow_origins")
"""Indicators of which the first two names of a cell are zones."""


def withhold(rules: Rules, window: WindowKey, cells: Cells, found: Tallies) -> None:
    """Take out of ``cells`` what must be withheld, ``found`` being published of the layers that hold this one.

    The smallest zone of each zone above, of whichever layer, of which published zones prove, whatever the errors are,
    that more devices than twice the noise, and fewer than k, are missing. For presence it goes with all its cells, and
    the pairs from and to it; as first zone of another's catchment it stays. Of ``origins`` each segment is looked at in
    the order of their names; a zone goes with all its segments; then all are looked at again, from the first, in what
    is left, until no zone has to go.
    """
    for zone in _gone(rules, window, "presence", (), cells, found):
        for indicator, cell in list(cells):
            if zone in _zones(indicator, cell):
                del cells[indicator, cell]
    for nested in ("appeared", "vanished"):
        for zone in _gone(rules, window, nested, (), cells, found):
            del cells[nested, zone]
    while any(_withhold_origins(rules, window, segment, cells, found) for segment in _segments(cells)):
        pass


def _zones(indicator: str, cell: Cell) -> tuple[str, ...]:
    if isinstance(cell, str):
        return (cell,)
    return cell[:2] if indicator in PAIRS else cell[:1]


def _segments(cells: Cells) -> list[str]:
    return sorted({cell[1] for indicator, cell in cells if indicator == "origins"})


def _withhold_origins(rules: Rules, window: WindowKey, segment: str, cells: Cells, found: Tallies) -> bool:
    """Whether a zone had to go because of this segment."""
    gone = _gone(rules, window, "origins", (segment,), cells, found)
    for indicator, cell in list(cells):
        if indicator == "origins" and cell[0] in gone:
            del cells[indicator, cell]
    return bool(gone)


def _gone(
    rules: Rules, window: WindowKey, indicator: str, segment: tuple[str, ...], cells: Cells, found: Tallies
) -> list[str]:
    """The zones that must go so that this indicator, or this segment of it, does not say too much.

    Each layer above is looked at, the nearest first. Of the published zones in a zone there count those that no other
    published one between holds.
    """
    gone: list[str] = []
    holders = list(_above(rules, window.layer))
    places = list(rules.within[window.layer][1]) if holders else []
    numbers = {window.layer: _numbers({cell: n for (name, cell), n in cells.items() if name == indicator}, segment)}
    for layer in holders:
        numbers[layer] = _numbers(found.get(window._replace(layer=layer), {}).get(indicator, {}), segment)
    for at, layer in enumerate(holders):
        between = [window.layer, *holders[:at]]
        for mother, people in numbers[layer].items():
            parts = {
                (name, zone): number
                for name in between
                for zone, number in numbers[name].items()
                if mother == _up(rules, name, zone, layer)
                and not any(_up(rules, name, zone, other) in numbers[other] for other in between if other != name)
            }
            mine = [zone for name, zone in parts if name == window.layer]
            if mine and 2 * rules.noise < proven(rules.noise, people, list(parts.values())) < rules.k:
                smallest = min(mine, key=lambda zone: (numbers[window.layer][zone], places.index(zone)))
                del numbers[window.layer][smallest]
                gone.append(smallest)
    return gone


def proven(noise: int, people: int, parts: list[int]) -> int:
    """How many devices at the least are in none of the parts, whatever the errors of these published numbers are."""
    return (people - noise) - sum(number + noise for number in parts)


def _numbers(cells: Mapping[Cell, int], segment: tuple[str, ...]) -> dict[str, int]:
    """By zone; with a segment, of that alone."""
    if not segment:
        return {str(cell): people for cell, people in cells.items()}
    return {cell[0]: people for cell, people in cells.items() if cell[1:] == segment}


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
