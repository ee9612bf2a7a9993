"""A dead letter says where its record came from and why it was refused."""

from __future__ import annotations

import numpy as np

from streams.deadletters import DeadLetter, dead_letters
from streams.decode import Rejected
from streams.fetch import Fetch

FETCH = Fetch(
    7,
    100,
    110,
    [b"good", b"\xff", None, b"{}"],
    np.full(4, -1),
    np.array([100, 103, 104, 109]),
    {1: (("trace", b"t"),)},
)
REJECTED = [Rejected(1, "malformed"), Rejected(2, "malformed"), Rejected(3, "missing_field")]


def own(offset: bytes, reason: bytes) -> tuple[tuple[str, bytes], ...]:
    return (("topic", b"events"), ("partition", b"7"), ("offset", offset), ("reason", reason))


def test_it_holds_the_original_bytes_and_headers_behind_its_own() -> None:
    assert list(dead_letters("events", FETCH, REJECTED, payload=True)) == [
        DeadLetter(b"\xff", (*own(b"103", b"malformed"), ("trace", b"t"))),
        DeadLetter(None, own(b"104", b"malformed")),
        DeadLetter(b"{}", own(b"109", b"missing_field")),
    ]


def test_where_only_the_reason_is_kept_nothing_of_the_record_is() -> None:
    letters = list(dead_letters("events", FETCH, REJECTED, payload=False))
    assert [letter.value for letter in letters] == [None] * 3
    assert letters[0].headers == own(b"103", b"malformed")


def test_an_event_of_a_machine_has_none() -> None:
    rejected = [Rejected(0, "machine"), REJECTED[0], Rejected(3, "machine")]
    for payload in (True, False):
        letters = list(dead_letters("events", FETCH, rejected, payload))
        assert [dict(letter.headers)["offset"] for letter in letters] == [b"103"]


def test_of_good_records_there_are_none() -> None:
    assert list(dead_letters("events", FETCH, [], payload=True)) == []
