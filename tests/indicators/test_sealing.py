"""A sealed section comes back whole with its own cipher only, in its own place, every piece in its own order."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.cipher import Cipher
from config.errors import ContractError
from indicators.columns import Reader, Writer
from indicators.sealing import PIECE_BYTES, Sealed, Sealer, opened, recut

CIPHER, OTHER = Cipher(bytes(32)), Cipher(bytes(range(32)))
SECRETS = np.random.default_rng(0).integers(0, 1 << 63, 100_000)


def section(data: bytes = bytes(range(256)) * (PIECE_BYTES // 64)) -> tuple[Sealed, list[bytes]]:
    sealer = Sealer(CIPHER, "here")
    pieces = list(sealer.pieces([data]))
    return sealer.sealed, pieces


def refused(sealed: Sealed, data: bytes, cipher: Cipher = CIPHER, place: str = "here") -> bool:
    with pytest.raises(ContractError, match="damaged"):
        opened(sealed, memoryview(data), cipher, place)
    return True


@given(st.lists(st.binary(max_size=40)), st.integers(1, 50))
def test_bytes_are_cut_anew_into_even_pieces(pieces: list[bytes], size: int) -> None:
    cut = list(recut(pieces, size))
    assert b"".join(cut) == b"".join(pieces)
    assert all(len(piece) == size for piece in cut[:-1])
    assert all(0 < len(piece) <= size for piece in cut)


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_a_section_of_any_length_comes_back(length: int) -> None:
    data = np.random.default_rng(length).bytes(length)
    sealed, pieces = section(data)
    assert len(pieces) == max(1, -(-length // PIECE_BYTES))
    assert opened(sealed, memoryview(b"".join(pieces)), CIPHER, "here") == data


def test_no_piece_can_be_moved_left_out_cut_or_taken_from_another_snapshot() -> None:
    sealed, pieces = section()
    other, strange = section()
    assert len(pieces) == 4 and len(set(sealed.pieces)) == 1
    assert opened(sealed, memoryview(b"".join(pieces)), CIPHER, "here")
    swapped = [pieces[1], pieces[0], *pieces[2:]]
    mixed = [strange[0], *pieces[1:]]
    for wrong in (swapped, mixed):
        assert refused(sealed, b"".join(wrong))
    fewer = Sealed(sealed.salt, sealed.pieces[:-1])
    for left in (pieces[:-1], pieces[1:]):
        assert refused(fewer, b"".join(left))
    assert refused(Sealed(sealed.salt, []), b"")
    assert refused(sealed, b"".join(pieces)[:-1])
    assert refused(Sealed(other.salt, sealed.pieces), b"".join(pieces))


def test_a_section_opens_in_its_place_and_with_its_cipher_only() -> None:
    sealed, pieces = section()
    assert refused(sealed, b"".join(pieces), place="there")
    assert refused(sealed, b"".join(pieces), OTHER)


def snapshot(place: str = "shard 3") -> Writer:
    writer = Writer(place)
    writer.value("watermark", 7)
    writer.column("moves", np.arange(3))
    for name, cipher in (("0", CIPHER), ("1", OTHER)):
        inner = writer.under(f"epoch/{name}").sealed("crowd", cipher)
        inner.under("visits").column("secrets", SECRETS)
        inner.distinct("set", [SECRETS[:10], SECRETS[:20]])
        inner.value("window", [name])
    return writer


def test_each_section_of_a_snapshot_is_read_with_its_own_cipher_and_the_rest_with_none() -> None:
    reader = Reader(snapshot().encode(), "shard 3")
    assert (reader.value("watermark"), reader.column("moves").tolist()) == (7, [0, 1, 2])
    for name, cipher, other in (("0", CIPHER, OTHER), ("1", OTHER, CIPHER)):
        epoch = reader.under(f"epoch/{name}")
        inner = epoch.opened("crowd", cipher)
        assert inner.value("window") == [name]
        assert np.array_equal(inner.under("visits").column("secrets"), SECRETS)
        assert inner.column("set").tolist() == sorted({*SECRETS[:20].tolist()})
        with pytest.raises(ContractError, match="sealed bytes do not open"):
            epoch.opened("crowd", other)
        with pytest.raises(ContractError, match="lacks 'epoch/"):
            epoch.value("window")
    with pytest.raises(ContractError, match="lacks 'epoch/0/people'"):
        reader.under("epoch/0").opened("people", CIPHER)


def test_a_section_opens_in_no_other_snapshot() -> None:
    reader = Reader(snapshot().encode(), "shard 4").under("epoch/0")
    with pytest.raises(ContractError, match="sealed bytes do not open"):
        reader.opened("crowd", CIPHER)


def test_what_is_sealed_shows_neither_its_columns_nor_their_names() -> None:
    data = snapshot().encode()
    plain = Writer()
    plain.column("secrets", SECRETS[:100])
    low = SECRETS[50:51].tobytes()
    assert low in plain.encode() and b"secrets" in plain.encode()
    assert low not in data and b"secrets" not in data and b"visits" not in data


def test_an_index_with_strange_lengths_is_refused() -> None:
    index: Any = [{}, {}, {"crowd": [bytes(16), [-5, 5]]}]
    end = msgspec.msgpack.encode(index)
    reader = Reader(end + len(end).to_bytes(8), "shard 3")
    with pytest.raises(ContractError, match="damaged"):
        reader.opened("crowd", CIPHER)
