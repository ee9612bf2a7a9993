"""Sums of times by device and cell do not depend on how they were added, or on a snapshot in between."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indicators.columns import Reader, Writer
from indicators.sums import Sums

ADDED = st.lists(
    st.lists(st.tuples(st.sampled_from([0, 1, 5, 1 << 40]), st.integers(0, 9), st.integers(0, 9)), max_size=6),
    max_size=5,
)


def add(sums: Sums, rows: list[tuple[int, int, int]]) -> None:
    pairs, one, two = (np.array([row[at] for row in rows], np.int64) for at in range(3))
    sums.add(pairs, np.stack([one, two]).astype(np.int32))


def as_dict(sums: Sums) -> dict[int, tuple[int, int]]:
    pairs, times = sums.total()
    assert pairs.tolist() == sorted(set(pairs.tolist()))
    return {pair: (one, two) for pair, one, two in zip(pairs.tolist(), *times.tolist(), strict=True)}


@given(ADDED, st.integers(0, 4))
def test_each_pair_has_the_sum_of_all_that_was_added_also_across_a_snapshot(
    chunks: list[list[tuple[int, int, int]]], copied_after: int
) -> None:
    expected: dict[int, tuple[int, int]] = {}
    sums = Sums(2)
    for number, rows in enumerate(chunks):
        add(sums, rows)
        for pair, one, two in rows:
            before = expected.get(pair, (0, 0))
            expected[pair] = before[0] + one, before[1] + two
        if number == copied_after:
            writer = Writer()
            sums.write(writer)
            sums = Sums(2)
            sums.read(Reader(writer.encode()))
    assert as_dict(sums) == expected
    assert as_dict(sums) == expected


def test_a_pair_to_which_nothing_but_0_was_added_is_there() -> None:
    sums = Sums(2)
    add(sums, [(7, 0, 0)])
    assert as_dict(sums) == {7: (0, 0)}


def test_many_sums_are_put_together_on_the_way_and_what_a_snapshot_holds_stays_as_it_was() -> None:
    sums, rng, chunk = Sums(1), np.random.default_rng(2), 50_000
    pairs = rng.integers(0, 1_000, 4 * chunk)
    sums.add(pairs[:chunk], np.ones((1, chunk), np.int64))
    writer = Writer()
    sums.write(writer)
    for first in range(chunk, 4 * chunk, chunk):
        sums.add(pairs[first : first + chunk], np.ones((1, chunk), np.int64))
    assert len(sums._chunks) < 4
    cells, times = sums.total()
    assert times[0].tolist() == np.bincount(pairs)[cells].tolist()
    copy = Sums(1)
    copy.read(Reader(writer.encode()))
    assert copy.total()[1].sum() == chunk
