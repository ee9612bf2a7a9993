"""The plan has every kind of fault, and always leaves a worker."""

from itertools import pairwise

import pytest

from tests.chaos.plan import ADD, KILL, RELEASE, REMOVE, STEPS, TERMINATE, WORDS, plan

SEEDS = range(30)


def test_the_same_seed_gives_the_same_plan() -> None:
    assert plan(3, 50, 3, 9.0) == plan(3, 50, 3, 9.0) != plan(4, 50, 3, 9.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_kind_of_fault_comes_if_there_are_enough(seed: int) -> None:
    assert {fault.kind for fault in plan(seed, 50, 3, 9.0)} == set(WORDS)
    assert len({fault.kind for fault in plan(seed, 6, 2, 9.0)}) == 6


def test_the_agent_is_killed_at_every_step_of_a_release_before_it_is_at_one_again() -> None:
    steps = [fault.step for fault in plan(1, 12, 3, 9.0, [RELEASE])]
    assert set(steps[:5]) == set(steps[5:10]) == set(STEPS)


@pytest.mark.parametrize("seed", SEEDS)
def test_there_is_always_a_worker_and_never_too_many(seed: int) -> None:
    workers = 2
    for fault in plan(seed, 50, workers, 9.0):
        workers += {ADD: 1, REMOVE: -1}.get(fault.kind, 0)
        assert 1 <= workers <= 3


def test_workers_that_can_only_be_removed_are_added_in_between() -> None:
    assert [fault.kind for fault in plan(1, 5, 2, 9.0, [REMOVE])] == [REMOVE, ADD, REMOVE, ADD, REMOVE]


def test_faults_come_in_order_a_while_apart_and_of_the_kinds_asked_for() -> None:
    faults = plan(2, 20, 3, 10.0, [KILL, TERMINATE])
    assert {fault.kind for fault in faults} == {KILL, TERMINATE}
    gaps = [after.at - before.at for before, after in pairwise(faults)]
    assert all(5 < gap < 15 for gap in gaps)
