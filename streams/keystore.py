"""The key store of a group of workers: a Redis that keeps nothing on disk (docs/privacy.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ConnectionError, RedisError, ResponseError, TimeoutError
from redis.retry import Retry

from anonymizer.keys import DESTROYED
from config.errors import KeyStoreError, SettingsError
from config.sections import KeysSettings

PREFIX: Final = "foule:key:"
_TIMEOUT: Final = 2.0  # seconds; a worker waits in its event loop meanwhile
_ATTEMPTS: Final = 3
_REFUSES: Final = (
    f"it refuses; check that its user may SET, GET and DEL {PREFIX}*, that it has memory left, "
    "and that nothing else writes there"
)

_MEMORY_ONLY: Final = 'use a Redis with save "" and appendonly no, without replicas'
_SCANNED: Final = 1000
_FOR_GOOD: Final = -1  # what PTTL says of a key without a time to live, and of one that is not there
_GONE: Final = -2

_T = TypeVar("_T")


class Way(NamedTuple):
    """A way in which a Redis may write keys to a disk: its name in ``keys.accept_risks``, what is so, what to do."""

    risk: str
    text: str
    advice: str

    @property
    def remedy(self) -> str:
        """What to do about it, or how to accept it."""
        return f'{self.advice}, or accept it by its name: keys.accept_risks = ["{self.risk}"]'


class RedisKeyStore:
    """Keeps the keys of epochs as ``foule:key:LABEL``, each with a time to live.

    Implements ``anonymizer.keys.KeyStore``. Every method raises :class:`KeyStoreError` when the Redis does
    not answer or refuses. An error quotes nothing that Redis or its client said and has no cause attached:
    both may repeat a command with the key in it.
    """

    def __init__(self, settings: KeysSettings) -> None:
        self._place = str(settings.url)
        try:
            self._client = Redis.from_url(
                settings.url.reveal(),
                socket_timeout=_TIMEOUT,
                socket_connect_timeout=_TIMEOUT,
                retry=Retry(NoBackoff(), 0),  # retried here, once for connecting and asking together
            )
        except ValueError:
            problem = "keys.url: is no Redis address; expected one such as redis://127.0.0.1:6380/0"
            raise SettingsError([problem]) from None  # the cause may quote a password

    def get(self, label: str) -> bytes | None:
        """The key with this label, or None; ``DESTROYED`` if it was destroyed."""
        return cast(bytes | None, self._ask("read", label, lambda: self._client.get(PREFIX + label)))

    def put_if_absent(self, label: str, key: bytes, ttl_ms: int) -> bytes:
        """Keep ``key`` for ``ttl_ms`` unless there is one; return what is then there, as :meth:`get` does."""

        def put() -> list[Any]:
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.set(PREFIX + label, key, nx=True, px=int(ttl_ms))
                pipeline.get(PREFIX + label)
                return pipeline.execute(raise_on_error=False)

        answers = self._ask("keep", label, put)
        in_force = answers[-1]
        if not isinstance(in_force, bytes) or any(isinstance(answer, Exception) for answer in answers):
            raise self._error("keep", label, _REFUSES)
        return in_force

    def replace(self, label: str, key: bytes, ttl_ms: int) -> None:
        """Keep ``key`` for ``ttl_ms``, whatever is there."""
        self._ask("keep", label, lambda: self._client.set(PREFIX + label, key, px=int(ttl_ms)))

    def destroy(self, label: str, ttl_ms: int) -> None:
        """Forget the key, and for ``ttl_ms`` take none under this label from a worker that has not heard of it."""
        self._ask("destroy", label, lambda: self._client.set(PREFIX + label, DESTROYED, px=int(ttl_ms)))

    def persistence(self) -> list[Way]:
        """In what ways this Redis may write keys to a disk; none if it does not.

        A Redis that does not show its settings or state (many managed ones) may do so in a way that is unknown.
        """
        settings = self._ask("ask the settings of", None, self._settings)
        status = self._ask("ask the state of", None, self._status)
        ways: list[Way] = []
        if settings is None:
            text = "does not show its settings (CONFIG GET), so it may write snapshots"
            ways.append(Way("unknown", text, f"let its user run CONFIG GET; {_MEMORY_ONLY}"))
        if status is None:
            text = "does not show its state (INFO), so it may have replicas that write to disk"
            ways.append(Way("unknown", text, f"let its user run INFO; {_MEMORY_ONLY}"))
        settings, status = settings or {}, status or {}
        if settings.get("save"):
            ways.append(Way("snapshots", f'writes snapshots to disk (save "{settings["save"]}")', 'set save ""'))
        if settings.get("appendonly", "no") != "no" or status.get("aof_enabled", "0") != "0":
            ways.append(Way("append-only file", "writes every change to an append-only file", "set appendonly no"))
        if status.get("role", "master") != "master":
            ways.append(Way("replicas", "is a replica: its primary may write to disk", _MEMORY_ONLY))
        if (replicas := status.get("connected_slaves", "0")) != "0":
            ways.append(Way("replicas", f"has replicas ({replicas}), which may write to disk", _MEMORY_ONLY))
        return ways

    def times_to_live(self) -> list[int | None]:
        """How long each key, or its tombstone, stays (ms, at most); None for one that nothing takes away."""

        def look() -> list[int | None]:
            names = list(self._client.scan_iter(match=f"{PREFIX}*", count=_SCANNED))
            with self._client.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.pttl(name)
                found = [int(left) for left in pipeline.execute()]
            return [None if left == _FOR_GOOD else left for left in found if left != _GONE]

        return self._ask("look at the times to live of", None, look)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __repr__(self) -> str:
        return f"RedisKeyStore({self._place})"

    def _settings(self) -> dict[str, str] | None:
        found: dict[str, str] = {}
        try:
            for name in ("save", "appendonly"):
                found |= _texts(self._client.config_get(name))
        except ResponseError:  # the command is renamed, or not allowed to this user
            return None
        return found if "save" in found else None

    def _status(self) -> dict[str, str] | None:
        try:
            return _texts(self._client.info("persistence")) | _texts(self._client.info("replication"))
        except ResponseError:
            return None

    def _ask(self, what: str, epoch: str | None, question: Callable[[], _T]) -> _T:
        # raised outside the except blocks, so that the client's error is not attached as context
        reason = f"it does not answer ({_ATTEMPTS} attempts of up to {_TIMEOUT:g} s); is it running there?"
        for _ in range(_ATTEMPTS):
            try:
                return question()
            except AuthenticationError:
                reason = "it refuses the user or password in keys.url"
                break
            except (ConnectionError, TimeoutError, OSError):
                continue
            except RedisError:
                reason = _REFUSES
                break
        raise self._error(what, epoch, reason)

    def _error(self, what: str, epoch: str | None, reason: str) -> KeyStoreError:
        thing = "the key store" if epoch is None else f"the key of epoch {epoch}"
        return KeyStoreError(f"key store at {self._place} (keys.url): cannot {what} {thing}: {reason}")


def _texts(answer: Mapping[Any, Any]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in answer.items()}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
