"""``make bench-privacy``: what the protection costs on the path of an event, beside the same without it, in one run.

The path: fetches taken by a shard, the tallies of what closes as bytes for the log, and a snapshot at the end. Without
protection there are no record keys, no sums of them, and nothing is sealed. The rounds of both alternate.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from anonymizer.cipher import Cipher
from anonymizer.keys import EpochKeys, MemoryKeyStore
from anonymizer.pseudonyms import Named, Pseudonymiser
from bench.shard import fetches, shard_parts
from bench.verdict import Bar, emit, verdict
from indicators import counts, visits
from indicators.epoch_crowd import EpochCrowd
from streams import wire
from streams.fetch import Fetch
from streams.shard import Shard, ShardParts

_MOST = 1.05
_HALF = np.zeros(1 << 20, np.uint32)


def unnamed(self: Pseudonymiser, subscribers: Sequence[str]) -> Named:
    """Pseudonyms of eight bytes, and record keys that nobody has made."""
    start = self._keyed.copy
    digests: list[bytes] = []
    for subscriber in subscribers:
        digest = start()
        digest.update(subscriber.encode())
        digests.append(digest.digest())
    words = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 12)
    pseudonyms = np.ascontiguousarray(words[:, :8]).view("<u8").ravel()
    return Named(pseudonyms.astype(np.uint64, copy=False), _HALF[: len(subscribers)])


def slots_alone(self: EpochCrowd, pseudonyms: NDArray[np.uint64], record_keys: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Slots, without entering record keys."""
    return self.slots.slots_of(pseudonyms)


def no_sums(cells: NDArray[Any], record_keys: NDArray[np.uint32], number: int) -> NDArray[np.uint32]:
    """Zeros in the place of sums."""
    return np.zeros(number, np.uint32)


def in_clear(self: Cipher, data: bytes | bytearray | memoryview, context: bytes) -> bytes:
    """The bytes as they are."""
    return bytes(data)


@contextmanager
def unprotected() -> Iterator[None]:
    """The same code without record keys, their sums and sealing."""
    with (
        patch.object(Pseudonymiser, "of", unnamed),
        patch.object(EpochCrowd, "slots_of", slots_alone),
        patch.object(counts, "key_sums", no_sums),
        patch.object(visits, "key_sums", no_sums),
        patch.object(Cipher, "seal", in_clear),
    ):
        yield


def carry(shard: Shard, parts: ShardParts) -> int:
    """The tallies of what has closed as bytes for the log; their number."""
    size = 0
    for tally in shard.closed():
        cipher = parts.keys.cipher(parts.calendar.epoch_of(tally.start), tally.key)
        size += sum(len(wire.encode(part)) for part in wire.parts_of(tally, 0, parts.fingerprint, 0, cipher))
    return size


def seconds(parts: ShardParts, fed: list[Fetch]) -> float:
    """Processor time of one shard's way through all fetches, and a snapshot."""
    parts = replace(parts, keys=EpochKeys(MemoryKeyStore(), 1 << 40, lambda: 0))
    shard = Shard(0, parts)
    gc.collect()
    begun = time.process_time()
    for fetch in fed:
        shard.take(fetch)
        carry(shard, parts)
    for _ in shard.snapshot().pieces():
        pass
    return time.process_time() - begun


def main() -> int:
    """Command line; the exit status says whether the target is reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.privacy", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000, help="of all partitions; the shard gets a quarter")
    parser.add_argument("--records", type=int, default=8_000, help="records of a fetch")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    fed, parts = list(fetches(arguments.events, arguments.records)), shard_parts(arguments.layers)
    events = sum(len(fetch) for fetch in fed)
    taken: dict[str, list[float]] = {"before": [], "after": []}
    for number in range(arguments.rounds):
        for which in ("before", "after") if number % 2 else ("after", "before"):
            if which == "after":
                taken[which].append(seconds(parts, fed))
            else:
                with unprotected():
                    taken[which].append(seconds(parts, fed))
    each = {which: round(median(times) / events * 1e6, 4) for which, times in taken.items()}
    emit({"bench": "privacy", "events": events, "layers": arguments.layers, "cpu_us_per_event": each})
    ratio = median(after / before for before, after in zip(taken["before"], taken["after"], strict=True))
    return 0 if verdict("privacy", {"after_over_before": Bar(ratio, _MOST)}) else 1


if __name__ == "__main__":
    sys.exit(main())
