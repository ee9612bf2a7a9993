"""A witness of keys: sees those of a simulated crowd while they live, so that what was published can be computed again.

Only for proofs: with the keys at hand the numbers of real people would not be anonymous.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self

from redis import Redis
from redis.exceptions import RedisError

_PREFIX = b"foule:key:"
_EVERY = 0.05  # seconds
_TIMEOUT = 1.0


class _Seen(dict[str, bytes]):
    """Shows no key, wherever it is printed."""

    def __repr__(self) -> str:
        return f"keys of {sorted(self)}"


class KeyWitness:
    """Looks into a key store all the time; a context manager.

    ``keys``: those that it has seen, by their labels.
    """

    def __init__(self, url: str) -> None:
        """``url``: of the Redis that holds the keys."""
        self.keys: dict[str, bytes] = _Seen()
        self._url = url
        self._over = Event()
        self._thread = Thread(target=self._watch, name="key witness", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        with Redis.from_url(self._url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT) as client:
            while not self._over.wait(_EVERY):
                with suppress(RedisError, OSError):  # it may be away for a while
                    self._look(client)

    def _look(self, client: Redis) -> None:
        for name in client.scan_iter(match=_PREFIX + b"*"):
            label = bytes(name).removeprefix(_PREFIX).decode()
            if label not in self.keys and (key := client.get(name)):
                self.keys[label] = bytes(key)  # type: ignore[arg-type]
