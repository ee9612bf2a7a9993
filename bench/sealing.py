"""What it costs to seal what lies on a disk: AES-256-GCM beside ChaCha20-Poly1305, and how long either keeps other
threads waiting."""

import os
import threading
import time

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from bench.verdict import emit

_SIZES = (1_024, 65_536, 1_000_000)
_BYTES = 200_000_000
_LONG = 200_000_000
_TICK = 0.0005

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


def main() -> None:
    """Print a line for each cipher and size."""
    aeads: list[Aead] = [AESGCM(bytes(32)), ChaCha20Poly1305(bytes(32))]
    for aead in aeads:
        name = type(aead).__name__
        for size in _SIZES:
            took = microseconds(aead, size)
            emit({"bench": "sealing", "cipher": name, "bytes": size, "us": round(took, 1), "mb_s": round(size / took)})
        emit({"bench": "sealing", "cipher": name, "others_wait_share": round(others_wait(aead), 2)})


if __name__ == "__main__":
    main()
