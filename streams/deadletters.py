"""Dead letters: a record that cannot be used, with where it came from and why in its headers (docs/contracts.md)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from streams.decode import MACHINE, Rejected
from streams.fetch import Fetch, Headers


class DeadLetter(NamedTuple):
    """A record of the rejected topic; ``value``: the original bytes, or None where only the reason is kept."""

    value: bytes | None
    headers: Headers


def dead_letters(topic: str, fetch: Fetch, rejected: Sequence[Rejected], payload: bool) -> Iterator[DeadLetter]:
    """The dead letters of a fetch of ``topic``, in order of offset, but for events of machines; ``payload``: whether
    to keep the original bytes.

    The headers that the record came with go along with the payload, behind foule's own.
    """
    for row, reason in rejected:
        if reason == MACHINE:  # nothing is wrong with them, and they are many
            continue
        own = (
            ("topic", topic.encode()),
            ("partition", b"%d" % fetch.partition),
            ("offset", b"%d" % int(fetch.offsets[row])),
            ("reason", reason.encode()),
        )
        headers = own + (tuple(fetch.headers.get(row, ())) if payload else ())
        yield DeadLetter(fetch.values[row] if payload else None, headers)
