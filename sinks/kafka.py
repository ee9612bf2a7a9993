"""The Kafka sink: released windows as records of ``foule.presence`` and ``foule.flows`` (docs/contracts.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

import msgspec

from anonymizer.gate import Publication

#: The headers of every record: the version of the schema of its value.
HEADERS: Final = (("schema", b"1"),)

_IN_FLIGHT: Final = 1000


class Record(NamedTuple):
    """A record for a Kafka producer."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


#: Sends one record and returns when the broker has acknowledged it; raises if it does not.
Send = Callable[[str, bytes, bytes, list[tuple[str, bytes]]], Awaitable[object]]


def records(publication: Publication, presence: str = "foule.presence", flows: str = "foule.flows") -> Iterator[Record]:
    """The records of a publication, for the topics with these names; none if nothing is published.

    The same publication always gives the same bytes, so what is sent twice can be told by key and value.
    """
    window, version = publication.window, publication.version
    for zone, values in window.zones.items():
        value = {
            "layer": window.layer,
            "zone": zone,
            "start": window.start,
            "end": window.end,
            **values,
            "coverage": window.coverage,
            "version": version,
        }
        yield Record(presence, f"{window.layer}|{zone}".encode(), msgspec.json.encode(value), [*HEADERS])
    for (origin, to), people in window.flows.items():
        value = {
            "layer": window.layer,
            "from": origin,
            "to": to,
            "start": window.start,
            "end": window.end,
            "people": people,
            "coverage": window.coverage,
            "version": version,
        }
        yield Record(flows, f"{window.layer}|{origin}".encode(), msgspec.json.encode(value), [*HEADERS])


class KafkaSink:
    """Sends publications to Kafka with ``send``, an acknowledged send of one record."""

    def __init__(self, send: Send, presence: str = "foule.presence", flows: str = "foule.flows") -> None:
        self._send = send
        self._presence = presence
        self._flows = flows

    def records(self, publication: Publication) -> Iterator[Record]:
        """The records of a publication for this sink's topics; see :func:`records`."""
        return records(publication, self._presence, self._flows)

    async def publish(self, publication: Publication) -> int:
        """Send all records of one publication; the same as ``publish_all`` of one."""
        return await self.publish_all([publication])

    async def publish_all(self, publications: Sequence[Publication]) -> int:
        """Send all records of publications, in this order; returns how many, once every one is acknowledged.

        When sends fail, the first failure is raised after all sends in flight have ended; publish again then.
        """
        waiting = chain.from_iterable(map(self.records, publications))
        sent = 0
        while batch := list(islice(waiting, _IN_FLIGHT)):
            results = await asyncio.gather(*(self._send(*record) for record in batch), return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result
            sent += len(batch)
        return sent
