"""Events are due at the pace of their own times; their order never changes."""

import numpy as np

from foule.pacing import Pace


class Clock:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def played(speed: float | None, *batches: list[int]) -> list[tuple[float, list[int]]]:
    """When, in seconds from the beginning, which times were given out."""
    clock = Clock()
    pace = Pace(speed, clock.read, clock.sleep)
    return [
        (round(clock.now - 1000, 3), batch[part])
        for batch in batches
        for part in pace.parts(np.array(batch, dtype=np.int64))
    ]


def test_without_a_speed_all_is_due_at_once() -> None:
    assert played(None, [5, 900_000], []) == [(0.0, [5, 900_000]), (0.0, [])]


def test_a_speed_of_ten_plays_ten_seconds_in_one() -> None:
    assert played(10, [50_000, 50_000, 60_000], [65_000]) == [(0.0, [50_000, 50_000]), (1.0, [60_000]), (1.5, [65_000])]


def test_events_without_a_time_and_late_ones_are_due_with_the_one_before() -> None:
    assert played(1, [-1, 1000, -1, 500, 3000, 1000, -1]) == [(0.0, [-1, 1000, -1, 500]), (2.0, [3000, 1000, -1])]


def test_events_before_any_time_do_not_wait() -> None:
    assert played(1, [-1, -1], [7000, 8000]) == [(0.0, [-1, -1]), (0.0, [7000]), (1.0, [8000])]


def test_a_sender_that_is_behind_gets_all_that_is_due() -> None:
    clock = Clock()
    parts = Pace(1, clock.read, clock.sleep).parts(np.array([0, 1000, 2000, 9000]))
    assert next(parts) == slice(0, 1)
    clock.now += 5
    assert next(parts) == slice(1, 3)
