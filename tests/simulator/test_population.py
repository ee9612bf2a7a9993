"""Who is drawn, and with what phone."""

import numpy as np
import pytest

from simulator import geography, population
from simulator.geography import ELSEWHERE
from simulator.population import SHARES, Group, Phone

CROWD = population.settle(np.random.default_rng(3), geography.load(), 5_000)


def test_groups_have_their_shares() -> None:
    """Up to rounding."""
    sizes = np.bincount(CROWD.group, minlength=len(Group))
    assert sizes.tolist() == [round(share * 5_000) for share in SHARES.values()]


@pytest.mark.parametrize("people", [1, 2, 7])
def test_few_people_are_all_in_a_group(people: int) -> None:
    """Rounding loses nobody."""
    crowd = population.settle(np.random.default_rng(3), geography.load(), people)
    assert len(crowd) == people
    assert set(crowd.group.tolist()) <= set(Group)


def test_subscribers_are_distinct_imsis_that_begin_with_the_country() -> None:
    """15 digits; the French ones of network 20801."""
    assert len(set(CROWD.subscriber)) == len(CROWD)
    for subscriber, mcc in zip(CROWD.subscriber, CROWD.mcc, strict=True):
        assert len(subscriber) == 15
        assert subscriber.isdigit()
        assert subscriber.startswith(mcc.encode() + b"01")


def test_foreigners_have_another_country_and_no_departement() -> None:
    """And nobody else."""
    foreign = np.array([mcc != "208" for mcc in CROWD.mcc])
    assert np.array_equal(foreign, CROWD.group == Group.FOREIGNER)
    assert np.array_equal(foreign, np.array([home == "" for home in CROWD.home]))


def test_most_residents_have_contracts_of_the_charente_maritime() -> None:
    """Departement 17."""
    homes = [CROWD.home[person] for person in CROWD.of(Group.RESIDENT).tolist()]
    assert homes.count("17") / len(homes) > 0.9


def test_some_have_no_phone_and_some_keep_it_off() -> None:
    """About one in eight cannot be seen."""
    assert np.mean(CROWD.phone == Phone.NONE) == pytest.approx(0.08, abs=0.02)
    assert np.mean(CROWD.phone == Phone.OFF) == pytest.approx(0.04, abs=0.02)


def test_car_visitors_sleep_elsewhere_and_tourists_do_not() -> None:
    """Beds decide where nights are spent."""
    assert np.all(CROWD.bed[CROWD.of(Group.CAR)] == ELSEWHERE)
    assert np.all(CROWD.bed[CROWD.of(Group.TOURIST, Group.RESIDENT, Group.NEIGHBOUR)] != ELSEWHERE)


def test_the_repr_shows_no_subscriber() -> None:
    """They are made up, and yet never printed."""
    text = repr(CROWD)
    assert CROWD.subscriber[0].decode() not in text
    assert "subscriber" not in text
