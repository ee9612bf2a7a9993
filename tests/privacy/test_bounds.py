"""The bounds are right: the truth is within, they are as narrow as by hand, and no wider than those of HiGHS."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from anonymizer.perturbation import Perturbation
from tests.privacy.bounds import by_linear_programme, hours, score
from tests.privacy.crowd_day import counted, festival, festival_settings, record_keys
from tests.privacy.full_plan import HOUR_MS
from tests.privacy.intervals import MANY, Intervals
from tests.privacy.part_bounds import Knowledge, alone, told
from tests.privacy.publishing import ON, THRESHOLD_ONLY, Protection, Tables, epoch_key, publish
from tests.privacy.relations import Index, Relations
from zones import Layer

INNER = Layer("inner", ("a", "b"), ("a", "b"), (None, None), 1, (0, 0))
OUTER = Layer("outer", ("p",), ("p",), (None,))
PLACES = np.array([[0, 0], [1, 0], [2, 1]], np.int32)


@pytest.fixture
def small() -> tuple[Index, Relations]:
    index = Index((INNER, OUTER), 2)
    return index, Relations(index, PLACES)


def test_a_part_is_no_larger_than_the_whole(small: tuple[Index, Relations]) -> None:
    index, relations = small
    upper = np.full(len(index), 100.0)
    upper[index.cells(OUTER, "presence", 0)[0]] = 7
    largest = relations.largest(upper)
    assert largest[index.cells(INNER, "presence", 0)].tolist() == [7, 7, 100]
    assert largest[index.cells(INNER, "arrivals", 0)].tolist() == [7, 7, 14]


def test_a_whole_is_no_larger_than_its_parts_together(small: tuple[Index, Relations]) -> None:
    index, relations = small
    upper = np.full(len(index), 100.0)
    upper[index.cells(INNER, "presence", 0)[:2]] = [2, 3]
    upper[index.cells(INNER, "presence", 1)[:2]] = [4, 0]
    largest = relations.largest(upper)
    assert largest[index.cells(OUTER, "presence", 0)[0]] == 5
    assert largest[index.cells(INNER, "presence", 2)].tolist() == [6, 3, 100]
    assert largest[index.cells(OUTER, "presence", 2)[0]] == 9


@pytest.mark.parametrize("protection", [THRESHOLD_ONLY, ON])
def test_the_bounds_are_no_wider_than_those_of_a_linear_programme(protection: Protection) -> None:
    crowd = festival(3, 1_500, (16, 17))
    windows = counted(crowd, record_keys(len(crowd.ids), 3))
    raw = Tables.raw(crowd.layers, windows)
    published = Tables.published(
        crowd.layers, windows, publish(windows, crowd.layers, protection, epoch_key(3), crowd.cells)
    )
    _, places = festival_settings()
    bounds = next(hours(raw, published, protection, places.zones))
    assert score(bounds).wrong == 0

    relations = Relations(Index(raw.layers, 12), places.zones)
    known = np.where(bounds.published > 0, np.maximum(bounds.published - protection.bound, protection.k), 0.0)
    small = np.flatnonzero((bounds.published == 0) & (bounds.truth > 0) & (bounds.truth < protection.k))
    narrowed = small[bounds.lower[small] > 0][:3]
    for cell in [*narrowed.tolist(), *small[:: len(small) // 4].tolist()]:
        least, most = by_linear_programme(relations, known, bounds.upper, cell)
        assert bounds.lower[cell] >= least - 1e-6
        assert bounds.upper[cell] <= most + 1e-6


def test_sums_narrow_intervals_both_ways() -> None:
    known = Intervals()
    known.know("all", 40, 50)
    known.know("a", 30, 32)
    known.equal("all", ["a", "b", "c"])
    known.know("b", 0, 5)
    known.at_most("d", ["b"])
    lower, upper = known.narrowed()
    assert [(lower[known.at(name)], upper[known.at(name)]) for name in "abcd"] == [(30, 32), (0, 5), (3, 20), (0, 5)]


def test_sums_that_contradict_each_other_are_noticed() -> None:
    known = Intervals()
    known.know("all", 10, 12)
    known.know("a", 20, 30)
    known.equal("all", ["a", "b"])
    with pytest.raises(ValueError, match="contradicts itself"):
        known.narrowed()


@pytest.mark.parametrize("protection", [THRESHOLD_ONLY, ON])
def test_bounds_on_parts_hold_the_truth_and_are_hardly_wider_than_those_of_a_linear_programme(
    protection: Protection,
) -> None:
    crowd = festival(3, 1_500, (16, 17))
    counts = next(each for each in counted(crowd, record_keys(len(crowd.ids), 3)) if each.window.width == HOUR_MS)
    key = epoch_key(3)
    released = publish([counts], crowd.layers, protection, key, crowd.cells)
    by_layer = {window.layer: window for window in released}
    numbers = []
    for cells in crowd.cells:
        window = by_layer[cells.layer.name]
        raw = counts.counts.get(cells.layer.name, {})
        parts = window.parts if protection.groups else alone(raw, cells, protection, Perturbation(key, 0))
        numbers.append(told(window, parts))
    knowledge = Knowledge(crowd, numbers, counts, protection)
    scores = knowledge.score(counts)
    assert sum(score.cells for score in scores.values()) > 100
    assert sum(score.wrong for score in scores.values()) == 0

    lower, upper = knowledge.known.narrowed()
    wholes, rows, columns, equal = knowledge.known.matrix()
    size = len(knowledge.known)
    sums = csr_matrix((np.ones(len(columns)), (rows, columns)), (len(wholes), size))
    sums -= csr_matrix((np.ones(len(wholes)), (np.arange(len(wholes)), wholes)), (len(wholes), size))
    limits = np.stack(knowledge.known.given(), axis=1)
    wider, chosen = 0, np.flatnonzero((lower < upper) & (upper < MANY))[:: size // 12].tolist()
    for at in chosen:
        for sign, bound in ((1.0, lower[at]), (-1.0, upper[at])):
            aim = np.zeros(size)
            aim[at] = sign
            solved = linprog(
                aim,
                -sums[~equal],
                np.zeros(np.count_nonzero(~equal)),
                sums[equal],
                np.zeros(np.count_nonzero(equal)),
                limits,
                method="highs",
            )
            assert solved.status == 0, solved.message
            by_programme = sign * solved.fun
            assert sign * (by_programme - bound) >= -1e-6
            wider += abs(by_programme - bound) > 1e-6
    assert len(chosen) > 8
    assert wider <= len(chosen) / 5
