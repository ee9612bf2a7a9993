"""Whatever is killed, frozen, cut off or delayed: what is published equals the oracle; and the simulation would see it
if it did not."""

import gc
import logging
from collections.abc import Iterator

import pytest

from tests.simulation.broken import FAULTS, Fault
from tests.simulation.schedule import run_seed

#: ``make simulation`` runs 2,000 of the first kind.
_SCHEDULES = 150
_SHUFFLED = 40
_ENOUGH_TO_CATCH = 1_000


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The agents log every takeover."""
    logging.disable(logging.CRITICAL)
    often = gc.get_threshold()
    yield
    gc.enable()
    gc.set_threshold(*often)
    logging.disable(logging.NOTSET)


def test_all_that_is_published_equals_the_oracle_whatever_goes_wrong() -> None:
    failed = [str(outcome) for outcome in map(run_seed, range(_SCHEDULES)) if outcome.problems]
    assert not failed, "\n".join(failed)


def test_so_does_all_that_is_published_of_a_feed_that_is_not_keyed() -> None:
    failed = [str(outcome) for outcome in (run_seed(seed, True) for seed in range(_SHUFFLED)) if outcome.problems]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_seed_replays_exactly_whenever_garbage_is_collected(shuffle: bool) -> None:
    """The garbage collector has no part in it: what it takes of a crashed worker wakes nobody."""
    for seed in range(7, 15):
        gc.disable()
        first = run_seed(seed, shuffle)
        gc.enable()
        gc.set_threshold(100)
        second = run_seed(seed, shuffle)
        assert first.steps > 1_000
        assert first == second


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_it_notices(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault.put_in(monkeypatch)
    seeds = range(fault.first, fault.first + _ENOUGH_TO_CATCH)
    assert any(run_seed(seed, fault.shuffle).problems for seed in seeds)
