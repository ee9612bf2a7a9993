"""The numbers of one window of one layer: perturbed, each at or above the threshold, small segments put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from anonymizer.perturbation import Perturbation
from anonymizer.segments import NOBODY, Group, Run, Segment, contradicting, grouped, merged, together
from anonymizer.threshold import Threshold
from indicators.cells import OF_PAIRS, OF_ZONES, PARTED, SHAPES, Cells, Rule
from indicators.counts import Counts

Names = tuple[str, ...]


class Numbers:
    """What may be published of a window, before zones are withheld for what they prove of others.

    ``zones``: indicator to zone (index) to people; ``pairs``: indicator to pair of zones (index) to people; ``parts``:
    indicator to the names of a cell to people by segment.
    """

    def __init__(
        self, threshold: Threshold, cells: Cells, counts: Mapping[str, Counts], perturbation: Perturbation | None
    ) -> None:
        """``counts``: indicator to the sum over all shards; ``perturbation``: None only where there are no counts."""
        self._threshold = threshold
        self._cells = cells
        self._perturbation = perturbation
        self._counts = counts if perturbation is not None else {}
        self.zones = {name: self._single(name) for name in OF_ZONES}
        self.pairs = {name: self._single(name) for name in OF_PAIRS}
        self.parts: dict[str, dict[Names, dict[str, int]]] = {}
        self._runs: dict[int, list[Run]] = {}
        for name in PARTED:
            if name in self._counts:
                self.parts[name] = self._parted(name, self._counts[name])

    def _single(self, indicator: str) -> dict[int, int]:
        """The perturbed counts that reach the threshold, by cell."""
        counts = self._counts.get(indicator)
        if counts is None or self._perturbation is None:
            return {}
        if not SHAPES[indicator].pairs:
            counts = counts.where(counts.cells != self._cells.layer.outside)
        counts = counts.where(counts.counts >= self._threshold.k)
        names = [self._name(indicator, self._cells.of(indicator, cell)) for cell in counts.cells.tolist()]
        perturbed = counts.counts + self._perturbation.errors(names, counts.keys)
        passing = perturbed >= self._threshold.least
        return dict(zip(counts.cells[passing].tolist(), perturbed[passing].tolist(), strict=True))

    def _parted(self, indicator: str, counts: Counts) -> dict[Names, dict[str, int]]:
        rule = SHAPES[indicator].rule
        found: dict[Names, dict[str, int]] = {}
        for cell, segments in self._large(counts, self._cells.segments(indicator) * self._origins_of(indicator)):
            if rule is Rule.POOLED_THEN_MERGED:
                found |= self._by_origin(indicator, cell, segments)
                continue
            named = self._cells.of(indicator, cell)
            if rule is Rule.MERGED:
                runs = self._merged(indicator, named, segments)
                if indicator == "dwell":
                    self._runs[cell] = runs
                numbers = self._named(indicator, runs)
            else:
                numbers = {name: group.people for name, group in self._grouped(indicator, cell, segments).items()}
            if numbers:
                found[named] = numbers
        return found

    def _origins_of(self, indicator: str) -> int:
        return self._cells.origins if SHAPES[indicator].rule is Rule.POOLED_THEN_MERGED else 1

    def _large(self, counts: Counts, size: int) -> Iterator[tuple[int, dict[int, Segment]]]:
        """The cells with ``k`` devices at least, and the segments of each by their numbers."""
        cells = counts.cells // size
        if not len(cells):
            return
        first = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))
        ends = np.concatenate([first[1:], [len(cells)]])
        enough = np.add.reduceat(counts.counts, first) >= self._threshold.k
        for begin, end in zip(first[enough].tolist(), ends[enough].tolist(), strict=True):
            codes = (counts.cells[begin:end] % size).tolist()
            people, keys = counts.counts[begin:end].tolist(), counts.keys[begin:end].tolist()
            yield int(cells[begin]), dict(zip(codes, map(Segment, people, keys), strict=True))

    def _grouped(self, indicator: str, cell: int, segments: Mapping[int, Segment]) -> dict[str, Group]:
        named = {self._cells.segment(indicator, cell, code): segment for code, segment in segments.items()}
        return grouped(
            self._threshold,
            named,
            lambda name, segment: self._perturbed(indicator, (*self._cells.of(indicator, cell), name), segment),
            self._pools(indicator, cell, segments),
        )

    def _pools(self, indicator: str, cell: int, segments: Mapping[int, Segment]) -> dict[str, str]:
        pools = ((code, self._cells.pool(indicator, cell, code)) for code in segments)
        return {self._cells.segment(indicator, cell, code): pool for code, pool in pools if pool is not None}

    def _merged(self, indicator: str, named: Names, segments: Mapping[int, Segment]) -> list[Run]:
        bins = self._cells.bins_of(indicator)
        return merged(
            self._threshold,
            [segments.get(code, NOBODY) for code in range(len(bins))],
            lambda name, segment: self._perturbed(indicator, (*named, name), segment),
            bins.name,
        )

    def _named(self, indicator: str, runs: list[Run]) -> dict[str, int]:
        bins = self._cells.bins_of(indicator)
        return {bins.name(run.first, run.last): run.people for run in runs}

    def _by_origin(self, indicator: str, zone: int, segments: Mapping[int, Segment]) -> dict[Names, dict[str, int]]:
        """Origins that are large enough, the bins of each merged; without those that would show the bins of others
        beside the zone's own."""
        bins, named = len(self._cells.bins_of(indicator)), self._cells.of(indicator, zone)
        by_origin: dict[int, dict[int, Segment]] = {}
        for code, segment in segments.items():
            by_origin.setdefault(code // bins, {})[code % bins] = segment
        totals = {origin: together(of_origin.values()) for origin, of_origin in by_origin.items()}
        origin_of = {self._cells.segment(indicator, zone, origin): origin for origin in totals}
        runs = {
            name: self._merged(
                indicator, (*named, name), _added([by_origin[origin_of[member]] for member in group.members])
            )
            for name, group in self._grouped(indicator, zone, totals).items()
        }
        gone = contradicting(self._threshold, self._runs.get(zone, []), runs)
        kept = {name: of_origin for name, of_origin in runs.items() if of_origin and name not in gone}
        return {(*named, name): self._named(indicator, of_origin) for name, of_origin in sorted(kept.items())}

    def _perturbed(self, indicator: str, names: Names, segment: Segment) -> int:
        assert self._perturbation is not None
        return segment.people + self._perturbation.error(self._name(indicator, names), segment.key)

    def _name(self, indicator: str, names: Names) -> str:
        return cell_name(indicator, self._cells.layer.name, *names)

    def withhold(self, indicator: str, zone: int) -> None:
        """Take out the number of a zone; of presence: all numbers of the zone, and of pairs that it is in."""
        if indicator != "presence":
            del self.zones[indicator][zone]
            return
        for of_zones in self.zones.values():
            of_zones.pop(zone, None)
        for of_pairs in self.pairs.values():
            for pair in [pair for pair in of_pairs if zone in divmod(pair, self._cells.layer.outside + 1)]:
                del of_pairs[pair]
        name = self._cells.layer.zone_name(zone)
        for part, cells in self.parts.items():
            ends = 2 if SHAPES[part].pairs else 1
            for cell in [cell for cell in cells if name in cell[:ends]]:
                del cells[cell]


def cell_name(indicator: str, layer: str, *names: str) -> str:
    """What a cell of a layer is called where its error is drawn. Without the window: in each one the same devices have
    the same error."""
    return "\0".join((indicator, layer, *names))


def _added(origins: Iterable[Mapping[int, Segment]]) -> dict[int, Segment]:
    """The bins of some origins together."""
    bins: dict[int, Segment] = {}
    for of_origin in origins:
        for code, segment in of_origin.items():
            bins[code] = bins.get(code, NOBODY).plus(segment)
    return bins
