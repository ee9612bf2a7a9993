"""The Redis sink: puts released windows in place, each in one atomic step, then announces them (docs/contracts.md)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from importlib.resources import files
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import msgspec
from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from anonymizer.gate import Publication, ReleasedWindow
from config.errors import ServiceError, SettingsError, ZonesError
from config.sections import RedisSettings
from indicators.calendar import DAY_MS, width_of_label
from indicators.cells import OF_PAIRS, PARTED
from sinks.contract import (
    CHANGES,
    HEADER,
    LIVE_WINDOWS,
    Change,
    change_of,
    field_of,
    header_of,
    indicator_key,
    live_key,
    occupancy_key,
    series_key,
    window_key,
    zone_value,
)
from sinks.values import Values

#: Seconds to wait before each new attempt when Redis does not answer.
RETRY_AFTER: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

#: How many announcements the stream ``foule:changes`` holds, about.
CHANGES_LENGTH: Final = 10_000

_SCRIPT: Final = files("sinks").joinpath("replace_window.lua").read_text(encoding="utf-8")
_CHUNK: Final = 1000  # items; Lua unpacks a chunk onto its stack, which holds 8,000 values
#: The indicators that have a hash of their own.
_HASHES: Final = (*OF_PAIRS, *PARTED)
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
_Command = list[str | bytes | int]


class RedisSinkError(ServiceError):
    """Redis did not take what was given to it: keep the publications and publish them again."""


class Outcome(StrEnum):
    """What became of a publication in Redis."""

    PLACED = "placed"  #: the window's numbers are in place, and announced
    EMPTY = "empty"  #: nothing of the window may be published: it has no key, and no announcement
    REPEATED = "repeated"  #: it was in place already with this version; nothing changed
    REFUSED = "refused"  #: a newer version of the window is in place; nothing changed


class RedisSink:
    """Writes publications to Redis; those of a layer and width are to come in the order of their windows.

    ``retry_after``: seconds to wait before each new attempt when Redis does not answer; at its end
    :class:`RedisSinkError` is raised. Publishing is repeatable, so the caller can always try again. ``refused`` is
    called for each window that Redis refused, which also stands in the log. ``values``: what readers get of the
    numbers. ``day_of``: the start of the local day of an instant (UTC ms both), if the occupancy of days is kept.
    """

    def __init__(
        self,
        settings: RedisSettings,
        retry_after: Sequence[float] = RETRY_AFTER,
        refused: Callable[[], object] = lambda: None,
        values: Values | None = None,
        day_of: Callable[[int], int] | None = None,
    ) -> None:
        self._settings = settings
        self._values = values or Values()
        self._day_of = day_of
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
            calls = [self._call(batch[number], withdrawn[number]) for number in waiting]
            answers = await self._attempt("put a window in place", partial(self._send, calls))
            for number, answer in zip(waiting, answers, strict=True):
                status, *zones = [text.decode() for text in cast(list[bytes], answer)]
                if status == "withdraw":  # from an older version in place; their series must be named, too
                    withdrawn[number] += tuple(zones)
                else:
                    outcomes[number] = Outcome(status)
        return [outcomes[number] for number in range(len(batch))]

    def _call(self, publication: Publication, withdrawn: Sequence[str]) -> _Command:
        window = publication.window
        layer, width, start = window.layer, window.width, window.start
        if HEADER in window.zones:
            raise ZonesError(
                f"layer {layer}: a zone has the id {HEADER!r}, which readers take for a window's header; "
                "give it another id in the file of the zones"
            )
        series = [series_key(layer, width, zone) for zone in (*window.zones, *withdrawn)]
        parts = [indicator_key(layer, name, width, start) for name in _HASHES]
        keys = [window_key(layer, width, start), live_key(layer), *self._occupancy(publication), *parts, *series]
        live_ttl = LIVE_WINDOWS * width_of_label(width) if publication.shortest else 0
        zones, fields = list(self._zone_chunks(window)), list(self._field_chunks(window))
        limits = (int(self._settings.window_ttl), live_ttl, self._settings.series_length)
        arguments = (header_of(publication), publication.version, start, *limits)
        absent = msgspec.msgpack.encode(withdrawn)
        counted = self._counts_to_occupancy(publication)
        return ["EVAL", _SCRIPT, len(keys), *keys, *arguments, absent, counted, len(parts), len(zones), *zones, *fields]

    def _occupancy(self, publication: Publication) -> list[str]:
        """The hash of the occupancy of the window's day."""
        window = publication.window
        day = window.start if self._day_of is None else self._day_of(window.start)
        return [occupancy_key(window.layer, day)]

    def _counts_to_occupancy(self, publication: Publication) -> str:
        """What the window is for the occupancy of its day: a part of the curve, the day itself, or nothing."""
        if self._day_of is None:
            return ""
        if width_of_label(publication.window.width) == DAY_MS:
            return "day"
        return "part" if publication.shortest else ""

    def _zone_chunks(self, window: ReleasedWindow) -> Iterator[bytes]:
        """The zones of a window: id, value, and the fields of an entry of its series."""
        zones = [
            (
                zone,
                zone_value(self._values.zone(window, zone)).decode(),
                [item for name, n in numbers.items() for item in (name, str(n))],
            )
            for zone, numbers in window.zones.items()
        ]
        for first in range(0, len(zones), _CHUNK):
            yield msgspec.msgpack.encode(zones[first : first + _CHUNK])

    def _field_chunks(self, window: ReleasedWindow) -> Iterator[bytes]:
        """The fields of the hashes of indicators: the number of the hash, then its fields and their values."""
        for number, name in enumerate(_HASHES, 1):
            fields = [(field_of(pair), str(people)) for pair, people in window.pairs.get(name, {}).items()]
            for cell in window.parts.get(name, ()):
                value = zone_value(self._values.segments(window, name, cell)).decode()
                fields.append((field_of(cell), value))
            for first in range(0, len(fields), _CHUNK):
                items = [item for field in fields[first : first + _CHUNK] for item in field]
                yield msgspec.msgpack.encode([number, *items])

    async def _send(self, commands: Sequence[_Command], *, together: bool = False) -> list[Any]:
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
        by_outcome = list(zip(batch, outcomes, strict=True))
        changes = [change_of(publication) for publication, outcome in by_outcome if outcome is Outcome.PLACED]
        repeated = [
            change_of(publication)
            for publication, outcome in by_outcome
            if outcome is Outcome.REPEATED and not publication.window.is_empty
        ]
        if repeated:  # whoever put them in place may have ended before the announcement
            announced = await self._attempt("read the announcements", self._announced)
            changes += [change for change in repeated if change not in announced]
        commands: list[_Command] = []
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


def _queue(pipeline: Pipeline, command: _Command) -> None:
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
