"""Attack 4: bounds on every number that is not published, from all that are.

What a number says is an interval; what counts of distinct devices must satisfy (:mod:`tests.privacy.relations`) makes
it narrower. Upper bounds are those of the largest counts that fit; the lower bound of a count is the smallest at which
the largest counts below it still reach all lower bounds. Both are exact in whole numbers, so they are at least as
narrow as those of a linear programme, which :func:`by_linear_programme` computes with HiGHS to check them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from indicators.counts import INDICATORS, ZONE_INDICATORS
from tests.privacy import part_bounds
from tests.privacy.crowd_day import Crowd, WindowCounts, festival_settings
from tests.privacy.knowledge import NOTHING_KNOWN, Score
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import ON, THRESHOLD_ONLY, K, Protection, Tables, epoch_key, publish
from tests.privacy.relations import Index, Relations
from zones import Layer

_HOUR, _SHORT = 3_600_000, 300_000
_AT_ONCE = 256
_NARROW = 0.01
_NESTED = ("presence", "appeared", "vanished")

Floats = NDArray[np.float64]


class Bounds(NamedTuple):
    """Of every count of an hour: what the attacker knows at least and at most, and, for scoring, the truth; (n,)."""

    lower: Floats
    upper: Floats
    truth: Floats
    published: Floats


def hours(raw: Tables, published: Tables, protection: Protection, places: NDArray[np.int32]) -> Iterator[Bounds]:
    """The bounds of each hour, with the twelve windows of 5 minutes in it, in all layers."""
    index = Index(raw.layers, _HOUR // _SHORT)
    relations = Relations(index, places)
    for start in raw.starts[_HOUR]:
        windows = [(_SHORT, start + at * _SHORT) for at in range(_HOUR // _SHORT)] + [(_HOUR, start)]
        if all(moment in raw.starts[width] for width, moment in windows):
            truth, known = (_column(index, tables, windows) for tables in (raw, published))
            yield _bounds(index, relations, truth, known, protection)


def _column(index: Index, tables: Tables, windows: list[tuple[int, int]]) -> Floats:
    column = np.zeros(len(index))
    for number, (width, start) in enumerate(windows):
        row = tables.starts[width][start]
        for layer in index.layers:
            for indicator in INDICATORS:
                column[index.cells(layer, indicator, number)] = tables[layer.name, indicator, width][row]
    return column


def _bounds(index: Index, relations: Relations, truth: Floats, known: Floats, protection: Protection) -> Bounds:
    bound, k = protection.bound, protection.k
    lower = np.where(known > 0, np.maximum(known - bound, k), 0.0)
    upper = np.where(known > 0, known + bound, k + 2 * bound - 1.0)
    for layer in index.layers:
        for window in range(index.windows):
            for indicator in ZONE_INDICATORS:
                upper[index.cells(layer, indicator, window)[layer.outside]] = np.inf
            np.fill_diagonal(flows := np.zeros((layer.outside + 1,) * 2, bool), True)
            upper[index.flows(layer, window)[flows]] = 0.0
            if protection.groups and layer.parent is not None:
                _allow_for_withheld(index, layer, window, known, upper, bound)
    upper = relations.largest(upper)
    small = np.flatnonzero((known == 0) & (truth > 0) & (truth < K))
    lower[small] = _lowest(relations, lower, upper, small)
    return Bounds(lower, upper, truth, known)


def _allow_for_withheld(index: Index, layer: Layer, window: int, known: Floats, upper: Floats, bound: int) -> None:
    """What may be withheld for the sake of others can be larger than what is below the threshold."""
    assert layer.parent is not None
    above = index.layers[layer.parent]
    flows = index.flows(layer, window)
    cells = {name: index.cells(layer, name, window) for name in ZONE_INDICATORS}
    parents = np.array(layer.parents)
    for name in _NESTED:
        over = known[index.cells(above, name, window)]
        numbers = known[cells[name]][: layer.outside]
        for zone in range(layer.outside):
            if numbers[zone] or parents[zone] == above.outside or not over[parents[zone]]:
                continue
            siblings = numbers[(parents == parents[zone]) & (numbers > 0)]
            most = siblings.min() + bound if len(siblings) else np.inf
            if name != "presence":
                upper[cells[name][zone]] = max(upper[cells[name][zone]], most)
                continue
            own = np.concatenate([[cells[each][zone] for each in ZONE_INDICATORS], flows[zone], flows[:, zone]])
            if not known[own].any():
                upper[own] = np.inf
                upper[cells["presence"][zone]] = max(upper[cells["presence"][zone]], most)
                upper[flows[zone, zone]] = 0.0


def _lowest(relations: Relations, lower: Floats, upper: Floats, cells: NDArray[np.int64]) -> Floats:
    """The smallest value of each of the ``cells`` at which all lower bounds can still be reached."""
    lowest = np.zeros(len(cells))
    for first in range(0, len(cells), _AT_ONCE):
        some = cells[first : first + _AT_ONCE]
        reach = np.logical_not(_feasible(relations, lower, upper, some, np.zeros(len(some))))
        left = np.flatnonzero(reach)
        no, yes = np.zeros(len(left)), upper[some[left]].copy()
        while (yes - no > 1).any():
            middle = np.floor((no + yes) / 2)
            fits = _feasible(relations, lower, upper, some[left], middle)
            yes, no = np.where(fits, middle, yes), np.where(fits, no, middle)
        lowest[first + left] = yes
    return lowest


def _feasible(
    relations: Relations, lower: Floats, upper: Floats, cells: NDArray[np.int64], values: Floats
) -> NDArray[np.bool_]:
    """Whether counts fit in which a cell is at most its value, one system for each."""
    if not len(cells):
        return np.zeros(0, bool)
    capped = np.repeat(upper[:, None], len(cells), axis=1)
    capped[cells, np.arange(len(cells))] = values
    fits: NDArray[np.bool_] = np.logical_and.reduce(relations.largest(capped) >= lower[:, None], axis=0)
    return fits


def by_linear_programme(relations: Relations, lower: Floats, upper: Floats, cell: int) -> tuple[float, float]:
    """The smallest and the largest value of one cell in real numbers, by HiGHS."""
    count = len(upper)
    rows = len(relations.left)
    left = csr_matrix((np.ones(rows), (np.arange(rows), relations.left)), (rows, count))
    limits = np.stack([lower, np.where(np.isinf(upper), 1e6, upper)], axis=1)
    aim = np.zeros(count)
    found = []
    for sign in (1.0, -1.0):
        aim[cell] = sign
        solved = linprog(aim, left - relations.right, np.zeros(rows), bounds=limits, method="highs")
        assert solved.status == 0, solved.message
        found.append(sign * float(solved.fun))
    return found[0], found[1]


def score(bounds: Bounds) -> Score:
    """How much the bounds say about cells that hold 1 to k - 1 devices and are not published."""
    small = (bounds.published == 0) & (bounds.truth > 0) & (bounds.truth < K)
    width = (bounds.upper - bounds.lower)[small]
    outside = (bounds.truth > bounds.upper) | ((bounds.truth < bounds.lower) & ((bounds.published > 0) | small))
    return Score(int(small.sum()), int((width == 0).sum()), int((width < K - 1).sum()), int(np.count_nonzero(outside)))


def run(
    crowd: Crowd, windows: list[WindowCounts], several: tuple[Crowd, list[WindowCounts]], seed: int = 0
) -> list[Outcome]:
    """Both parts of the attack on a simulated day: windows, layers and flows; and what parts a zone's people, also on
    ``several`` days of one epoch."""
    _, places = festival_settings()
    found: dict[bool, tuple[Score, Score]] = {}
    words: dict[bool, str] = {}
    raw = Tables.raw(crowd.layers, windows)
    for protection in (THRESHOLD_ONLY, ON):
        published = Tables.published(
            crowd.layers, windows, publish(windows, crowd.layers, protection, epoch_key(seed), crowd.cells)
        )
        total = NOTHING_KNOWN
        for each in hours(raw, published, protection, places.zones):
            total = total.plus(score(each))
        parts: dict[str, Score] = {}
        for some, counts in ((crowd, windows), several):
            for name, known in part_bounds.scored(some, counts, protection, epoch_key(seed)).items():
                parts[name] = parts.get(name, NOTHING_KNOWN).plus(known)
        found[protection.groups] = total, reduce(Score.plus, parts.values(), NOTHING_KNOWN)
        words[protection.groups] = "; ".join(f"{name} {known}" for name, known in parts.items())
    off, on = (found[groups][0].plus(found[groups][1]) for groups in (False, True))
    return [
        Outcome(
            id="4",
            name="bounds on every unpublished number, by windows, layers, zones and flows, and by what parts a zone's "
            "people",
            claim="inference",
            knows="which zones lie in which, by the cell catalogue",
            figure="share of unpublished cells of 1 to k - 1 devices that are known more closely than k - 1",
            without="perturbation and groups",
            off=off.share,
            on=on.share,
            target=f"0 pinned, at most {_NARROW} of intervals narrower than k - 1",
            works=off.pinned > 0 and off.share > _NARROW,
            fails=on.pinned == 0 and on.share <= _NARROW and on.wrong == off.wrong == 0,
            detail=f"windows, layers, zones and flows: off {found[False][0]}; on {found[True][0]}; parts: off "
            f"{found[False][1]}; on {found[True][1]}, of these: {words[True]}",
        )
    ]
