"""The Redis sink: puts released windows in place, each in one atomic step, then announces them (docs/contracts.md)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec
from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from anonymizer.gate import Publication
from config.errors import ServiceError, SettingsError
from config.sections import RedisSettings
from indicators.calendar import Window
from sinks.contract import CHANGES, Change, change_of
from sinks.script import Command, Outcome, Script, answered
from sinks.values import Values

__all__ = ["RETRY_AFTER", "Outcome", "RedisSink", "RedisSinkError"]

#: Seconds to wait before each new attempt when Redis does not answer.
RETRY_AFTER: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

#: How many announcements the stream ``foule:changes`` holds, about.
CHANGES_LENGTH: Final = 10_000

_BATCH_NUMBERS: Final = 50_000  # a few MB a round trip
_SOCKET_TIMEOUT: Final = 10.0

# A replica that is being promoted, a cluster that moves slots, a server that loads its data: all pass.
_PASSING: Final = (
    redis_errors.ConnectionError,
    redis_errors.TimeoutError,
    redis_errors.ReadOnlyError,
    redis_errors.ClusterDownError,
    redis_errors.MasterDownError,
    redis_errors.TryAgainError,
    OSError,
)

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class RedisSinkError(ServiceError):
    """Redis did not take what was given to it: keep the publications and publish them again."""


class RedisSink:
    """Writes publications to Redis; those of a layer and width are to come in the order of their windows.

    ``retry_after``: seconds to wait before each new attempt when Redis does not answer; at its end
    :class:`RedisSinkError` is raised. Publishing is repeatable, so the caller can always try again. ``refused`` is
    called for each window that Redis refused, which also stands in the log. ``values``: what readers get of the
    numbers. ``day_of``: the local day that holds an instant (UTC ms), if the occupancy of days is kept.
    """

    def __init__(
        self,
        settings: RedisSettings,
        retry_after: Sequence[float] = RETRY_AFTER,
        refused: Callable[[], object] = lambda: None,
        values: Values | None = None,
        day_of: Callable[[int], Window] | None = None,
    ) -> None:
        self._settings = settings
        self._script = Script(settings, values or Values(), day_of)
        self._refused = refused
        self._retry_after = tuple(retry_after)
        try:
            self._client = Redis.from_url(
                settings.url.reveal(),
                socket_timeout=_SOCKET_TIMEOUT,
                socket_connect_timeout=_SOCKET_TIMEOUT / 2,
                health_check_interval=30,
                retry=Retry(NoBackoff(), 0),  # retried here, where the window to repeat is known
            )
        except ValueError:
            problem = "redis.url: is no Redis address; expected one such as redis://127.0.0.1:6379/0"
            raise SettingsError([problem]) from None  # the cause may quote a password

    async def publish(self, publication: Publication) -> Outcome:
        """Put one window in place, then announce it; the same as ``publish_all`` of one."""
        return (await self.publish_all([publication]))[0]

    async def publish_all(self, publications: Sequence[Publication]) -> list[Outcome]:
        """Put windows in place in this order, many in a round trip, then announce them; one outcome for each.

        What is published again leaves no second entry anywhere. Raises :class:`RedisSinkError` if Redis does
        not answer or refuses, with some windows perhaps in place; :class:`ZonesError` for a zone id that the
        contract cannot hold.
        """
        outcomes: list[Outcome] = []
        for batch in _batches(publications):
            placed = await self._place(batch)
            self._report(batch, placed)
            await self._announce(batch, placed)
            outcomes += placed
        return outcomes

    def _report(self, batch: Sequence[Publication], outcomes: Sequence[Outcome]) -> None:
        for publication, outcome in zip(batch, outcomes, strict=True):
            if outcome is Outcome.REFUSED:
                self._refused()
                log.warning(
                    "Redis refuses version %d of a window of %s (width %s, start %d): it holds a newer one. If the "
                    "topic of tallies was made anew, its versions begin at 0 again: empty this Redis too",
                    publication.version,
                    publication.window.layer,
                    publication.window.width,
                    publication.window.start,
                )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _place(self, batch: Sequence[Publication]) -> list[Outcome]:
        withdrawn: dict[int, tuple[str, ...]] = dict.fromkeys(range(len(batch)), ())
        outcomes: dict[int, Outcome] = {}
        while len(outcomes) < len(batch):
            waiting = [number for number in range(len(batch)) if number not in outcomes]
            calls = [self._script.call(batch[number], withdrawn[number]) for number in waiting]
            answers = await self._attempt("put a window in place", partial(self._send, calls))
            for number, answer in zip(waiting, map(answered, answers), strict=True):
                if isinstance(answer, Outcome):
                    outcomes[number] = answer
                else:
                    withdrawn[number] += answer
        return [outcomes[number] for number in range(len(batch))]

    async def _send(self, commands: Sequence[Command], *, together: bool = False) -> list[Any]:
        async with self._client.pipeline(transaction=together) as pipeline:
            for command in commands:
                _queue(pipeline, command)
            # with raise_on_error the client would quote the whole command, which may be megabytes
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    async def _announce(self, batch: Sequence[Publication], outcomes: Sequence[Outcome]) -> None:
        announced: set[Change] = set()
        if any(map(_may_be_unannounced, batch, outcomes)):
            announced = await self._attempt("read the announcements", self._announced)
        changes = [
            change
            for publication, outcome in zip(batch, outcomes, strict=True)
            for change in [change_of(publication)]
            if outcome is Outcome.PLACED or (_may_be_unannounced(publication, outcome) and change not in announced)
        ]
        commands: list[Command] = []
        for change in changes:
            fields = [item for pair in msgspec.structs.asdict(change).items() for item in pair]
            commands.append(["XADD", CHANGES, "MAXLEN", "~", CHANGES_LENGTH, "*", *fields])
            commands.append(["PUBLISH", CHANGES, msgspec.json.encode(change)])
        if commands:
            await self._attempt("announce a window", partial(self._send, commands, together=True))

    async def _announced(self) -> set[Change]:
        entries = await self._client.execute_command("XREVRANGE", CHANGES, "+", "-")  # type: ignore[no-untyped-call]
        fields = ({name.decode(): value.decode() for name, value in entry.items()} for _, entry in entries)
        return {msgspec.convert(entry, Change, strict=False) for entry in fields}

    async def _attempt(self, what: str, action: Callable[[], Awaitable[_T]]) -> _T:
        failure: Exception
        for delay in (*self._retry_after, None):
            try:
                return await action()
            except redis_errors.AuthenticationError as error:
                raise self._error(what, error, "check the user and password in redis.url") from error
            except _PASSING as error:
                failure = error
            except redis_errors.RedisError as error:
                raise self._error(what, error, "see the message of Redis") from error
            # a promoted replica or a moved address is found only by a new connection
            await self._client.connection_pool.disconnect()
            if delay is not None:
                await asyncio.sleep(delay)
        attempts = len(self._retry_after) + 1
        raise self._error(what, failure, f"tried {attempts} times; is Redis running there?") from failure

    def _error(self, what: str, error: Exception, advice: str) -> RedisSinkError:
        return RedisSinkError(f"Redis at {self._settings.url} (redis.url): cannot {what}: {error}; {advice}")


def _may_be_unannounced(publication: Publication, outcome: Outcome) -> bool:
    """Whoever put the window in place may have ended before the announcement."""
    return outcome is Outcome.REPEATED and not publication.window.is_empty


def _queue(pipeline: Pipeline, command: Command) -> None:
    pipeline.execute_command(*command)


def _batches(publications: Sequence[Publication]) -> Iterator[list[Publication]]:
    batch: list[Publication] = []
    numbers = 0
    for publication in publications:
        if batch and numbers + publication.window.published > _BATCH_NUMBERS:
            yield batch
            batch, numbers = [], 0
        batch.append(publication)
        numbers += publication.window.published
    if batch:
        yield batch
