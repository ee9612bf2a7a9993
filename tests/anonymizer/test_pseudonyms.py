"""A pseudonym is the keyed BLAKE2b of the id, and nothing of the key or the id shows."""

from __future__ import annotations

import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.pseudonyms import Pseudonymiser

KEY = bytes(range(32))
SUBSCRIBERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def plainly(key: bytes, subscriber: str) -> int:
    digest = hashlib.blake2b(subscriber.encode(), key=key, digest_size=12).digest()
    return int.from_bytes(digest[:8], "little")


@given(st.lists(SUBSCRIBERS, max_size=20), st.binary(min_size=32, max_size=32))
def test_it_is_the_keyed_blake2b_of_each_id(subscribers: list[str], key: bytes) -> None:
    named = Pseudonymiser(key).of(subscribers)
    assert [named.pseudonyms.dtype.str, named.record_keys.dtype.str] == ["<u8", "<u4"]
    assert named.pseudonyms.tolist() == [plainly(key, subscriber) for subscriber in subscribers]
    digests = [hashlib.blake2b(subscriber.encode(), key=key, digest_size=12).digest() for subscriber in subscribers]
    assert named.record_keys.tolist() == [int.from_bytes(digest[8:], "little") for digest in digests]


def test_a_known_answer() -> None:
    assert Pseudonymiser(KEY).of(["208011234567890"]).pseudonyms.tolist() == [plainly(KEY, "208011234567890")]
    assert plainly(KEY, "208011234567890") == 5_727_050_955_423_584_357


def test_the_same_id_under_another_key_is_somebody_else() -> None:
    ids = [f"2080{n:011d}" for n in range(1_000)]
    today, tomorrow = Pseudonymiser(KEY).of(ids), Pseudonymiser(KEY[::-1]).of(ids)
    assert len({*today.pseudonyms.tolist(), *tomorrow.pseudonyms.tolist()}) == 2_000


def test_one_fetch_changes_nothing_for_the_next() -> None:
    pseudonymiser = Pseudonymiser(KEY)
    first = pseudonymiser.of(["a", "b"])
    pseudonymiser.of(["c"])
    assert pseudonymiser.of(["a", "b"]).pseudonyms.tolist() == first.pseudonyms.tolist()


def test_neither_its_repr_nor_a_copy_shows_the_key() -> None:
    pseudonymiser = Pseudonymiser(KEY)
    pseudonymiser.of(["208011234567890"])
    assert repr(pseudonymiser) == str(pseudonymiser) == "Pseudonymiser(...)"
    assert KEY not in [value for value in vars(pseudonymiser).values() if isinstance(value, bytes)]
    with pytest.raises(TypeError):
        pickle.dumps(pseudonymiser)
