"""The values of the output topics as numbers: which window and cell a record is of, and what it says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, NamedTuple

import msgspec

from anonymizer.gate import PUBLISHED_NAMES
from indicators.cells import OF_PAIRS as OF_PAIRS_ALONE
from indicators.cells import PARTED, SHAPES, Rule
from sinks.contract import Interval

PRESENCE: Final = "presence"
FLOWS: Final = "flows"
TRIPS: Final = "trips"
FLOW_ORIGINS: Final = "flow_origins"

#: Fields of a zone's record, with the indicator that each holds.
ZONE_FIELDS: Final = PUBLISHED_NAMES

_ZONE: Final = ("zone",)
_PAIR: Final = ("from", "to")
_OF_RULE: Final = {Rule.POOLED_THEN_MERGED: ("zone", "origin")}

#: The names that make the cell of each indicator of the topic of indicators.
CELLS: Final = {
    name: _PAIR if SHAPES[name].pairs else _OF_RULE.get(SHAPES[name].rule, _ZONE)
    for name in (*OF_PAIRS_ALONE, *PARTED)
    if name != FLOWS
}

#: Indicators whose cell is a pair of zones; that of every other one begins with a zone.
OF_PAIRS: Final = frozenset({FLOWS, *(name for name, cell in CELLS.items() if cell == _PAIR)})

_LAST_INSTANT: Final = 253_402_300_800_000  # the end of the year 9999

_Instant = Annotated[int, msgspec.Meta(ge=0, le=_LAST_INSTANT)]
_Name = Annotated[str, msgspec.Meta(min_length=1)]
_People = Annotated[int, msgspec.Meta(ge=1)]


class _Value(msgspec.Struct, frozen=True):
    """A value of any of the three topics; fields that it does not know are passed over."""

    layer: _Name
    start: _Instant
    end: _Instant
    coverage: Annotated[float, msgspec.Meta(ge=0, le=1)]
    version: Annotated[int, msgspec.Meta(ge=0)]
    indicator: _Name | None = None
    zone: _Name | None = None
    origin: _Name | None = None
    from_: _Name | None = msgspec.field(name="from", default=None)
    to: _Name | None = None
    people: _People | dict[_Name, _People] | None = None
    arrivals: _People | None = None
    departures: _People | None = None
    appeared: _People | None = None
    vanished: _People | None = None
    nights: _People | None = None
    usual: _People | None = None
    estimate: dict[_Name, Interval] | None = None


_decoder: Final = msgspec.json.Decoder(_Value)


class Number(NamedTuple):
    """A released number: ``people`` of ``segment`` (None: of no segment) in ``cell`` and ``[start, end)``, UTC ms.

    It is of devices; ``estimate``: the people who were estimated of it, and their interval.
    """

    indicator: str
    cell: tuple[str, ...]
    segment: str | None
    start: int
    end: int
    people: int
    coverage: float
    version: int
    estimate: Interval | None = None

    @property
    def volume(self) -> int:
        """People where they were estimated, else devices."""
        return self.people if self.estimate is None else self.estimate[0]


class Identity(NamedTuple):
    """What makes two records the same one; ``indicator`` is that of the topic where the value names none."""

    start: int
    end: int
    indicator: str
    cell: tuple[str, ...]


class UnknownIndicatorError(ValueError):
    """A value names an indicator that this version does not know."""


class Value:
    """A value that was checked. Raises msgspec.DecodeError or ValueError where it is not what foule writes.

    ``topic``: ``presence``, ``flows``, or anything else for the topic of indicators.
    """

    __slots__ = ("_value", "identity")

    def __init__(self, topic: str, content: bytes) -> None:
        self._value = value = _decoder.decode(content)
        named = topic not in (PRESENCE, FLOWS)
        if named != (value.indicator is not None):
            raise ValueError("the field indicator is missing, or is where none belongs")
        indicator = value.indicator or topic
        self.identity = Identity(value.start, value.end, indicator, self._cell(indicator))

    @property
    def layer(self) -> str:
        return self._value.layer

    @property
    def version(self) -> int:
        return self._value.version

    @property
    def coverage(self) -> float:
        return self._value.coverage

    def numbers(self) -> Iterator[Number]:
        """The numbers of the value, those of segments in its own order."""
        value, (start, end, indicator, cell) = self._value, self.identity
        estimate, about = value.estimate or {}, (value.coverage, value.version)
        if indicator == PRESENCE:
            for name, own in ZONE_FIELDS.items():
                people = getattr(value, name)
                if people is not None:
                    yield Number(own, cell, None, start, end, people, *about, estimate.get(name))
        elif isinstance(value.people, dict):
            for segment, people in value.people.items():
                yield Number(indicator, cell, segment, start, end, people, *about, estimate.get(segment))
        elif value.people is not None:
            yield Number(indicator, cell, None, start, end, value.people, *about, estimate.get("people"))

    def _cell(self, indicator: str) -> tuple[str, ...]:
        value = self._value
        names = _ZONE if indicator == PRESENCE else _PAIR if indicator == FLOWS else CELLS.get(indicator)
        if names is None:
            raise UnknownIndicatorError(indicator)
        given = {"zone": value.zone, "origin": value.origin, "from": value.from_, "to": value.to}
        cell = tuple(name for at in names if (name := given[at]) is not None)
        if len(cell) < len(names) or sum(name is not None for name in given.values()) > len(names):
            raise ValueError(f"of {indicator}, {' and '.join(names)} are expected")
        if value.end <= value.start:
            raise ValueError("the end is not after the start")
        if indicator == PRESENCE and all(getattr(value, name) is None for name in ZONE_FIELDS):
            raise ValueError("of a zone, a number is expected")
        parted = isinstance(value.people, dict)
        whole = indicator in (PRESENCE, FLOWS, TRIPS)
        if parted == whole or (indicator != PRESENCE and value.people is None):
            raise ValueError(f"people of {indicator} are {'a number' if whole else 'an object'}")
        return cell
