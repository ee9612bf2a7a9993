"""The contract with readers of Redis: the names of its keys, and how values are written (docs/contracts.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from anonymizer.gate import Publication
from config.errors import ContractError
from indicators.calendar import label_of_start

#: The stream, and the Pub/Sub channel, that says which windows changed.
CHANGES: Final = "foule:changes"

#: The field of a window's hash that holds its header; no zone may have this id.
HEADER: Final = "_"

#: The time to live of a live hash, in windows of its width: numbers that nobody renews vanish.
LIVE_WINDOWS: Final = 3


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


def flows_key(layer: str, width: str, start: int) -> str:
    """The hash of one released window's flows, ``FROM>TO`` to people; ``start`` in UTC ms."""
    return f"foule:{{{layer}}}:flows:{width}:{label_of_start(start)}"


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


def zone_value(values: Mapping[str, int]) -> bytes:
    """A zone's numbers as the contract writes them: ``{"people":1240,"arrivals":310}``."""
    return msgspec.json.encode(dict(values))


def read_header(data: bytes, key: str) -> Header:
    """The header in ``data``, found under ``key``; raises ContractError if it is none."""
    try:
        return msgspec.json.decode(data, type=Header)
    except msgspec.DecodeError as error:
        raise _foreign(key, HEADER, error) from error


def read_zone_value(data: bytes, key: str, zone: str) -> dict[str, int]:
    """The numbers of ``zone`` in ``data``, found under ``key``; raises ContractError if they are none."""
    try:
        return msgspec.json.decode(data, type=dict[str, int])
    except msgspec.DecodeError as error:
        raise _foreign(key, zone, error) from error


def _foreign(key: str, field: str, error: Exception) -> ContractError:
    return ContractError(
        f"the Redis key {key}, field {field!r}, does not hold what foule writes ({error}): "
        "does another program, or another version of foule, write to this Redis?"
    )
