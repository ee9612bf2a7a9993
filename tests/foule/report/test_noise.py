"""The figures on errors are those of the code that draws them."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from foule.report import noise, noise_tables

DRAWS = 40_000


def drawn(bound: int) -> Counter[int]:
    keys = np.arange(DRAWS, dtype=np.uint32)
    return Counter(Perturbation(bytes(32), bound).errors(["presence\0layer\0zone"] * DRAWS, keys).tolist())


@pytest.mark.parametrize("bound", [1, 5, 12])
def test_the_table_of_errors_is_that_of_the_errors_drawn(bound: int) -> None:
    found = drawn(bound)
    known = noise.distribution(bound)
    assert sorted(found) == [each.error for each in known]
    assert sum(each.chance for each in known) == 1
    for each in known:
        assert found[each.error] / DRAWS == pytest.approx(float(each.chance), rel=0.1)
        within = sum(count for error, count in found.items() if abs(error) <= abs(each.error))
        assert within / DRAWS == pytest.approx(float(each.within), rel=0.1)


@pytest.mark.parametrize("bound", [1, 5, 1_000])
def test_the_variance_is_that_of_the_formula(bound: int) -> None:
    assert noise.variance(bound) * 3 == bound * (bound + 1)


def test_a_count_below_k_is_never_published_and_a_small_one_not_always() -> None:
    threshold = Threshold(20, 5)
    assert noise.effect(19, threshold).published == 0
    small = noise.effect(20, threshold)
    assert small.published == Fraction(1, 11)
    assert (small.lowest, small.highest, small.mean) == (25, 25, 5)


@pytest.mark.parametrize("count", [30, 100, 1_000])
def test_a_larger_count_is_always_published_with_errors_of_mean_0(count: int) -> None:
    effect = noise.effect(count, Threshold(20, 5))
    assert effect.published == 1
    assert (effect.lowest, effect.highest, effect.mean) == (count - 5, count + 5, 0)
    assert effect.spread == pytest.approx(10**0.5)


@pytest.mark.parametrize("bound", [1, 5, 20])
def test_the_area_under_the_curve_is_that_of_all_pairs_of_errors(bound: int) -> None:
    errors = range(-bound, bound + 1)
    won = sum((one + 1 > other) + 0.5 * (one + 1 == other) for one in errors for other in errors)
    assert noise.advantage(bound) == pytest.approx(won / len(errors) ** 2)


def test_of_many_errors_the_table_shows_the_first_and_the_last() -> None:
    rows = noise_tables.chances(1_000).rows
    assert [row[0] for row in rows][:1] + [row[0] for row in rows][5:6] + [row[0] for row in rows][-1:] == [
        ("-1000",),
        ("each of the 1,991 numbers between",),
        ("+1000",),
    ]
    assert len(noise_tables.chances(5).rows) == 11
