"""Which zone of its parent layer each zone of a layer lies in: as the settings say, or as the zones show."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from config.sections import LayerSettings
from zones.files import refuse
from zones.layers import Layer

# Borders drawn at two scales: so much of a zone's area may lie beyond the borders of its parent.
_BEYOND = 0.01
# From this share of zones on, a layer is said to nest but for some zones.
_NEARLY = 0.9


class Drawn(NamedTuple):
    """A layer, its zone of each cell, (n_cells,) int32, and its polygons, (n_zones,); None for one from a column."""

    layer: Layer
    zone: NDArray[np.int32]
    polygons: NDArray[np.object_] | None


class _Shared(NamedTuple):
    """Pairs of a child zone and a parent zone, or outside, with the number of cells in both, (n_pairs,) each."""

    child: NDArray[np.int64]
    holder: NDArray[np.int64]
    cells: NDArray[np.int64]

    @property
    def parted(self) -> NDArray[np.int64]:
        """The child zones that more than one holder has cells of, ascending."""
        zone, holders = np.unique(self.child, return_counts=True)
        return zone[holders > 1]


def nest(drawn: Sequence[Drawn], settings: Sequence[LayerSettings], report: list[str]) -> list[Layer]:
    """The layers with their parents, in their order; adds to the ``report`` which nest.

    A layer whose settings name no parent gets the finest one in which its zones do nest: by their cells, or by
    their polygons where no cell lies in them. Raises ZonesError where a parent that is named does not hold the
    zones: a zone with cells in two zones of the parent layer (outside counts as one), or with more than 1 % of its
    area beyond its parent.
    """
    names = [one.layer.name for one in drawn]
    parent = [None if layer.parent is None else names.index(layer.parent) for layer in settings]
    parents: list[tuple[int, ...]] = [()] * len(drawn)
    for at, named in enumerate(parent):
        if named is not None:
            parents[at] = _checked(drawn[at], drawn[named], report)
    for at in range(len(drawn)):
        if settings[at].parent is None:
            parent[at] = _derived(at, drawn, parent, report)
            if (found := parent[at]) is not None:
                parents[at] = tuple(_holders(drawn[at], drawn[found]).tolist())
    return [
        replace(one.layer, parent=above, parents=zones)
        for one, above, zones in zip(drawn, parent, parents, strict=True)
    ]


def _checked(child: Drawn, parent: Drawn, report: list[str]) -> tuple[int, ...]:
    """The parent of each zone of ``child``; raises ZonesError where the zones do not nest."""
    shared = _shared(child, parent)
    refuse([_parted(child.layer, parent.layer, shared, int(zone)) for zone in shared.parted])
    holders = _holders(child, parent)
    refuse(_beyond(child, parent, holders))
    inside = int(np.count_nonzero(holders < parent.layer.outside))
    counted = f"{inside} of {len(holders)} zones lie in one of its zones"
    report.append(f"layer {child.layer.name}: its parent is layer {parent.layer.name}; {counted}")
    return tuple(holders.tolist())


def _parted(child: Layer, parent: Layer, shared: _Shared, zone: int) -> str:
    mine = np.flatnonzero(shared.child == zone)
    most = mine[np.argsort(-shared.cells[mine], kind="stable")][:2]
    one, other = (f'"{parent.zone_name(int(shared.holder[at]))}" (cells: {shared.cells[at]})' for at in most)
    also = f" and in {mine.size - 2} more" if mine.size > 2 else ""
    return (
        f'layer {child.name}: zone "{child.ids[zone]}" has cells in two zones of its parent layer {parent.name}, '
        f"{one} and {other}{also}; a zone must lie in one of them, or outside of all, with all its cells: draw the "
        "layers from the same borders, or leave `parent` of the layer away"
    )


def _shared(child: Drawn, parent: Drawn) -> _Shared:
    inside = child.zone < child.layer.outside
    wide = parent.layer.outside + 1
    pairs = child.zone[inside].astype(np.int64) * wide + parent.zone[inside]
    pair, cells = np.unique(pairs, return_counts=True)
    return _Shared(pair // wide, pair % wide, cells)


def _holders(child: Drawn, parent: Drawn) -> NDArray[np.int64]:
    """The parent of each zone, (n_zones,): of its cells, else of a point within its polygon, else outside."""
    outside = parent.layer.outside
    holders = np.full(child.layer.outside, -1, dtype=np.int64)
    shared = _shared(child, parent)
    holders[shared.child] = shared.holder
    empty = np.flatnonzero(holders < 0)
    holders[empty] = outside
    if empty.size and child.polygons is not None and parent.polygons is not None:
        within = shapely.point_on_surface(child.polygons[empty])
        point, zone = shapely.STRtree(parent.polygons).query(within, predicate="intersects")
        located = np.full(empty.size, outside, dtype=np.int64)
        np.minimum.at(located, point, zone)
        holders[empty] = located
    return holders


def _beyond(child: Drawn, parent: Drawn, holders: NDArray[np.int64]) -> list[str]:
    """A line for each zone that by its polygon lies in its parent less than by its cells."""
    if child.polygons is None or parent.polygons is None:
        return []
    advice = "draw the layers from the same borders, or leave `parent` of the layer away"
    lines = []
    held = np.flatnonzero(holders < parent.layer.outside)
    holder = parent.polygons[holders[held]]
    shapely.prepare(parent.polygons)
    loose = ~shapely.covers(holder, child.polygons[held])
    held, holder = held[loose], holder[loose]
    share = shapely.area(shapely.difference(child.polygons[held], holder)) / shapely.area(child.polygons[held])
    for at in np.flatnonzero(share > _BEYOND).tolist():
        zone, above = int(held[at]), int(holders[held[at]])
        lines.append(
            f'layer {child.layer.name}: zone "{child.layer.ids[zone]}" lies in zone "{parent.layer.ids[above]}" of '
            f"its parent layer {parent.layer.name}, but for {share[at]:.1%} of its area; at most {_BEYOND:.0%} is "
            f"expected: {advice}"
        )
    free = np.flatnonzero(holders == parent.layer.outside)
    one, other = shapely.STRtree(parent.polygons).query(child.polygons[free], predicate="intersects")
    zone_of, area = child.polygons[free[one]], shapely.area(child.polygons[free[one]])
    share = shapely.area(shapely.intersection(zone_of, parent.polygons[other])) / area
    for at in np.flatnonzero(share > _BEYOND).tolist():
        zone, above = int(free[one[at]]), int(other[at])
        lines.append(
            f'layer {child.layer.name}: zone "{child.layer.ids[zone]}" lies in no zone of its parent layer '
            f'{parent.layer.name}, but for {share[at]:.1%} of its area in zone "{parent.layer.ids[above]}"; at most '
            f"{_BEYOND:.0%} is expected: {advice}"
        )
    return lines


def _derived(at: int, drawn: Sequence[Drawn], parent: Sequence[int | None], report: list[str]) -> int | None:
    """The parent of layer ``at`` as its zones show it: of those in which it nests, the one with most zones in use."""
    found: list[tuple[int, int]] = []
    for other in range(len(drawn)):
        if other == at or at in _chain(other, parent):
            continue
        holders = _nested(drawn[at], drawn[other], report)
        if holders is not None:
            found.append((-np.unique(holders[holders < drawn[other].layer.outside]).size, other))
    if not found:
        return None
    finest = min(found)[1]
    child, above = drawn[at], drawn[finest]
    report.append(
        f"layer {child.layer.name}: its zones nest in those of layer {above.layer.name}, which is taken as its parent: "
        "where only a few people are in none of its published zones, another is withheld; name the parent "
        f'(parent = "{above.layer.name}") to refuse zones that do not nest'
    )
    if beyond := _beyond(child, above, _holders(child, above)):
        report.append(
            f"layer {child.layer.name}: {len(beyond)} of {len(child.layer.ids)} zones reach beyond their parent in "
            f"layer {above.layer.name} by their polygons: events with a point and no cell may be in the one alone"
        )
    for _, other in found:
        if other != finest and other not in _chain(finest, parent):
            report.append(
                f"layer {child.layer.name}: its zones nest in those of layer {drawn[other].layer.name}, too, which "
                "does not guard the differences of these two: leave one of the layers away if few people are in them"
            )
    return finest


def _chain(at: int, parent: Sequence[int | None]) -> list[int]:
    """Layer ``at``, its parent, its parent's parent and so on."""
    chain = [at]
    while (above := parent[chain[-1]]) is not None:
        chain.append(above)
    return chain


def _nested(child: Drawn, parent: Drawn, report: list[str]) -> NDArray[np.int64] | None:
    """The parent of each zone, (n_zones,), if the zones nest and the difference of the layers can show a group."""
    outside = parent.layer.outside
    shared = _shared(child, parent)
    if not shared.child.size or np.all(parent.zone == outside):
        return _nested_by_polygons(child, parent)
    if shared.parted.size:
        _say_nearly(child.layer, parent.layer, shared, report)
        return None
    held = shared.holder < outside
    size = np.bincount(parent.zone, minlength=outside + 1)
    children = np.bincount(shared.holder[held], minlength=outside + 1)
    smaller = shared.cells[held] < size[shared.holder[held]]
    return _holders(child, parent) if smaller.any() or children.max() > 1 else None


def _nested_by_polygons(child: Drawn, parent: Drawn) -> NDArray[np.int64] | None:
    if child.polygons is None or parent.polygons is None:
        return None
    holders = _holders(child, parent)
    held = np.flatnonzero(holders < parent.layer.outside)
    smaller = shapely.area(child.polygons[held]) < (1 - _BEYOND) * shapely.area(parent.polygons[holders[held]])
    if not smaller.any() and np.unique(holders[held]).size == held.size:
        return None
    return None if _beyond(child, parent, holders) else holders


def _say_nearly(child: Layer, parent: Layer, shared: _Shared, report: list[str]) -> None:
    parted = shared.parted
    zones = np.unique(shared.child).size
    held = np.setdiff1d(shared.child[shared.holder < parent.outside], parted).size
    if held >= _NEARLY * zones:
        report.append(
            f"layer {child.name}: {held} of {zones} zones lie in one zone each of layer {parent.name}, but "
            f'{parted.size} have cells in two (for example "{child.ids[int(parted[0])]}"), so it is not taken as '
            "their parent and their differences are not guarded: draw the layers from the same borders, or leave one "
            "away"
        )
