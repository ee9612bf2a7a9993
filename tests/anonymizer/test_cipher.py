"""What is sealed opens with the same key and context only, whole and unchanged, and shows nothing."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.cipher import OVERHEAD, Cipher
from config.errors import ContractError

KEY = bytes(range(32))
SECRET = b"one of a million pseudonyms" * 9


@given(st.binary(max_size=300), st.binary(max_size=20))
def test_what_is_sealed_opens_as_it_was(data: bytes, context: bytes) -> None:
    sealed = Cipher(KEY).seal(data, context)
    assert len(sealed) == len(data) + OVERHEAD
    for readable in (sealed, bytearray(sealed), memoryview(sealed)):
        assert Cipher(bytearray(KEY)).open(readable, context) == data


def test_the_same_bytes_are_sealed_differently_each_time() -> None:
    cipher = Cipher(KEY)
    sealed = [cipher.seal(SECRET, b"") for _ in range(100)]
    assert len({one[:12] for one in sealed}) == len({one[12:] for one in sealed}) == 100
    assert not any(SECRET[:27] in one for one in sealed)


@pytest.mark.parametrize("at", [0, 11, 12, 100, -17, -16, -1])
def test_a_changed_bit_is_noticed_wherever_it_is(at: int) -> None:
    sealed = bytearray(Cipher(KEY).seal(SECRET, b"here"))
    sealed[at] ^= 1
    with pytest.raises(ContractError, match="sealed bytes do not open"):
        Cipher(KEY).open(sealed, b"here")


@pytest.mark.parametrize("length", [0, 11, 12, 27, 28, 100])
def test_what_is_cut_short_is_noticed(length: int) -> None:
    sealed = Cipher(KEY).seal(SECRET, b"here")
    for cut in (sealed[:length], sealed[len(sealed) - length :]):
        with pytest.raises(ContractError, match="sealed bytes do not open"):
            Cipher(KEY).open(cut, b"here")


def test_it_opens_with_no_other_key_and_in_no_other_place() -> None:
    sealed = Cipher(KEY).seal(SECRET, b"here")
    for cipher, context in ((Cipher(KEY[::-1]), b"here"), (Cipher(KEY), b"there"), (Cipher(KEY), b"")):
        with pytest.raises(ContractError) as error:
            cipher.open(sealed, context)
        assert error.value.__cause__ is None and "here" not in str(error.value).replace("where", "")


def test_neither_the_key_nor_what_is_under_it_shows() -> None:
    cipher = Cipher(KEY)
    assert repr(cipher) == str(cipher) == "Cipher(...)"
    with pytest.raises(TypeError):
        pickle.dumps(cipher)
