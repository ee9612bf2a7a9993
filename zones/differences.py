"""Zones that differ by a few cells: the difference of their numbers would be about the few people in those cells."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from zones.files import refuse
from zones.layers import Layer


def check(layers: Sequence[Layer], zones_of_cells: NDArray[np.int32], at_least: int) -> list[str]:
    """Raises ZonesError if two zones differ by fewer than ``at_least`` cells, but by one; returns lines to report.

    ``zones_of_cells`` is (n_cells, n_layers). Two zones differ by the cells that are in one of them only. Those
    without a common cell are not compared: neither says anything of the other. Zones of one layer share no cell.
    """
    if not at_least:
        return [
            "zones.min_difference is 0: zones that differ by a few cells are not refused; who subtracts their numbers "
            "may learn of the few people in between"
        ]
    size = [np.bincount(zones_of_cells[:, at], minlength=layer.outside + 1) for at, layer in enumerate(layers)]
    problems = []
    for one, other in combinations(range(len(layers)), 2):
        zone, rival, common = _common(layers[one], layers[other], zones_of_cells[:, [one, other]])
        differing = size[one][zone] + size[other][rival] - 2 * common
        problems += [
            f'zone "{layers[one].ids[zone[at]]}" of layer {layers[one].name} and zone "{layers[other].ids[rival[at]]}" '
            f"of layer {layers[other].name} differ by {differing[at]} of the {size[one][zone[at]]} and "
            f"{size[other][rival[at]]} cells in them; no difference or at least {at_least} cells are expected, or the "
            "difference of their numbers is about a few people: give both the same cells, draw one larger or "
            "smaller, or leave one away (zones.min_difference sets how many cells)"
            for at in np.flatnonzero((differing > 0) & (differing < at_least)).tolist()
        ]
    refuse(problems)
    return [line for at in range(len(layers)) for line in _rest(layers, at, zones_of_cells, at_least)]


def _common(
    one: Layer, other: Layer, zones: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of zones that have cells in common, and how many, (n_pairs,) each."""
    both = zones[(zones[:, 0] < one.outside) & (zones[:, 1] < other.outside)].astype(np.int64)
    pair, common = np.unique(both[:, 0] * (other.outside + 1) + both[:, 1], return_counts=True)
    return pair // (other.outside + 1), pair % (other.outside + 1), common


def _rest(layers: Sequence[Layer], at: int, zones_of_cells: NDArray[np.int32], at_least: int) -> list[str]:
    """A line where parents have a few cells in none of their children: what all of these leave of the parent."""
    child = layers[at]
    if child.parent is None:
        return []
    parent = layers[child.parent]
    zone, above = zones_of_cells[:, at], zones_of_cells[:, child.parent]
    left = np.bincount(above[zone == child.outside], minlength=parent.outside + 1)[: parent.outside]
    parents = np.bincount(child.parents, minlength=parent.outside + 1)[: parent.outside]
    few = np.flatnonzero((left > 0) & (left < at_least) & (parents > 0))
    if not few.size:
        return []
    return [
        f"layer {child.name}: of {few.size} of {len(parent.ids)} zones of layer {parent.name} fewer than {at_least} "
        f'cells lie in none of its zones (for example {left[few[0]]} of "{parent.ids[few[0]]}"): what its zones leave '
        "of them is about a few people"
    ]
