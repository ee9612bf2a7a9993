"""What may be published, one cell after the other: the rules of docs/privacy.md in the plainest way."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping

from foule.oracle.bins import NUMBER_BINS, Bins, stay_bins
from foule.oracle.merging import Run, merged
from foule.oracle.pooling import CLASSES, Pool, pooled
from foule.oracle.rules import Bar, Group, Keys, Rules, Tallies, WindowKey, add_record_key, record_key, together
from foule.oracle.visits import Cell
from foule.oracle.withholding import Cells, proven, withhold
from zones import OUTSIDE

__all__ = ["Keys", "Rules", "Tallies", "WindowKey", "add_record_key", "published", "record_key"]

POOLED = ("origins", "arrival_origins", "departure_origins", "flow_origins", "night_origins", "categories", "catchment")
"""Indicators of which the last name of a cell is a segment of what the names before it name."""

MERGED = ("dwell", "recurrence", "sojourns")
"""Indicators of which the last name of a cell is a bin."""

Names = tuple[str, ...]
Groups = Mapping[Names, Group]


def published(rules: Rules, tallies: Tallies, sums: Tallies, secret_of: Callable[[WindowKey], bytes]) -> Tallies:
    """What may be published of these windows. ``sums``: of the record keys of each cell's devices; ``secret_of``: the
    epoch's key by which a window's errors are drawn.

    A cell is named by its zone or pair and, where they part it, by a segment or by a run of bins. What is of outside
    alone is left out (outside may be either end of a flow), and a window of which nothing remains is, too.
    """
    found: Tallies = {}
    for window in sorted(tallies, key=lambda window: _depth(rules, window.layer)):
        bar = Bar(rules, window.layer, secret_of(window))
        cells: Cells = {}
        for indicator, counts in tallies[window].items():
            if indicator != "dwell_origins":
                cells.update(_released(bar, indicator, _groups(counts, sums.get(window, {}).get(indicator, {}))))
        parted = _groups(tallies[window].get("dwell_origins", {}), sums.get(window, {}).get("dwell_origins", {}))
        cells.update(_dwell_origins(bar, parted, cells))
        withhold(rules, window, cells, found)
        for (indicator, cell), people in cells.items():
            found.setdefault(window, {}).setdefault(indicator, {})[cell] = people
    return found


def _depth(rules: Rules, layer: str) -> int:
    return 1 + _depth(rules, rules.within[layer][0]) if layer in rules.within else 0


def _groups(counts: Mapping[Cell, int], sums: Mapping[Cell, int]) -> Groups:
    """The devices of each cell, by its names, but for what is of outside alone."""
    return {
        cell if isinstance(cell, tuple) else (cell,): Group(count, sums.get(cell, 0))
        for cell, count in counts.items()
        if cell != OUTSIDE
    }


def _released(bar: Bar, indicator: str, groups: Groups) -> Iterator[tuple[tuple[str, Cell], int]]:
    """The numbers of an indicator that may be published, as far as it alone tells."""
    if indicator in POOLED:
        for names, segments in _parted(groups).items():
            classes = CLASSES if indicator.endswith("origins") else ()
            for name, pool in _pooled(bar, segments, indicator, names, classes).items():
                yield (indicator, (*names, name)), pool.people
    elif indicator in MERGED:
        bins = stay_bins(bar.rules.edges) if indicator == "dwell" else NUMBER_BINS
        for names, parts in _parted(groups).items():
            for run, people in _merged(bar, bins, parts, indicator, names).items():
                yield (indicator, (*names, bins.run(*run))), people
    else:
        for names, group in groups.items():
            number = bar.number(group, indicator, *names)
            if number is not None:
                yield (indicator, names if len(names) > 1 else names[0]), number


def _parted(groups: Groups) -> dict[Names, dict[str, Group]]:
    """The parts of each whole by the last name."""
    parted: dict[Names, dict[str, Group]] = defaultdict(dict)
    for (*names, part), group in groups.items():
        parted[tuple(names)][part] = group
    return parted


def _number(bar: Bar, indicator: str, names: Names) -> Callable[[Group, str], int | None]:
    """What would be published of a part of the whole of these names."""
    return lambda group, part: bar.number(group, indicator, *names, part)


def _dwell_origins(bar: Bar, groups: Groups, cells: Cells) -> Iterator[tuple[tuple[str, Cell], int]]:
    """Lengths of stay by origin: origins are pooled as if all had stayed equally long, and of what is published then
    bins are merged. What would say too much beside the lengths of stay of all is taken out."""
    bins = stay_bins(bar.rules.edges)
    by_zone: dict[str, dict[str, dict[str, Group]]] = defaultdict(lambda: defaultdict(dict))
    for (zone, origin, part), group in groups.items():
        by_zone[zone][origin][part] = group
    for zone, origins in by_zone.items():
        wholes = {origin: together(parts.values()) for origin, parts in origins.items()}
        runs: dict[tuple[str, Run], int] = {}
        segments: list[str] = []
        for segment, pool in _pooled(bar, wholes, "dwell_origins", (zone,), CLASSES).items():
            parts = {
                name: together(origins[origin][name] for origin in pool.members if name in origins[origin])
                for name in bins.names
            }
            found = _merged(bar, bins, parts, "dwell_origins", (zone, segment))
            segments.append(segment)
            runs.update({(segment, run): people for run, people in found.items()})
        _take_out_small_rests(bar.rules, bins, zone, runs, segments, cells)
        for (segment, run), people in runs.items():
            yield ("dwell_origins", (zone, segment, bins.run(*run))), people


def _pooled(
    bar: Bar, segments: Mapping[str, Group], indicator: str, names: Names, classes: Collection[str]
) -> dict[str, Pool]:
    """What may be published of the segments of the whole of these names."""
    return pooled(segments, _number(bar, indicator, names), _again(bar, indicator, names), classes)


def _merged(bar: Bar, bins: Bins, parts: Mapping[str, Group], indicator: str, names: Names) -> dict[Run, int]:
    """The runs of bins of the whole of these names."""
    return merged(bins, parts, _number(bar, indicator, names), _again(bar, indicator, names))


def _again(bar: Bar, indicator: str, names: Names) -> Callable[[Group, Group, str], bool]:
    """Whether a part of the whole of these names passes with the error of another group as well."""
    return lambda group, other, part: bar.passes(group, other, indicator, *names, part)


def _take_out_small_rests(
    rules: Rules, bins: Bins, zone: str, runs: dict[tuple[str, Run], int], segments: Collection[str], cells: Cells
) -> None:
    """Take out segments of which published runs of all lengths of stay would leave a small rest.

    The runs of all are looked at in their order. At the first where too much is known of the devices that are in none
    of the segments' runs within it, the segment that has the fewest devices there, then by name, goes with all its
    runs; and so on from the first. ``segments``: all of the zone, also those of which no run may be published.
    """
    wholes = {
        run: cells["dwell", (zone, bins.run(*run))]
        for run in ((first, last) for first in range(len(bins.lows)) for last in range(first, len(bins.lows)))
        if ("dwell", (zone, bins.run(*run))) in cells
    }
    left = set(segments)
    while (smallest := _beside_small_rest(rules, wholes, runs, left, len(left) < len(segments))) is not None:
        left.remove(smallest)
        for at in [at for at in runs if at[0] == smallest]:
            del runs[at]


def _beside_small_rest(
    rules: Rules, wholes: Mapping[Run, int], runs: Mapping[tuple[str, Run], int], segments: Collection[str], gone: bool
) -> str | None:
    """The segment that is to go; None if none has to.

    Too much is known if published numbers prove, whatever the errors are, that the missing ones are more than twice the
    noise, and fewer than k; or, when something is missing at all (some segment has ``gone``, or not all bins of the run
    are told of each), that they are fewer than k - 1.
    """
    for (first, last), people in sorted(wholes.items()):
        inside = {at: n for at, n in runs.items() if first <= at[1][0] and at[1][1] <= last}
        in_segment = {name: sum(n for (other, _), n in inside.items() if other == name) for name in segments}
        in_segment = {name: n for name, n in in_segment.items() if n}
        told = {name: sum(to - at + 1 for other, (at, to) in inside if other == name) for name in segments}
        missing = gone or min(told.values(), default=0) < last - first + 1
        least = proven(rules.noise, people, list(inside.values()))
        most = least + 2 * rules.noise * (1 + len(inside))
        if in_segment and (2 * rules.noise < least < rules.k or (missing and most < rules.k - 1)):
            return min(in_segment, key=lambda name: (in_segment[name], name))
    return None
