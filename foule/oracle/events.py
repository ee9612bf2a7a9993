"""What a record says, or why it cannot be used: the rules of an event, one record at a time."""

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from foule.oracle.parameters import Fields, Parameters

_YEAR_10000 = 253_402_300_800_000
_LONGEST_INTEGER = 4_300
"""Characters; a field with a longer one is malformed, whatever it would say."""


class Record(NamedTuple):
    """One record of a partition's log; ``timestamp`` is Kafka's (ms), negative where there is none."""

    offset: int
    timestamp: int
    value: bytes | None


class Event(NamedTuple):
    """A record that can be used: it has a ``cell``, or else ``lat`` and ``lon``.

    ``mcc`` and ``home`` are None where the record does not say them, or says an empty text; ``machine``: the SIM is a
    machine's.
    """

    ts: int
    subscriber: str
    cell: str | None
    lat: float | None
    lon: float | None
    mcc: str | None = None
    home: str | None = None
    machine: bool = False


class _Object(NamedTuple):
    """A JSON object with all its pairs, in order, those of a repeated key included."""

    pairs: list[tuple[str, Any]]


class _Integer(NamedTuple):
    """A JSON number without fraction and exponent, of any length."""

    text: str


class _Malformed(Exception):
    """The record is not what an event looks like."""


def _refuse(literal: str) -> Any:
    raise _Malformed(literal)


_JSON = json.JSONDecoder(object_pairs_hook=_Object, parse_int=_Integer, parse_constant=_refuse)


def read_event(parameters: Parameters, value: bytes | None, timestamp: int) -> Event | str:
    """The event in a record's ``value``, or the reason for which it is rejected (all but unknown_cell, machine)."""
    try:
        found = _mapped(parameters.fields, _pairs(value))
    except _Malformed:
        return "malformed"
    ts, subscriber, cell = found["ts"], _text(found["subscriber"]), _text(found["cell"])
    lat, lon = _degrees(found["lat"]), _degrees(found["lon"])
    if (lat is not None and abs(lat) > 90) or (lon is not None and abs(lon) > 180):
        return "malformed"
    if ts is None or not subscriber or not (cell or (lat is not None and lon is not None)):
        return "missing_field"
    if isinstance(ts, str) or len(ts.text) > 15:
        return "bad_time"
    instant = int(ts.text)
    if _is_bad_time(parameters, instant):
        return "bad_time"
    if timestamp >= 0 and instant > timestamp + parameters.max_skew:
        return "future"
    mcc, home = _text(found["mcc"]) or None, _text(found["home"]) or None
    machine = _is_machine(parameters, subscriber, _tac(found["tac"]))
    if cell:
        return Event(instant, subscriber, cell, None, None, mcc, home, machine)
    return Event(instant, subscriber, None, lat, lon, mcc, home, machine)


def is_imsi(subscriber: str) -> bool:
    """Whether a subscriber looks like an IMSI, which begins with the codes of its country and network: 14 or 15 of the
    digits 0 to 9."""
    return 14 <= len(subscriber) <= 15 and all("0" <= character <= "9" for character in subscriber)


def _is_machine(parameters: Parameters, subscriber: str, tac: str | None) -> bool:
    """By the type of the device, or by the network of an IMSI; other subscribers have no network."""
    in_network = is_imsi(subscriber) and any(map(subscriber.startswith, parameters.machine_networks))
    return in_network or tac in parameters.machine_tacs


def _pairs(value: bytes | None) -> list[tuple[str, Any]]:
    if not value:
        raise _Malformed("empty")
    try:
        parsed = _JSON.decode(value.decode("utf-8", errors="strict"))
    except (ValueError, RecursionError):
        raise _Malformed("not JSON") from None
    if not isinstance(parsed, _Object):
        raise _Malformed("not an object")
    if not all(map(_is_whole, _texts_in(parsed))):
        raise _Malformed("half a character")
    return parsed.pairs


def _texts_in(parsed: Any) -> Iterator[str]:
    """Every text of a JSON value, keys and fields that are not mapped included."""
    waiting = [parsed]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, _Object):
            waiting += [part for pair in value.pairs for part in pair]


def _is_whole(text: str) -> bool:
    """Whether it is made of whole characters: JSON can spell halves of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _mapped(fields: Fields, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The last value of each mapped field, None where it is absent; every value must have its type."""
    found: dict[str, Any] = dict.fromkeys(Fields._fields)
    for key, value in pairs:
        for role, name in zip(Fields._fields, fields, strict=True):
            if key == name:
                _check_type(role, value)
                found[role] = value
    return found


def _check_type(role: str, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, _Integer) and len(value.text) > _LONGEST_INTEGER:
        good = False
    elif role in ("lat", "lon"):
        good = isinstance(value, _Integer) or (isinstance(value, float) and math.isfinite(value))
    elif role == "rat":
        good = isinstance(value, str)
    else:
        good = isinstance(value, _Integer | str)
    if not good:
        raise _Malformed(role)


def _text(value: Any) -> str | None:
    if isinstance(value, _Integer):
        return "0" if value.text == "-0" else value.text
    text: str | None = value
    return text


def _tac(value: Any) -> str | None:
    """A type allocation code, which has eight digits; a number says it without the zeros at its beginning."""
    text = _text(value)
    return text.zfill(8) if text is not None and isinstance(value, _Integer) else text


def _degrees(value: Any) -> float | None:
    if not isinstance(value, _Integer):
        return None if value is None else float(value)
    return float(value.text) if len(value.text) <= 4 else math.inf


def _is_bad_time(parameters: Parameters, ts: int) -> bool:
    early = parameters.not_before is not None and ts < parameters.not_before
    after = parameters.not_after is not None and ts >= parameters.not_after
    return not 0 <= ts < _YEAR_10000 or early or after
