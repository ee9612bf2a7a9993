"""Attack 4, parts: bounds on every number by origin, length of stay, category and so on that is not published.

What parts the people of a zone adds up to them, and several indicators part the same people: origins and categories,
nights by origin and tourists, lengths of stay by origin and those of all. What is missing in one may follow from
another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from anonymizer.gate import PUBLISHED_NAMES, ReleasedWindow
from anonymizer.perturbation import Perturbation
from anonymizer.segments import OTHER
from indicators.calendar import DAY_MS
from indicators.categories import CATEGORIES
from indicators.cells import PARTED, SHAPES, Cells, Rule
from indicators.counts import Counts
from tests.privacy.crowd_day import Crowd, WindowCounts
from tests.privacy.full_plan import HOUR_MS, pool_of
from tests.privacy.intervals import MANY, Intervals
from tests.privacy.knowledge import NOTHING_KNOWN, Score
from tests.privacy.publishing import K, Protection, publish

Names = tuple[str, ...]
#: A count: indicator, layer, place (a zone or a pair), and the codes of its segment.
Atom = tuple[str, str, Names, tuple[int, ...]]
Parts = Mapping[str, Mapping[Names, Mapping[str, int]]]

#: The number of which each indicator parts the devices; of those who ended a visit there is none.
_WHOLE = {
    "origins": "presence",
    "arrival_origins": "arrivals",
    "departure_origins": "departures",
    "flow_origins": "flows",
    "night_origins": "nights",
    "categories": "presence",
    "catchment": "presence",
    "recurrence": "presence",
    "sojourns": "nights",
}


class Told(NamedTuple):
    """What is published of a window in one layer: numbers of zones and pairs by indicator, and parts."""

    single: Mapping[str, Mapping[Names, int]]
    parts: Parts


def told(window: ReleasedWindow, parts: Parts) -> Told:
    """A released window as counts are called, with these ``parts``."""
    single: dict[str, dict[Names, int]] = {}
    for zone, numbers in window.zones.items():
        for name, people in numbers.items():
            single.setdefault(PUBLISHED_NAMES[name], {})[zone,] = people
    for name, pairs in window.pairs.items():
        single[name] = {(origin, to): people for (origin, to), people in pairs.items()}
    return Told(single, parts)


def alone(counts: Mapping[str, Counts], cells: Cells, protection: Protection, perturbation: Perturbation) -> Parts:
    """Parts that are published each by itself, whatever that says of the others."""
    found: dict[str, dict[Names, dict[str, int]]] = {}
    for indicator in counts.keys() & set(PARTED):
        held = counts[indicator]
        names = [cells.names(indicator, cell) for cell in held.cells.tolist()]
        errors = perturbation.errors(["\0".join((indicator, cells.layer.name, *name)) for name in names], held.keys)
        for name, people in zip(names, (held.counts + errors).tolist(), strict=True):
            if people >= protection.threshold.least:
                found.setdefault(indicator, {}).setdefault(name[:-1], {})[name[-1]] = people
    return found


class Knowledge:
    """What an attacker knows of one window in all layers."""

    def __init__(self, crowd: Crowd, told: Sequence[Told], counts: WindowCounts, protection: Protection) -> None:
        """``told``: of each layer; of ``counts`` only is used which pairs of zones somebody went between."""
        self.known = Intervals()
        self._protection = protection
        self._cells = crowd.cells
        self.published: set[Atom] = set()
        self._caps = protection.k + 2 * protection.bound - 1.0
        width = counts.window.width
        for cells, numbers in zip(self._cells, told, strict=True):
            raw = counts.counts.get(cells.layer.name, {})
            for indicator in [name for name in cells.counted(width) if name in PARTED]:
                for place in self._places(indicator, cells, raw):
                    self._part(indicator, cells, place, numbers)
            self._within(cells, width)
        self._across(crowd)

    def _places(self, indicator: str, cells: Cells, raw: Mapping[str, Counts]) -> Iterator[int]:
        if SHAPES[indicator].pairs:
            yield from raw["flows"].cells.tolist() if "flows" in raw else ()
        else:
            yield from range(cells.layer.outside)

    def _part(self, indicator: str, cells: Cells, place: int, numbers: Told) -> None:
        """The segments of one cell: what they add up to, and what is published of them."""
        layer, named = cells.layer.name, cells.of(indicator, place)
        rule = SHAPES[indicator].rule
        shown = numbers.parts.get(indicator, {})
        if rule is Rule.POOLED_THEN_MERGED:
            self._by_origin(cells, place, {cell[-1]: shown[cell] for cell in shown if cell[:-1] == named})
            return
        atoms = [(indicator, layer, named, (code,)) for code in range(cells.segments(indicator))]
        whole = self._whole(indicator, cells, named, numbers)
        self.known.equal(whole, atoms)
        if rule is Rule.MERGED:
            self._merged(cells, indicator, [[atom] for atom in atoms], shown.get(named, {}), f"{whole}")
        else:
            self._pooled(cells, indicator, place, atoms, shown.get(named, {}))
        if named not in shown:
            self._nothing(cells, whole, [[atom] for atom in atoms])

    def _whole(self, indicator: str, cells: Cells, named: Names, numbers: Told) -> Atom:
        """The count that a cell's segments add up to, and what is published of it."""
        name = _WHOLE.get(indicator, f"all {indicator}")
        whole: Atom = (name, cells.layer.name, named, ())
        if name in numbers.single and named in numbers.single[name]:
            self._publish(whole, numbers.single[name][named])
        elif name in _WHOLE.values() and cells.layer.parent is None:
            self.known.know(whole, 0, self._caps)
        return whole

    def _publish(self, name: object, people: int) -> None:
        bound = self._protection.bound
        self.known.know(name, max(people - bound, self._protection.k), people + bound)

    def _nothing(self, cells: Cells, whole: Atom, segments: Sequence[Sequence[Atom]]) -> None:
        """Nothing is published of a cell: all together are too few, unless it was withheld for a zone above."""
        if not self._protection.groups:
            return
        if cells.layer.parent is None:
            self.known.know(whole, 0, self._caps)

    def _pooled(
        self, cells: Cells, indicator: str, place: int, atoms: Sequence[Atom], shown: Mapping[str, int]
    ) -> None:
        labels = [cells.segment(indicator, place, atom[3][-1]) for atom in atoms]
        pools = [pool_of(cells, indicator, place, atom[3][-1]) for atom in atoms]
        for atom, label in zip(atoms, labels, strict=True):
            if label in shown:
                self._publish(atom, shown[label])
                self.published.add(atom)
        hidden = [at for at, label in enumerate(labels) if label not in shown]
        if not self._protection.groups:
            for at in hidden:
                self.known.know(atoms[at], 0, self._caps)
            return
        if OTHER not in shown:
            return
        for at in hidden:
            self.known.know(atoms[at], 0, self._most_hidden(shown))
        classes = sorted({pool for pool in pools if pool is not None and pool in shown})
        key = (indicator, cells.layer.name, atoms[0][2])
        for pool in classes:
            members = [atoms[at] for at in hidden if pools[at] == pool]
            self._publish((*key, pool), shown[pool])
            self.known.at_most((*key, pool), members)
        rest = [atoms[at] for at in hidden if pools[at] not in classes]
        self._publish((*key, OTHER), shown[OTHER])
        self.known.equal((*key, "hidden"), [(*key, name) for name in (*classes, OTHER)])
        self.known.equal((*key, "hidden"), [atoms[at] for at in hidden])
        self.known.equal((*key, OTHER), [(*key, "from classes"), *rest])

    def _most_hidden(self, shown: Mapping[str, int]) -> float:
        """The most that a segment in a pool can be: too small, or smaller than all that are published."""
        bound = self._protection.bound
        smallest = min((people for name, people in shown.items() if name != OTHER), default=None)
        if smallest is None:
            return MANY
        if shown[OTHER] - bound > self._caps + smallest + bound:
            return self._caps
        return max(self._caps, smallest + bound)

    def _merged(
        self, cells: Cells, indicator: str, bins: Sequence[Sequence[Atom]], shown: Mapping[str, int], key: str
    ) -> None:
        """Runs of bins; each of the ``bins`` has one count or more."""
        name = cells.bins_of(indicator).name
        for first in range(len(bins)):
            for last in range(first, len(bins)):
                if name(first, last) not in shown:
                    continue
                inside = [atom for at in range(first, last + 1) for atom in bins[at]]
                run = (key, "run", first)
                self._publish(run, shown[name(first, last)])
                self.known.equal(run, inside)
                if len(inside) == 1:
                    self.published.add(inside[0])
                if first < last < len(bins) - 1:
                    self.known.know((key, "before", first), 0, self._caps)
                    before = [atom for at in range(first, last) for atom in bins[at]]
                    self.known.equal((key, "before", first), before)
        if not self._protection.groups:
            for atoms in bins:
                for atom in atoms:
                    if atom not in self.published:
                        self.known.know(atom, 0, self._caps)

    def _by_origin(self, cells: Cells, zone: int, shown: Mapping[str, Mapping[str, int]]) -> None:
        """Lengths of stay by origin: of each length all origins add up to those of all."""
        named, layer = cells.of("dwell", zone), cells.layer.name
        bins, origins = cells.segments("dwell_origins"), cells.origins
        atom = [[("dwell_origins", layer, named, (code, at)) for at in range(bins)] for code in range(origins)]
        for at in range(bins):
            self.known.equal(("dwell", layer, named, (at,)), [atom[code][at] for code in range(origins)])
        for code in range(origins):
            self.known.equal(("ended", layer, named, (code,)), atom[code])
        labels = [cells.segment("dwell_origins", zone, code) for code in range(origins)]
        pools = [pool_of(cells, "dwell_origins", zone, code) for code in range(origins)]
        for code, label in enumerate(labels):
            if label in shown or not self._protection.groups:
                each = [[one] for one in atom[code]]
                self._merged(cells, "dwell_origins", each, shown.get(label, {}), f"{layer} {named} {label}")
        if not self._protection.groups:
            return
        hidden = [code for code, label in enumerate(labels) if label not in shown]
        name = cells.bins_of("dwell_origins").name
        for pool in shown.keys() - set(labels):
            members = [code for code in hidden if pool in (OTHER, pools[code])]
            for first in range(bins):
                for last in range(first, bins):
                    if name(first, last) in shown[pool]:
                        run = ("pool", layer, named, pool, first)
                        self._publish(run, shown[pool][name(first, last)])
                        self.known.at_most(run, [atom[code][at] for code in members for at in range(first, last + 1)])

    def _within(self, cells: Cells, width: int) -> None:
        """Of a zone: those who came, left or slept there were there, origin by origin; and what parts the same."""
        layer = cells.layer
        for zone in range(layer.outside):
            named = cells.of("origins", zone)
            by_origin = [(code,) for code in range(cells.origins)]
            for code in by_origin:
                there = [("origins", layer.name, named, code)]
                for part in ("arrival_origins", "departure_origins", "night_origins"):
                    if (part, layer.name, named, code) in self.known:
                        self.known.at_most((part, layer.name, named, code), there)
                ended = ("ended", layer.name, named, code)
                if ended in self.known:
                    self.known.at_most(ended, there)
                    self.known.at_most(("departure_origins", layer.name, named, code), [ended])
            if width == DAY_MS:
                self._of_the_day(cells, zone, named)

    def _of_the_day(self, cells: Cells, zone: int, named: Names) -> None:
        """Residents are those of local origin, tourists those who slept there and are not residents."""
        layer = cells.layer.name
        category = {name: ("categories", layer, named, (code,)) for code, name in enumerate(CATEGORIES)}
        local = [code for code in range(cells.origins) if cells.segment("origins", zone, code) == "local"]
        self.known.know(category["habitual"], 0, 0)
        self.known.equal(category["resident"], [("origins", layer, named, (code,)) for code in local])
        slept = [("night_origins", layer, named, (code,)) for code in local]
        self.known.equal(("nights", layer, named, ()), [category["tourist"], *slept])

    def _across(self, crowd: Crowd) -> None:
        """Who is in a zone is in one of the zones within it, or beside them; and in the one that holds it."""
        for cells in self._cells:
            layer = cells.layer
            if layer.parent is None:
                continue
            above = self._cells[layer.parent]
            for zone, holder in enumerate(layer.parents):
                if holder == above.layer.outside:
                    continue
                outer = above.of("origins", holder)
                for code in range(cells.origins):
                    inner = ("origins", layer.name, cells.of("origins", zone), (code,))
                    self.known.at_most(inner, [("origins", above.layer.name, outer, (code,))])
            for holder in range(above.layer.outside):
                inside = [zone for zone, parent in enumerate(layer.parents) if parent == holder]
                if inside and (layer.parent, holder) not in crowd.partly:
                    outer = above.of("origins", holder)
                    for code in range(cells.origins):
                        within = [("origins", layer.name, cells.of("origins", zone), (code,)) for zone in inside]
                        self.known.at_most(("origins", above.layer.name, outer, (code,)), within)

    def score(self, counts: WindowCounts) -> dict[str, Score]:
        """What the bounds say about segments of 1 to k - 1 devices, by indicator."""
        lower, upper = self.known.narrowed()
        found: dict[str, Score] = {}
        for cells in self._cells:
            for indicator, held in counts.counts.get(cells.layer.name, {}).items():
                if indicator in PARTED:
                    total = found.get(indicator, NOTHING_KNOWN)
                    for cell, people in zip(held.cells.tolist(), held.counts.tolist(), strict=True):
                        atom = _atom(cells, indicator, cell)
                        at = self.known.at(atom)
                        total = total.plus(_scored(people, lower[at], upper[at], hidden=atom not in self.published))
                    found[indicator] = total
        return found


def _atom(cells: Cells, indicator: str, cell: int) -> Atom:
    at, segment = divmod(cell, cells.segments(indicator))
    codes: tuple[int, ...] = (segment,)
    if SHAPES[indicator].rule is Rule.POOLED_THEN_MERGED:
        at, origin = divmod(at, cells.origins)
        codes = (origin, segment)
    return indicator, cells.layer.name, cells.of(indicator, at), codes


def _scored(people: int, least: float, most: float, *, hidden: bool) -> Score:
    small = hidden and people < K
    width = most - least
    return Score(int(small), int(small and width < 1), int(small and width < K - 1), int(not least <= people <= most))


def scored(crowd: Crowd, windows: Sequence[WindowCounts], protection: Protection, key: bytes) -> dict[str, Score]:
    """The attack on all windows of an hour or a day, by indicator."""
    large = [window for window in windows if window.window.width >= HOUR_MS]
    released = iter(publish(large, crowd.layers, protection, key, crowd.cells))
    perturbation = Perturbation(key, protection.bound)
    order = [layer.name for layer in crowd.layers]
    total: dict[str, Score] = {}
    for counts in large:
        by_layer = {window.layer: window for _, window in zip(order, released, strict=False)}
        numbers = []
        for cells in crowd.cells:
            window = by_layer[cells.layer.name]
            raw = counts.counts.get(cells.layer.name, {})
            parts = window.parts if protection.groups else alone(raw, cells, protection, perturbation)
            numbers.append(told(window, parts))
        for indicator, score in Knowledge(crowd, numbers, counts, protection).score(counts).items():
            total[indicator] = total.get(indicator, NOTHING_KNOWN).plus(score)
    return total
