"""Reads back from Redis what the sink wrote there: the live numbers of each layer, as any consumer would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, Final, NamedTuple, Self

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from config.errors import ServiceError, SettingsError
from config.sections import RedisSettings
from indicators.calendar import DAY_MS, width_of_label
from sinks.contract import (
    CHANGES,
    HEADER,
    LIVE_WINDOWS,
    Header,
    Interval,
    ZoneValue,
    flows_key,
    live_key,
    read_header,
    read_zone_value,
    series_key,
)

_TIMEOUT: Final = 5.0
_CHANGES_READ: Final = 1000
_COMMANDS: Final = 1000  # a pipeline
_HOUR_MS: Final = 3_600_000

Numbers = Mapping[str, int]


class ZoneView(NamedTuple):
    """A zone's numbers in the live window; an indicator that is not published is absent.

    ``previous``: its numbers in the window before, None if none were published. ``history``: people in each of the
    last windows, oldest first, the live one last; None where not published. ``estimate``: by the same names the people
    who are estimated, empty without market shares.
    """

    zone: str
    numbers: Numbers
    previous: Numbers | None
    history: tuple[int | None, ...]
    estimate: Mapping[str, Interval] = MappingProxyType({})

    @property
    def change(self) -> int | None:
        """People now less people in the window before; None if either is not published."""
        before = None if self.previous is None else self.previous.get("people")
        now = self.numbers.get("people")
        return None if now is None or before is None else now - before


class LayerView(NamedTuple):
    """The live window of a layer. ``placed``: wall clock (s) at which it was put in Redis.

    ``zones``: of ``zone_count`` zones those that were asked for, with most people first; ``flows``: (from, to,
    people), the largest first.
    """

    layer: str
    header: Header
    placed: float
    zones: tuple[ZoneView, ...]
    zone_count: int
    flows: tuple[tuple[str, str, int], ...]


class LiveReader:
    """Reads live windows. ``clock``: the wall clock in seconds.

    Every method raises :class:`ServiceError` if Redis does not answer, :class:`ContractError` if its keys hold
    something else.
    """

    def __init__(self, settings: RedisSettings, clock: Callable[[], float] = time.time) -> None:
        self._place = str(settings.url)
        self._clock = clock
        try:
            self._client = Redis.from_url(
                settings.url.reveal(),
                socket_timeout=_TIMEOUT,
                socket_connect_timeout=_TIMEOUT,
                retry=Retry(NoBackoff(), 1),
                decode_responses=True,
            )
        except ValueError:
            problem = "redis.url: is no Redis address; expected one such as redis://127.0.0.1:6379/0"
            raise SettingsError([problem]) from None  # the cause may quote a password

    def announced_layers(self) -> tuple[str, ...]:
        """The layers that windows were lately announced for, sorted."""
        [entries] = self._ask([("XREVRANGE", CHANGES, "+", "-", "COUNT", _CHANGES_READ)])
        return tuple(sorted({fields["layer"] for _, fields in entries if "layer" in fields}))

    def version(self, layer: str) -> int | None:
        """The version of the layer's live window; None if there is no live window."""
        [data] = self._ask([("HGET", live_key(layer), HEADER)])
        return None if data is None else read_header(data.encode(), live_key(layer)).version

    def live(self, layer: str, limit: int | None = None, windows: int = 24) -> LayerView | None:
        """The layer's live window; None if none was published lately.

        ``limit``: read the zones with most people only; ``windows``: how many the history of a zone has.
        """
        key = live_key(layer)
        fields, remaining = self._ask([("HGETALL", key), ("PTTL", key)])
        if HEADER not in fields:
            return None
        header = read_header(fields.pop(HEADER).encode(), key)
        width = width_of_label(header.width)
        values = {zone: read_zone_value(data.encode(), key, zone) for zone, data in fields.items()}
        shown = sorted(values, key=lambda zone: (-values[zone].numbers.get("people", -1), zone))[:limit]
        series = self._series(layer, header, shown, windows)
        zones = (
            _zone_view(zone, values[zone], entries, header.start, width, windows)
            for zone, entries in zip(shown, series, strict=True)
        )
        placed = self._clock() - (LIVE_WINDOWS * width - max(remaining, 0)) / 1000
        return LayerView(layer, header, placed, tuple(zones), len(values), self._flows(layer, header))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _flows(self, layer: str, header: Header) -> tuple[tuple[str, str, int], ...]:
        [pairs] = self._ask([("HGETALL", flows_key(layer, header.width, header.start))])
        flows = [(*pair.partition(">")[::2], int(people)) for pair, people in pairs.items()]
        return tuple(sorted(flows, key=lambda flow: (-flow[2], flow[0], flow[1])))

    def _series(self, layer: str, header: Header, zones: Sequence[str], windows: int) -> list[Any]:
        since = max(header.start - windows * width_of_label(header.width), 0)
        return self._ask(
            [
                ("XREVRANGE", series_key(layer, header.width, zone), header.start - 1, since, "COUNT", windows)
                for zone in zones
            ]
        )

    def _ask(self, commands: Sequence[tuple[str | int, ...]]) -> list[Any]:
        answers: list[Any] = []
        try:
            for part in _parts(commands):
                with self._client.pipeline(transaction=False) as pipeline:
                    for command in part:
                        pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
                    answers += pipeline.execute()
        except AuthenticationError as error:
            raise self._error(error, "check the user and password in redis.url") from error
        except (RedisError, OSError) as error:
            raise self._error(error, "is Redis running there?") from error
        return answers

    def _error(self, error: Exception, advice: str) -> ServiceError:
        return ServiceError(f"Redis at {self._place} (redis.url): cannot read the live numbers: {error}; {advice}")


def _parts(commands: Sequence[tuple[str | int, ...]]) -> Iterator[Sequence[tuple[str | int, ...]]]:
    for first in range(0, len(commands), _COMMANDS):
        yield commands[first : first + _COMMANDS]


def _zone_view(zone: str, value: ZoneValue, entries: Sequence[Any], start: int, width: int, windows: int) -> ZoneView:
    """``entries``: of the zone's series before ``start``, the newest first."""
    # days of 25 hours and cut windows: a window before is not always exactly one width before
    slack = _HOUR_MS if width >= DAY_MS else 0
    history: list[int | None] = [None] * windows
    history[-1] = value.numbers.get("people")
    previous: Numbers | None = None
    for name, fields in entries:
        before = start - int(name.partition("-")[0])
        back = max(1, (before - slack + width - 1) // width)
        numbers = {indicator: int(number) for indicator, number in fields.items()}
        if back == 1:
            previous = numbers
        if back < windows:
            history[-1 - back] = numbers.get("people")
    return ZoneView(zone, value.numbers, previous, tuple(history), value.estimate)
