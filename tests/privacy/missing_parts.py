"""Attack 10, parts: is somebody in a segment that is not published, by what is published beside it?

Origins and their classes, categories, where the day began, bins of lengths of stay: each parts the people of a zone. A
rule that pools or joins only where 1 to k - 1 devices are too few for themselves says by doing so that they are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np

from anonymizer.gate import Gate, ReleasedWindow
from anonymizer.perturbation import Perturbation
from anonymizer.segments import Segment, merged
from indicators.calendar import DAY_MS, Window
from indicators.cells import Cells
from indicators.counts import Counts
from tests.privacy.classifier import best_auc
from tests.privacy.full_plan import OriginTable, full_plan
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import BOUND, ON, K, epoch_key
from zones import Layer

_MOST = 0.60
_WINDOW = Window(DAY_MS, 0, DAY_MS)
#: Numbers below this are compared too, larger ones are of a crowd whose size the attacker does not know.
_SMALL = 60
_OWN = "that only his own SIMs and the target can be there"

_TABLE = OriginTable(("17", "75", "79"), ("DE", "IT"))
_UNKNOWN, _LOCAL, _PARIS, _NIORT, _GERMANY, _ITALY = range(6)
_INNER = Layer("quarters", ("a", "b"), ("a", "b"), ("17",) * 2, 1, (0, 0))
_OUTER = Layer("towns", ("p", "q"), ("p", "q"), ("17", None))
_PLAN = full_plan([_INNER, _OUTER], _TABLE)
_CELLS = [Cells(layer, _PLAN, _TABLE) for layer in (_INNER, _OUTER)]
_BINS = len(_PLAN.bins)

#: People by cell of the outer layer, of each indicator, when so many are in the part that is looked for.
Draw = Callable[[np.random.Generator, int], Mapping[str, Mapping[int, int]]]
#: The fewest and the most people in the part: of days without and of days with somebody, or one device more.
Rests = tuple[tuple[int, int], tuple[int, int]]

_SOME: Rests = ((0, 0), (1, K - 1))
_ONE: Rests = ((0, 0), (1, 1))
_SIMS: Rests = ((K - 1, K - 1), (K, K))


class _Case(NamedTuple):
    part: str
    name: str
    draw: Draw
    rests: Rests


def run(seed: int = 0, trials: int = 2_000) -> list[Outcome]:
    """Every case by the gate; then bins beside empty ones, and an origin of the quarters of a town."""
    own = f"{K - 1} SIMs of the attacker's own, or one device more"
    cases = [
        _Case("g", "a country of a class with one device or none", _country(pool=False), _ONE),
        _Case("h", f"a country, beside a pool that is published, with {own}", _country(pool=True), _SIMS),
        _Case("i", "a category with 1 to k - 1 people or none", _category, _SOME),
        _Case("j", f"a category with {own}", _category, _SIMS),
        _Case("k", "a zone where the day began for 1 to k - 1 people or none", _began, _SOME),
        _Case("l", "the longest stays, of 1 to k - 1 people or none", _bins(_BINS - 1), _SOME),
        _Case("m", "a length of stay between others, of one device or none", _bins(1), _ONE),
        _Case("n", "an origin's longest stays, of one device or none", _long_stays, _ONE),
    ]
    found = [_outcome(case, *(_told(case, seed, trials, careless=off) for off in (True, False))) for case in cases]
    return [*found, _alone(seed, trials, own), _quarter(seed, trials)]


def _outcome(case: _Case, off: float, on: float) -> Outcome:
    return Outcome(
        id=f"10{case.part}",
        name=f"{case.name}, by what is published beside",
        claim="singling out",
        knows=_OWN if case.rests == _SIMS else "which segments there are",
        figure="AUC of: is somebody there, or one device more?",
        without="joining that does not show how many are not published (joined if 1 to k - 1 are too few)",
        off=off,
        on=on,
        target=f"at most {_MOST:.2f}",
        works=off >= 0.95,
        fails=on <= _MOST,
    )


def _country(*, pool: bool) -> Draw:
    def draw(rng: np.random.Generator, rest: int) -> Mapping[str, Mapping[int, int]]:
        """Italy is looked for; beside it Germany, or a ``pool`` of people of unknown origin and of an area."""
        people = {_LOCAL: _crowd(rng), _PARIS: _few(rng), _ITALY: rest}
        beside = {_UNKNOWN: int(rng.integers(10, 20)), _NIORT: int(rng.integers(15, 20))} if pool else {}
        return {"origins": people | (beside or {_GERMANY: _few(rng)})}

    return draw


def _category(rng: np.random.Generator, rest: int) -> Mapping[str, Mapping[int, int]]:
    return {"categories": {0: _crowd(rng), 2: _few(rng), 3: rest, 4: _few(rng)}}


def _began(rng: np.random.Generator, rest: int) -> Mapping[str, Mapping[int, int]]:
    return {"catchment": {0: _crowd(rng), 1: rest, 2: _few(rng)}}


def _bins(looked: int) -> Draw:
    def draw(rng: np.random.Generator, rest: int) -> Mapping[str, Mapping[int, int]]:
        return {"dwell": {0: _crowd(rng), 3: _few(rng), 5: _few(rng)} | {looked: rest}}

    return draw


def _long_stays(rng: np.random.Generator, rest: int) -> Mapping[str, Mapping[int, int]]:
    """Of people from an area; the stays of all are told as well."""
    last = _BINS - 1
    by_origin = {(_LOCAL, 0): _crowd(rng), (_LOCAL, last): _few(rng), (_PARIS, 0): _few(rng), (_PARIS, last): rest}
    cells = {origin * _BINS + at: people for (origin, at), people in by_origin.items()}
    return {"dwell_origins": cells}


def _crowd(rng: np.random.Generator) -> int:
    return int(rng.integers(200, 400))


def _few(rng: np.random.Generator) -> int:
    return int(rng.integers(60, 150))


def _told(case: _Case, seed: int, trials: int, *, careless: bool) -> float:
    """The best classifier of what is published; ``careless``: of whether the raw count has it joined."""
    rng = np.random.default_rng([seed, 100])
    gate = Gate(ON.threshold, [_OUTER], _CELLS[1:])
    seen = _Seen()
    for trial in range(trials):
        perturbation = Perturbation(epoch_key(seed * trials + trial), BOUND)
        for which, (least, most) in enumerate(case.rests):
            rest = int(rng.integers(least, most + 1))
            counts = {name: _counts(people, rng) for name, people in case.draw(rng, rest).items()}
            if "dwell_origins" in counts:
                counts["dwell"] = _over_origins(counts["dwell_origins"])
            if careless:
                seen.add(which, 0 < rest < K)
            else:
                seen.add(which, _look(gate.release(0, _WINDOW, counts, perturbation)))
    return seen.auc()


class _Seen:
    """What was seen on days without and with, each distinct sight as a number."""

    def __init__(self) -> None:
        self._codes: dict[object, int] = {}
        self._days: tuple[list[int], list[int]] = ([], [])

    def add(self, which: int, sight: object) -> None:
        """Note what was seen on a day."""
        self._days[which].append(self._codes.setdefault(sight, len(self._codes)))

    def auc(self) -> float:
        """Of the best classifier that there is."""
        return best_auc(*(np.array(days) for days in self._days))


def _look(window: ReleasedWindow) -> tuple[object, ...]:
    """Which parts are published, and the numbers of small ones."""
    return tuple(
        (indicator, cell, name, people if people < _SMALL else 0)
        for indicator, cells in window.parts.items()
        for cell, numbers in cells.items()
        for name, people in numbers.items()
    )


def _counts(people: Mapping[int, int], rng: np.random.Generator) -> Counts:
    cells = np.array(sorted(cell for cell, count in people.items() if count), np.int64)
    counts = np.array([people[cell] for cell in cells.tolist()], np.int64)
    return Counts(cells, counts, rng.integers(0, 1 << 32, len(cells), dtype=np.uint32))


def _over_origins(by_origin: Counts) -> Counts:
    """The lengths of stay of all together."""
    bins = by_origin.cells % _BINS
    found = [by_origin.where(bins == at) for at in range(_BINS)]
    there = [at for at in range(_BINS) if len(found[at].cells)]
    return Counts(
        np.array(there, np.int64),
        np.array([found[at].counts.sum() for at in there], np.int64),
        np.array([found[at].keys.sum(dtype=np.uint32) for at in there], np.uint32),
    )


def _alone(seed: int, trials: int, own: str) -> Outcome:
    """The shortest stays, then nobody, then a crowd: each empty bin is another chance to pass."""

    def told(*, once: bool, sims: int = K - 1) -> float:
        rng = np.random.default_rng([seed, 101])
        seen = _Seen()
        for trial in range(trials):
            perturbation = Perturbation(epoch_key(seed * trials + trial), BOUND)
            for which in (0, 1):
                people = [sims + which, *[0] * (_BINS - 2), _crowd(rng)]
                bins = [Segment(count, int(rng.integers(1 << 32)) if count else 0) for count in people]
                free = None if once else bins[0].plus(bins[-1])
                runs = merged(ON.threshold, bins, partial(_perturbed, perturbation, free), _PLAN.bins.name)
                seen.add(which, tuple((run.last, run.people if run.people < _SMALL else 0) for run in runs))
        return seen.auc()

    off, on = told(once=False), told(once=True)
    worst = max(told(once=True, sims=sims) for sims in range(K + 1, K + 12, 2))
    return Outcome(
        id="10o",
        name=f"a length of stay, beside bins with nobody, with {own}",
        claim="singling out",
        knows=f"{_OWN}, and which bins are empty",
        figure="AUC of: is one device more there?",
        without="the second error of a run, which is the same however many bins it is tried with",
        off=off,
        on=on,
        target=f"at most {_MOST:.2f} (off: more)",
        works=off > _MOST,
        fails=on <= _MOST,
        detail=f"by whoever knows exactly who else is there, the worst crowd of {K + 1} to {K + 11}: {worst:.2f}",
    )


def _perturbed(perturbation: Perturbation, free: Segment | None, name: str, segment: Segment) -> int:
    """The perturbed count; ``free``: devices with which everything passes."""
    return segment.people + (BOUND if segment == free else perturbation.error(name, segment.key))


def _quarter(seed: int, trials: int) -> Outcome:
    """Of people from an area in a town those are known who are in one of its two quarters."""

    def told(*, held: bool) -> float:
        rng = np.random.default_rng([seed, 102])
        gate = Gate(ON.threshold, [_INNER, _OUTER], _CELLS)
        narrow = 0
        for trial in range(trials):
            perturbation = Perturbation(epoch_key(seed * trials + trial), BOUND)
            rest = int(rng.integers(1, K))
            parts = {(0, _PARIS): _few(rng), (1, _PARIS): rest}
            parts |= {(zone, origin): _few(rng) for zone in range(2) for origin in (_LOCAL, _GERMANY)}
            parts |= {(zone, _UNKNOWN): int(rng.integers(30, 50)) for zone in range(2)}
            inner = _counts({zone * _TABLE.size + origin: people for (zone, origin), people in parts.items()}, rng)
            origins = inner.cells % _TABLE.size
            codes = np.unique(origins)
            outer = Counts(
                codes,
                np.array([inner.counts[origins == code].sum() for code in codes]),
                np.array([inner.keys[origins == code].sum(dtype=np.uint32) for code in codes], np.uint32),
            )
            above = gate.release(1, _WINDOW, {"origins": outer}, perturbation)
            window = gate.release(0, _WINDOW, {"origins": inner}, perturbation, 1.0, {1: above} if held else {})
            narrow += _narrow(above, window, rest)
        return narrow / trials

    off, on = told(held=False), told(held=True)
    return Outcome(
        id="10p",
        name="an origin of 1 to k - 1 people in a quarter, by the same origin in the town and its other quarter",
        claim="inference",
        knows="which zones a zone has",
        figure="share of such origins that are known more closely than k - 1",
        without="origins held against those of the layers above",
        off=off,
        on=on,
        target="at most 0.01",
        works=off > 0.02,
        fails=on <= 0.01,
    )


def _narrow(above: ReleasedWindow, window: ReleasedWindow, rest: int) -> bool:
    """Whether the numbers say more of the quarter's people than that they are not published."""
    name = _TABLE.label(_PARIS, "17")
    whole = above.parts.get("origins", {}).get(("p",), {}).get(name)
    part = window.parts.get("origins", {}).get(("a",), {}).get(name)
    if whole is None or part is None:
        return False
    least, most = max(0, whole - BOUND - (part + BOUND)), K + 2 * BOUND - 1
    assert least <= rest <= most
    return most - least < K - 1
