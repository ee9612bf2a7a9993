"""The contract with readers of Redis: the names of its keys, and how values are written (docs/contracts.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from anonymizer.gate import Publication
from config.errors import ContractError
from indicators.calendar import label_of_start

#: The stream, and the Pub/Sub channel, that says which windows changed.
CHANGES: Final = "foule:changes"

#: The indicators of pairs of zones.
FLOWS: Final = "flows"
TRIPS: Final = "trips"

#: The field of a window's hash that holds its header; no zone may have this id.
HEADER: Final = "_"

#: The time to live of a live hash, in windows of its width: numbers that nobody renews vanish.
LIVE_WINDOWS: Final = 3


#: An estimated number of people, and the ends of its interval.
Interval = tuple[int, int, int]

_T = TypeVar("_T")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the field ``_`` of a window's hash says.

    ``start`` and ``end`` are UTC ms, ``width`` is nominal (``5m``), ``version`` is the offset of the release
    decision, ``coverage`` is the share of shards in the numbers. Each number is up to ``noise`` too large or too small,
    and none is of fewer than ``k`` devices.
    """

    start: int
    end: int
    width: str
    version: int
    coverage: float
    k: int
    noise: int = 0


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An announcement: this window of this layer is now in place with this version. ``start`` is UTC ms."""

    layer: str
    width: str
    start: int
    version: int


def live_key(layer: str) -> str:
    """The hash of the last released window of the shortest width."""
    return f"foule:{{{layer}}}:live"


def window_key(layer: str, width: str, start: int) -> str:
    """The hash of one released window; ``start`` in UTC ms."""
    return f"foule:{{{layer}}}:{width}:{label_of_start(start)}"


def indicator_key(layer: str, indicator: str, width: str, start: int) -> str:
    """The hash of one indicator of one released window, such as ``flows`` (``FROM>TO`` to people) or ``origins`` (zone
    to people by segment); ``start`` in UTC ms."""
    return f"foule:{{{layer}}}:{indicator}:{width}:{label_of_start(start)}"


def flows_key(layer: str, width: str, start: int) -> str:
    """The hash of one released window's flows; see :func:`indicator_key`."""
    return indicator_key(layer, FLOWS, width, start)


def occupancy_key(layer: str, start: int) -> str:
    """The hash of what the shortest windows of a local day say of it so far, zone to JSON; ``start``: of the day, UTC
    ms."""
    return indicator_key(layer, "occupancy", "1d", start)


def field_of(names: Sequence[str]) -> str:
    """The field of a pair of zones, or of a cell that is parted: the names in a row, ``FROM>TO``."""
    return ">".join(names)


def series_key(layer: str, width: str, zone: str) -> str:
    """The stream of one zone's released numbers, an entry a window."""
    return f"foule:{{{layer}}}:series:{width}:{zone}"


def header_of(publication: Publication) -> bytes:
    """The value of the field ``_`` for this publication."""
    window = publication.window
    return msgspec.json.encode(
        Header(
            start=window.start,
            end=window.end,
            width=window.width,
            version=publication.version,
            coverage=window.coverage,
            k=window.k,
            noise=window.noise,
        )
    )


def change_of(publication: Publication) -> Change:
    """The announcement of this publication."""
    window = publication.window
    return Change(layer=window.layer, width=window.width, start=window.start, version=publication.version)


def zone_value(values: Mapping[str, object]) -> bytes:
    """A zone's numbers as the contract writes them: ``{"people":1240,"arrivals":310}``."""
    return msgspec.json.encode(dict(values))


def read_header(data: bytes, key: str) -> Header:
    """The header in ``data``, found under ``key``; raises ContractError if it is none."""
    return _read(data, Header, key, HEADER)


class ZoneValue(NamedTuple):
    """A zone's numbers, and the people who are estimated from them, by the same names."""

    numbers: dict[str, int]
    estimate: dict[str, Interval]


def read_zone_value(data: bytes, key: str, zone: str) -> ZoneValue:
    """The numbers of ``zone`` in ``data``, found under ``key``; raises ContractError if they are none."""
    found = _read(data, dict[str, int | dict[str, Interval]], key, zone)
    estimate = found.pop("estimate", {})
    if isinstance(estimate, int) or not all(isinstance(number, int) for number in found.values()):
        raise _foreign(key, zone, "numbers, and perhaps an object estimate, are expected")
    return ZoneValue({name: number for name, number in found.items() if isinstance(number, int)}, estimate)


class SegmentsValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The value of a cell that is parted: ``people`` by segment.

    Of lengths of stay also the ``quartiles``, in whole seconds (None for one in the last run, which has no end). With
    market shares also the people who are estimated, by segment.
    """

    people: dict[str, int]
    quartiles: list[int | None] | None = None
    estimate: dict[str, Interval] | None = None


def read_segments(data: bytes, key: str, field: str) -> SegmentsValue:
    """The segments of a cell in ``data``, found under ``key``; raises ContractError if they are none."""
    return _read(data, SegmentsValue, key, field)


class OccupancyValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the hash of a day's occupancy says of a zone; the script writes it (replace_window.lua).

    ``peak``: the most people in one of the shortest windows, and ``peak_start`` when that began (UTC ms); ``sum`` of
    the people of these windows, ``windows``: how many, ``mean``: of them, to one decimal; ``turnover``: people of the
    day by the mean, to two decimals, None until they are published.
    """

    peak: int
    peak_start: int
    sum: int
    windows: int
    mean: float
    turnover: float | None = None


def read_occupancy(data: bytes, key: str, zone: str) -> OccupancyValue:
    """The occupancy of ``zone`` in ``data``, found under ``key``; raises ContractError if it is none."""
    return _read(data, OccupancyValue, key, zone)


def _read(data: bytes, kind: type[_T], key: str, field: str) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise _foreign(key, field, error) from error


def _foreign(key: str, field: str, error: object) -> ContractError:
    return ContractError(
        f"the Redis key {key}, field {field!r}, does not hold what foule writes ({error}): "
        "does another program, or another version of foule, write to this Redis?"
    )
