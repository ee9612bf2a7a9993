"""A fetch is cut by offset, holes and headers included."""

from __future__ import annotations

import numpy as np
import pytest

from streams.fetch import Fetch, contiguous

HOLED = Fetch(
    2,
    10,
    20,
    [b"a", None, b"c", b"d"],
    np.array([1, -1, 3, 4]),
    np.array([11, 12, 15, 18]),
    {1: (("h", b"1"),), 3: (("h", b"3"), ("i", b""))},
)


def shown(fetch: Fetch) -> tuple[object, ...]:
    columns = (fetch.timestamps.tolist(), fetch.offsets.tolist(), dict(fetch.headers))
    return (fetch.partition, fetch.start, fetch.end, len(fetch), fetch.values, *columns)


def test_records_in_a_row_have_offsets_in_a_row() -> None:
    fetch = contiguous(3, 7, [b"x", None], np.array([5, 6]))
    assert shown(fetch) == (3, 7, 9, 2, [b"x", None], [5, 6], [7, 8], {})


@pytest.mark.parametrize("cut", range(10, 21))
def test_the_two_sides_of_a_cut_hold_all_of_the_fetch_once(cut: int) -> None:
    before, since = HOLED.before(cut), HOLED.since(cut)
    assert (before.start, before.end, since.start, since.end) == (10, cut, cut, 20)
    assert before.values + since.values == HOLED.values
    assert all(offset < cut for offset in before.offsets) and all(offset >= cut for offset in since.offsets)
    assert [*before.offsets, *since.offsets] == HOLED.offsets.tolist()
    assert [*before.timestamps, *since.timestamps] == HOLED.timestamps.tolist()
    headers = {int(part.offsets[row]): held for part in (before, since) for row, held in part.headers.items()}
    assert headers == {12: (("h", b"1"),), 18: (("h", b"3"), ("i", b""))}


def test_a_cut_in_a_hole_puts_the_hole_on_both_sides() -> None:
    assert shown(HOLED.before(14).since(13)) == (2, 13, 14, 0, [], [], [], {})
    assert shown(HOLED.since(16)) == (2, 16, 20, 1, [b"d"], [4], [18], {0: (("h", b"3"), ("i", b""))})
