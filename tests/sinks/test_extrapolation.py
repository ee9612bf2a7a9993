"""From devices to people: the interval holds the true number as often as it says, and the right share is taken."""

import math
from itertools import product
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.gate import People
from sinks.extrapolation import Estimate, MarketShares, Part, combined, estimate, quantile

BOUND = 5
TRIALS = 4_000

shares_of_market = st.floats(0.01, 1.0)
released = st.integers(25, 10**7).map(People)


def drawn(rng: np.random.Generator, people: int, share: float) -> list[People]:
    """What is released, in each of the trials, of so many people of whom a share are customers."""
    customers = rng.binomial(people, share, TRIALS) + rng.integers(-BOUND, BOUND + 1, TRIALS)
    return [People(count) for count in customers.tolist()]


def as_often(rate: float, confidence: float, error: float) -> bool:
    """Whether a rate of the trials is the confidence, but for chance (four standard errors); ``error``, the standard
    error of an estimate, tells how much more often it may be since the interval is rounded outwards: by one person on
    either side at most."""
    chance = 4 * (confidence * (1 - confidence) / TRIALS) ** 0.5
    rounded = 2 * NormalDist().cdf(quantile(confidence) + 1 / error) - 1
    return bool(confidence - chance <= rate <= rounded + chance)


def standard_error(people: int, share: float) -> float:
    """Of the estimate of so many people."""
    return float((people * share * (1 - share) + BOUND * (BOUND + 1) / 3) ** 0.5 / share)


@pytest.mark.parametrize(
    ("people", "share", "confidence"), list(product((200, 1_000, 50_000), (0.2, 0.4, 0.9), (0.8, 0.95, 0.99)))
)
def test_the_interval_holds_the_true_number_as_often_as_it_says(people: int, share: float, confidence: float) -> None:
    rng = np.random.default_rng([people, int(100 * share), int(100 * confidence)])
    z = quantile(confidence)
    estimates = [estimate(count, share, BOUND, z) for count in drawn(rng, people, share)]
    rate = sum(low <= people <= high for _, low, high in estimates) / TRIALS
    assert as_often(rate, confidence, standard_error(people, share))
    assert np.mean([each.people for each in estimates]) == pytest.approx(people, rel=0.01)


def test_the_interval_of_segments_with_other_shares_holds_their_sum_as_often_as_it_says() -> None:
    segments = {0.4: 900, 0.25: 400, 0.1: 300}
    rng = np.random.default_rng(11)
    trials = zip(*(drawn(rng, people, share) for share, people in segments.items()), strict=True)
    estimates = [combined(zip(counts, segments, strict=True), BOUND, quantile(0.95)) for counts in trials]
    rate = sum(low <= 1_600 <= high for _, low, high in estimates) / TRIALS
    error = sum(standard_error(people, share) ** 2 for share, people in segments.items()) ** 0.5
    assert as_often(rate, 0.95, error)


def test_an_estimate_is_what_the_formula_says() -> None:
    # 400 / 0.4 = 1000; (400 * 0.6 + 10) / 0.16 = 1562.5; 1.96 * 39.53 = 77.5
    assert estimate(People(400), 0.4, BOUND, 1.96) == Estimate(1_000, 922, 1_078)


def test_an_operator_of_everybody_has_the_error_of_the_released_number_alone() -> None:
    assert estimate(People(100), 1.0, BOUND, 1.0) == Estimate(100, 96, 104)  # the square root of 10
    assert estimate(People(100), 1.0, 0, 1.0) == Estimate(100, 100, 100)


def test_no_interval_goes_below_the_devices_that_there_are() -> None:
    assert estimate(People(25), 0.01, BOUND, 5.0).low == 20
    assert combined([(People(25), 0.5), Part(People(40), 0.4, 18.0)], BOUND, 1.96).low == 55
    assert estimate(People(3), 0.01, BOUND, 5.0).low == 0


def test_no_segment_is_nobody() -> None:
    assert combined([], BOUND, 1.96) == Estimate(0, 0, 0)


@pytest.mark.parametrize(("confidence", "z"), [(0.95, 1.959964), (0.5, 0.674490), (0.99, 2.575829)])
def test_the_quantile_is_that_of_the_normal_distribution(confidence: float, z: float) -> None:
    assert quantile(confidence) == pytest.approx(z, abs=1e-6)


@given(released, shares_of_market, st.floats(0.5, 4.0))
def test_a_wider_interval_is_about_the_same_estimate(count: People, share: float, z: float) -> None:
    narrow, wide = estimate(count, share, BOUND, z), estimate(count, share, BOUND, z + 0.5)
    assert narrow.people == wide.people == round(count / share)
    assert 0 <= wide.low <= narrow.low <= narrow.people <= narrow.high <= wide.high


@given(st.lists(st.tuples(released, shares_of_market), min_size=1, max_size=5))
def test_segments_together_are_surer_than_each_alone(segments: list[tuple[People, float]]) -> None:
    whole = combined(segments, BOUND, 2.0)
    each = [estimate(count, share, BOUND, 2.0) for count, share in segments]
    assert whole.people == pytest.approx(sum(one.people for one in each), abs=len(each))
    assert whole.high - whole.people <= sum(one.high - one.people for one in each) + len(each)


SHARES = MarketShares(
    {
        ("*", "*"): 0.30,
        ("17", "*"): 0.31,
        ("17", "local"): 0.32,
        ("17", "national"): 0.33,
        ("17", "national:75"): 0.34,
        ("*", "national:86"): 0.35,
        ("*", "national"): 0.36,
        ("*", "foreign"): 0.20,
        ("*", "foreign:DE"): 0.21,
        ("*", "unknown"): 0.05,
    }
)


@pytest.mark.parametrize(
    ("area", "origin", "share"),
    [
        ("17", "local", 0.32),
        ("17", "national:75", 0.34),
        ("17", "national:86", 0.35),  # the origin in any area comes before its class in this one
        ("17", "national", 0.33),
        ("17", "foreign:DE", 0.21),
        ("17", "unknown", 0.05),
        ("17", "other", 0.31),
        ("17", "*", 0.31),
        ("86", "national:86", 0.35),
        ("86", "local", 0.35),  # local in 86 is national:86
        ("75", "local", 0.36),
        ("75", "national:33", 0.36),
        ("75", "foreign:DE", 0.21),
        ("75", "foreign:GB", 0.20),
        ("75", "foreign", 0.20),
        ("75", "unknown", 0.05),
        ("75", "other", 0.30),
        (None, "national:86", 0.35),
        (None, "other", 0.30),
        (None, "*", 0.30),
    ],
)
def test_the_share_is_that_of_the_most_specific_row(area: str | None, origin: str, share: float) -> None:
    assert SHARES.share(area, origin) == share


def test_a_total_is_of_any_origin() -> None:
    assert SHARES.share("17") == SHARES.share("17", "*")


def test_shares_without_one_for_everybody_are_refused() -> None:
    with pytest.raises(ValueError, match="any area and any origin"):
        MarketShares({("17", "*"): 0.3})


def test_of_people_whose_origins_were_put_together_the_interval_spans_all_shares() -> None:
    shares = MarketShares({("*", "*"): 0.4, ("*", "foreign"): 0.2, ("17", "local"): 0.5, ("33", "local"): 0.1})
    told, other = (shares.part("17", origin, People(100)) for origin in ("national:75", "other"))
    assert (told.share, told.spread) == (0.4, 0.0)
    assert (other.share, other.spread) == (0.4, 1 / 0.2 - 1 / 0.5)
    assert shares.part(None, "other", People(100)).spread == 1 / 0.2 - 1 / 0.4
    # of local people the share of 0.5 is known not to be theirs
    assert shares.part("17", "other", People(100), ["local", "national"]).spread == 1 / 0.2 - 1 / 0.4
    alone, wider = (combined([part], 5, 2.0) for part in (told, other))
    # 100 devices that stand for 2 to 5 people each
    reach = 2 * math.sqrt((100 * 0.6 + 10) / 0.16 + (100 * 3) ** 2 / 12)
    assert alone.people == wider.people == 250
    assert math.floor(250 - reach) < 95  # fewer than the devices that there are
    assert (wider.low, wider.high) == (95, math.ceil(250 + reach))
    assert wider.low < alone.low
