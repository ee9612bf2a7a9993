"""Attacks 1 and 2: all telephone numbers are tried against every byte that is left; and the bytes are searched for
identifiers, pseudonyms and keys that are known to have been in use."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from anonymizer.pseudonyms import Pseudonymiser
from indicators.columns import Writer
from tests.privacy.outcome import Outcome
from tests.privacy.scan import find_identifiers
from tests.privacy.small_feed import BLOCK, WHOLE_SPACE, Left, crowd, feed, number, play

Words = NDArray[np.uint64]


def run(seed: int = 0, devices: int = 400, tried: int = BLOCK) -> list[Outcome]:
    """``tried``: how many numbers of the block of a million in which all devices are."""
    left = play(feed(crowd(devices, seed)))
    ids = sorted({event.subscriber for event in crowd(devices, seed)})
    key = next(iter(left.keys.values()))
    stores = [*left.snapshots, *left.log]
    numbers = [number(suffix) for suffix in range(tried)]
    inside = max(1, len(set(numbers) & set(ids)))

    begun = time.monotonic()
    by_key = Pseudonymiser(key).of(numbers).pseudonyms
    seconds = time.monotonic() - begun
    plain = _in_clear(Pseudonymiser(key).of(ids).pseudonyms)
    unkeyed = [_hashed(ids, b""), _hashed(numbers, b"")]
    guesses = [unkeyed[1], *(Pseudonymiser(guess).of(numbers).pseudonyms for guess in _guesses(left, 32))]
    after = [Pseudonymiser(guess).of(numbers).pseudonyms for guess in _guesses(left, 32, afterwards=True)]
    hours = seconds * WHOLE_SPACE / tried / 3600
    cost = f"{tried:,} of {WHOLE_SPACE:,} numbers tried in {seconds:.1f} s a key: all of them in {hours:.2f} h"
    words = _words([*stores, plain])
    off_key = _found(_words([plain]), by_key) / inside
    off_unkeyed = _found(_words([_in_clear(unkeyed[0])]), unkeyed[1]) / inside
    on_before = sum(_found(words, guess) for guess in guesses) / inside
    on_after = sum(_found(words, guess) for guess in after) / inside
    figure = "share of the devices whose number is found"
    return [
        Outcome(
            id="1a",
            name="brute force of numbers, the epoch open, without the key store",
            claim="singling out",
            knows="every byte of snapshots and tallies; even the pseudonyms, as if they were not sealed",
            figure=figure,
            without="the key (a hash without one)",
            off=off_unkeyed,
            on=on_before,
            target="0",
            works=off_unkeyed > 0.99,
            fails=on_before == 0,
            detail=cost,
        ),
        Outcome(
            id="1b",
            name="brute force of numbers, the epoch over, with the key store",
            claim="singling out",
            knows="the same, and all that the key store holds after the key's destruction",
            figure=figure,
            without="the key's destruction",
            off=off_key,
            on=on_after,
            target="0",
            works=off_key > 0.99,
            fails=on_after == 0,
            detail=f"{len(left.afterwards)} tombstones in the key store",
        ),
        _scan(ids, key, left, plain),
    ]


def _scan(ids: Sequence[str], key: bytes, left: Left, plain: bytes) -> Outcome:
    """What is known to have been in use is looked for in all that is left in one process."""
    pseudonyms = Pseudonymiser(key).of(list(ids)).pseudonyms
    stores = [*left.snapshots, *left.log, *left.afterwards.values()]

    def found(pieces: Sequence[bytes]) -> int:
        keys = sum(piece.count(key) + piece.count(key.hex().encode()) for piece in pieces)
        return len(find_identifiers(pieces, set(ids))) + _found(_words(pieces), pseudonyms) + keys

    off = found([*stores, plain, ids[0].encode(), key])
    on = found(stores)
    return Outcome(
        id="2a",
        name="scan of every byte for identifiers, pseudonyms and keys",
        claim="singling out",
        knows="every byte of snapshots, tallies, decisions and, after the epoch, of the key store",
        figure="identifiers, pseudonyms and keys found",
        without="sealing (a snapshot in clear, a number and a key are planted)",
        off=float(off),
        on=float(on),
        target="0",
        works=off >= len(ids),
        fails=on == 0,
        detail=f"{sum(map(len, stores)):,} bytes",
    )


def _guesses(left: Left, size: int, *, afterwards: bool = False) -> Iterable[bytes]:
    """Keys that somebody may think of: zeros, the keys' labels, what the key store still holds."""
    yield bytes(size)
    for label in left.keys:
        yield label.encode().ljust(size, b"\0")
        yield hashlib.sha256(label.encode()).digest()
    if afterwards:
        yield from (held.ljust(size, b"\0") for held in left.afterwards.values())


def _hashed(numbers: Sequence[str], key: bytes) -> Words:
    digests = b"".join(hashlib.blake2b(one.encode(), digest_size=8, key=key).digest() for one in numbers)
    return np.frombuffer(digests, "<u8").astype(np.uint64)


def _in_clear(pseudonyms: Words) -> bytes:
    """Pseudonyms as a snapshot held them, were it not sealed."""
    writer = Writer()
    writer.final("pseudonyms", pseudonyms)
    return writer.encode()


def _words(pieces: Sequence[bytes]) -> Words:
    """The 8 bytes at any place of any piece, as a number; each once."""
    words = [np.empty(0, np.uint64)]
    for piece in pieces:
        for shift in range(min(8, len(piece))):
            whole = (len(piece) - shift) // 8 * 8
            words.append(np.frombuffer(piece[shift : shift + whole], "<u8").astype(np.uint64))
    return np.unique(np.concatenate(words))


def _found(words: Words, needles: Words) -> int:
    """How many of the ``needles`` are among the words."""
    return len(np.intersect1d(words, needles))
