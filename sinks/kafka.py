"""The Kafka sink: released windows as records of the output topics (docs/contracts.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import msgspec

from anonymizer.gate import Publication
from indicators.cells import SHAPES
from sinks.contract import FLOWS
from sinks.values import Values

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


class Topics(NamedTuple):
    """The topics for the numbers of zones, for flows, and for all other indicators."""

    presence: str = "foule.presence"
    flows: str = "foule.flows"
    indicators: str = "foule.indicators"


#: The topics by their usual names.
TOPICS: Final = Topics()


def records(publication: Publication, topics: Topics = TOPICS, values: Values | None = None) -> Iterator[Record]:
    """The records of a publication, for these topics; none if nothing is published.

    The same publication always gives the same bytes, so what is sent twice can be told by key and value.
    """
    window = publication.window
    values = values or Values()
    for zone in window.zones:
        yield _record(topics.presence, publication, {}, {"zone": zone}, values.zone(window, zone))
    for indicator, pairs in window.pairs.items():
        topic = topics.flows if indicator == FLOWS else topics.indicators
        named = {} if indicator == FLOWS else {"indicator": indicator}
        for pair in pairs:
            where = dict(zip(("from", "to"), pair, strict=True))
            yield _record(topic, publication, named, where, values.pair(window, indicator, pair))
    for indicator, cells in window.parts.items():
        ends = ("from", "to") if SHAPES[indicator].pairs else ("zone", "origin")
        for cell in cells:
            where = dict(zip(ends, cell, strict=False))
            value = values.segments(window, indicator, cell)
            yield _record(topics.indicators, publication, {"indicator": indicator}, where, value)


def _record(
    topic: str, publication: Publication, named: Mapping[str, str], where: Mapping[str, str], numbers: Mapping[str, Any]
) -> Record:
    """A record that is keyed by the layer and the first zone that it names."""
    window = publication.window
    value = {
        **named,
        "layer": window.layer,
        **where,
        "start": window.start,
        "end": window.end,
        **numbers,
        "coverage": window.coverage,
        "version": publication.version,
    }
    key = f"{window.layer}|{next(iter(where.values()))}"
    return Record(topic, key.encode(), msgspec.json.encode(value), [*HEADERS])


class KafkaSink:
    """Sends publications to Kafka with ``send``, an acknowledged send of one record."""

    def __init__(self, send: Send, topics: Topics = TOPICS, values: Values | None = None) -> None:
        self._send = send
        self._topics = topics
        self._values = values or Values()

    def records(self, publication: Publication) -> Iterator[Record]:
        """The records of a publication for this sink's topics; see :func:`records`."""
        return records(publication, self._topics, self._values)

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
