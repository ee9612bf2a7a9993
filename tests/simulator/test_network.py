"""What the network reports of the crowd."""

import numpy as np
import pytest

from config.errors import SettingsError
from simulator.network import Network, Radio, Reports
from simulator.population import Phone
from simulator.programme import MINUTE, START, at
from simulator.stream import Festival

SPAN = (at("18:00"), 180)


def reports(festival: Festival, radio: Radio | None = None, seed: int = 5) -> Reports:
    """The reports of SPAN, in spans of 20 minutes."""
    network = Network(
        np.random.default_rng(seed),
        festival.geography,
        festival.population,
        festival.positions,
        radio or Radio(),
    )
    first, minutes = SPAN
    parts = [network.reports(minute, 20) for minute in range(first, first + minutes, 20)]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.then(part)
    return joined


def test_only_phones_that_are_on_report(festival: Festival) -> None:
    """People without a phone and phones that are off say nothing."""
    heard = np.unique(reports(festival).person)
    assert np.all(festival.population.phone[heard] == Phone.ON)
    assert heard.size > 0.6 * np.count_nonzero(festival.population.phone == Phone.ON)


def test_a_report_names_one_of_the_nearest_cells_of_the_true_spot(festival: Festival) -> None:
    """At the minute of its time."""
    seen = reports(festival)
    spots = festival.positions[seen.person, (seen.ts - START) // MINUTE]
    assert np.all((festival.geography.serving[spots] == seen.cell[:, None]).any(axis=1))


def test_times_lie_in_the_span_and_nothing_arrives_before_it_happens(festival: Festival) -> None:
    """Arrival is never before the event."""
    seen = reports(festival)
    first, minutes = SPAN
    assert seen.ts.min() >= START + first * MINUTE
    assert seen.ts.max() < START + (first + minutes) * MINUTE
    assert np.all(seen.arrival >= seen.ts)


def test_a_phone_at_rest_jumps_between_neighbouring_cells(festival: Festival) -> None:
    """With jumps, more cells for the same whereabouts; without, one cell for each stay at a spot."""

    def cells_for_a_spot(radio: Radio) -> float:
        seen = reports(festival, radio)
        spots = festival.positions[seen.person, (seen.ts - START) // MINUTE].astype(np.int64)
        stays = seen.person * 1_000 + spots
        pairs = np.unique(stays * 1_000 + seen.cell).size
        return pairs / np.unique(stays).size

    assert cells_for_a_spot(Radio(jump=0.2)) > cells_for_a_spot(Radio(jump=0.0)) + 0.2


def test_phones_fall_silent_for_hours(festival: Festival) -> None:
    """If all do, at a good hour many say nothing."""
    talking = np.unique(reports(festival, Radio(silent=0.0)).person).size
    sometimes = reports(festival, Radio(silent=1.0))
    last_hour = sometimes.ts >= START + (SPAN[0] + 120) * MINUTE
    assert np.unique(sometimes.person[last_hour]).size < 0.85 * talking


def test_most_reports_arrive_at_once_some_late_and_a_few_beyond_the_lateness(festival: Festival) -> None:
    """Shares of the settings."""
    radio = Radio(delayed=0.05, late=0.02)
    seen = reports(festival, radio)
    delay = seen.arrival - seen.ts
    assert np.median(delay) < 2_000
    assert np.mean(delay > 3 * MINUTE) == pytest.approx(0.02, abs=0.005)
    assert np.mean((delay > 20_000) & (delay < 2 * MINUTE)) == pytest.approx(0.05, abs=0.015)
    assert delay.max() < 26 * MINUTE


def test_the_interval_sets_how_much_is_said(festival: Festival) -> None:
    """Half the interval, about twice the uses."""
    calm, busy = (reports(festival, Radio(interval=interval)).ts.size for interval in (24.0, 6.0))
    assert 1.8 * calm < busy < 4.0 * calm


def test_a_span_does_not_begin_with_a_storm(festival: Festival) -> None:
    """The first minute is like any other."""
    seen = reports(festival)
    minute = np.bincount((seen.ts - START) // MINUTE - SPAN[0], minlength=SPAN[1])
    assert minute[0] < 1.5 * np.median(minute)


def test_all_phones_are_heard_from_within_the_periodic_update(festival: Festival) -> None:
    """Even if they are never used and never move."""
    radio = Radio(interval=1e9, jump=0.0, silent=0.0, periodic=54)
    seen = reports(festival, radio)
    on = festival.population.phone == Phone.ON
    first, minutes = SPAN
    stayed = on & (festival.positions[:, first : first + minutes].min(axis=1) > 0)
    assert set(np.flatnonzero(stayed).tolist()) <= set(seen.person.tolist())


def test_settings_out_of_range_are_all_named() -> None:
    """With the value and what is expected."""
    with pytest.raises(SettingsError) as caught:
        Radio(damage=1.5, interval=0.0)
    assert caught.value.problems == [
        "simulator: damage = 1.5: expected a share from 0 to 1",
        "simulator: interval = 0.0: expected more than 0 minutes",
    ]
