"""``python -m bench.sealing``: what it costs to seal what lies on a disk. AES-256-GCM beside ChaCha20-Poly1305, and for
how much of a long message's time either keeps other threads waiting; and the batches of the shuffle beside the same in
clear. (A snapshot's share is in ``python -m bench.recovery``.)"""

import datetime as dt
import os
import threading
import time

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from anonymizer.cipher import OVERHEAD, Cipher
from bench import workload
from bench.verdict import emit
from indicators.calendar import Calendar
from streams.batches import Batch, decode_batch, encode_batch, open_rows
from streams.intake import Share

_SIZES = (1_024, 65_536, 1_000_000)
_ROUNDS = 5
_BYTES = 200_000_000
_LONG = 200_000_000
_TICK = 0.0005
_EVENTS = 4_000_000
_CALENDAR = Calendar("Europe/Paris", dt.time(4), [300_000])

Aead = AESGCM | ChaCha20Poly1305


def microseconds(aead: Aead, size: int) -> float:
    """How long one message of ``size`` bytes takes to seal."""
    data, rounds = os.urandom(size), _BYTES // size // 4
    begun = time.perf_counter()
    for _ in range(rounds):
        aead.encrypt(os.urandom(12), data, b"context")
    return (time.perf_counter() - begun) / rounds * 1e6


def others_wait(aead: Aead) -> float:
    """The share of a long message's time for which another thread could not run."""
    data, waits, done = bytes(_LONG), list[float](), threading.Event()

    def watch() -> None:
        while not done.is_set():
            begun = time.perf_counter()
            time.sleep(_TICK)
            waits.append(time.perf_counter() - begun)

    watching = threading.Thread(target=watch)
    watching.start()
    begun = time.perf_counter()
    aead.encrypt(bytes(12), data, b"")
    taken = time.perf_counter() - begun
    done.set()
    watching.join()
    return max(waits) / taken


class _Clear(Cipher):
    """Leaves bytes as they are, with room for what sealing adds."""

    def seal(self, data: bytes | bytearray | memoryview, context: bytes) -> bytes:
        return bytes(data) + bytes(OVERHEAD)

    def open(self, sealed: bytes | bytearray | memoryview, context: bytes) -> bytes:
        return bytes(sealed[:-OVERHEAD])


def shuffle_ns(cipher: Cipher, rows: int) -> float:
    """Processor time of an event from a source's batch of so many to a shard's columns, in the best of some rounds."""
    rng = np.random.default_rng(0)
    epoch = _CALENDAR.epoch_of(workload.BEGIN)
    share = Share(
        epoch,
        "key",
        cipher,
        np.arange(rows),
        workload.BEGIN + rng.integers(0, 60_000, rows),
        rng.integers(0, 1 << 64, rows, dtype=np.uint64),
        rng.integers(0, 1 << 32, rows, dtype=np.uint32),
        rng.integers(0, 5_000, rows).astype(np.int32),
        rng.integers(0, 300, rows).astype(np.int16),
    )
    batch, best = Batch("f" * 64, 0, 0, 0, rows, workload.BEGIN, [share]), float("inf")
    for _ in range(_ROUNDS):
        begun, rounds = time.thread_time(), _EVENTS // rows // _ROUNDS
        for _ in range(rounds):
            sent = decode_batch(encode_batch(batch, 0))
            open_rows(sent, 0, sent.rows[0], epoch, cipher)
        best = min(best, (time.thread_time() - begun) / rounds / rows)
    return best * 1e9


def main() -> None:
    """Print a line for each cipher and size, and for each length of batches."""
    aeads: list[Aead] = [AESGCM(bytes(32)), ChaCha20Poly1305(bytes(32))]
    for aead in aeads:
        name = type(aead).__name__
        for size in _SIZES:
            took = microseconds(aead, size)
            emit({"bench": "sealing", "cipher": name, "bytes": size, "us": round(took, 1), "mb_s": round(size / took)})
        emit({"bench": "sealing", "cipher": name, "others_wait_share": round(others_wait(aead), 2)})
    for rows in (100, 2_500, 30_000):
        sealed, clear = shuffle_ns(Cipher(bytes(32)), rows), shuffle_ns(_Clear(bytes(32)), rows)
        figures = {"sealed_ns": round(sealed, 1), "clear_ns": round(clear, 1), "cost_ns": round(sealed - clear, 1)}
        emit({"bench": "sealing", "what": "batch of the shuffle, per event", "rows": rows, **figures})


if __name__ == "__main__":
    main()
