"""The bounds are right: the truth is within, they are as narrow as by hand, and no wider than those of HiGHS."""

import numpy as np
import pytest

from tests.privacy.bounds import by_linear_programme, hours, score
from tests.privacy.crowd_day import counted, festival, festival_settings, record_keys
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
    published = Tables.published(crowd.layers, windows, publish(windows, crowd.layers, protection, epoch_key(3)))
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
