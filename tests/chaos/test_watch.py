"""How long the flow stood still, told from when shards came further and from when there was something to read."""

import numpy as np

from tests.chaos.watch import Point, longest, standstills

STAMPS = np.array([1_000, 2_000, 3_000, 60_000], np.int64)


def test_a_shard_stands_still_from_one_progress_to_the_next() -> None:
    assert standstills([Point(1.0, 0), Point(4.0, 2), Point(9.0, 3)], STAMPS) == [(1.0, 4.0), (4.0, 9.0)]


def test_a_shard_with_nothing_to_read_does_not_stand_still() -> None:
    assert standstills([Point(9.0, 3), Point(61.0, 4)], STAMPS) == [(60.0, 61.0)]


def test_of_a_standstill_counts_what_comes_after_the_fault() -> None:
    spans = {0: [(1.0, 2.0), (2.0, 8.0)], 1: [(1.0, 9.0), (9.0, 30.0)]}
    assert longest(spans, begin=5.0, end=7.0) == 4.0
    assert longest(spans, begin=5.0, end=10.0) == 21.0
    assert longest(spans, begin=40.0, end=50.0) == 0.0
