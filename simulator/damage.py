"""Damaged records, as real feeds send them: what each fault makes of a report, and why foule must turn it away."""

from collections.abc import Callable
from typing import NamedTuple

Maker = Callable[[int, bytes, bytes], bytes]
"""From (ts in ms, subscriber, cell id) to the bytes of the damaged record."""


class Fault(NamedTuple):
    """A way to be damaged: the reason for which foule rejects it, and how such a record looks."""

    reason: str
    make: Maker


FAR_FUTURE = 4_102_444_800_000
"""1 January 2100, ms: ahead of any clock, whether records are stamped with the festival's time or with today's."""


def _cut(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'{"ts":%d,"subscriber":"%b","ce' % (ts, subscriber)


def _not_utf8(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'{"ts":%d,"subscriber":"\xff\xfe%b","cell":"%b"}' % (ts, subscriber, cell)


def _not_an_object(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'[%d,"%b","%b"]' % (ts, subscriber, cell)


def _nested_cell(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'{"ts":%d,"subscriber":"%b","cell":["%b"]}' % (ts, subscriber, cell)


def _no_time(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'{"subscriber":"%b","cell":"%b"}' % (subscriber, cell)


def _no_subscriber(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'{"ts":%d,"cell":"%b"}' % (ts, cell)


def _no_cell(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'{"ts":%d,"subscriber":"%b","cell":null}' % (ts, subscriber)


def _torn_time(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    minute, second = divmod(ts // 1000 % 3600, 60)
    return b'{"ts":"%02d:%02d.0","subscriber":"%b","cell":"%b"}' % (minute, second, subscriber, cell)


def _negative_time(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'{"ts":%d,"subscriber":"%b","cell":"%b"}' % (-ts, subscriber, cell)


def _microseconds(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'{"ts":%d,"subscriber":"%b","cell":"%b"}' % (ts * 1000, subscriber, cell)


def _next_century(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    # Never a few hours ahead of the festival: under Kafka timestamps of today that is a good time, and it would make
    # every other record late.
    later = FAR_FUTURE + ts % 86_400_000
    return b'{"ts":%d,"subscriber":"%b","cell":"%b"}' % (later, subscriber, cell)


def _unlisted_cell(ts: int, subscriber: bytes, cell: bytes) -> bytes:
    return b'{"ts":%d,"subscriber":"%b","cell":"20801-9999-%d"}' % (ts, subscriber, ts % 1000)


FAULTS: tuple[Fault, ...] = (
    Fault("malformed", _cut),
    Fault("malformed", _not_utf8),
    Fault("malformed", _not_an_object),
    Fault("malformed", _nested_cell),
    Fault("missing_field", _no_time),
    Fault("missing_field", _no_subscriber),
    Fault("missing_field", _no_cell),
    Fault("bad_time", _torn_time),
    Fault("bad_time", _negative_time),
    Fault("bad_time", _microseconds),
    Fault("future", _next_century),
    Fault("unknown_cell", _unlisted_cell),
)
"""Every fault; a damaged record has each of them with the same odds."""
