"""Watches the log of tallies during a run: how far each shard has come and when, and when windows are decided."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from numpy.typing import NDArray

from config.settings import Settings
from streams import wire
from streams.claims import Claims
from streams.connection import client_options
from streams.wire import Claim, Decision, ReleaseClaim, Seal

_POLL_MS = 200
_SEALS = 5


class Point(NamedTuple):
    """At ``at`` (seconds since the Unix epoch) a shard's next offset was ``offset``."""

    at: float
    offset: int


class Watch(threading.Thread):
    """Reads the log as it grows. ``progress``: by shard, each time it was seen to have come further; ``decisions``:
    when each decision was seen; ``complete``: how often a seal completed a window of the shortest width; ``marks`` and
    ``seals``: by shard, the highest watermark sealed and the newest seals."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self._shortest = int(min(settings.time.windows))
        self.marks = dict.fromkeys(range(settings.topics.partitions), -1)
        self._sealed_at = dict.fromkeys(range(settings.topics.partitions), 0.0)
        self._claims = Claims()
        self._changed = threading.Condition()
        self._closing = False
        self.seals: dict[int, deque[Seal]] = {shard: deque(maxlen=_SEALS) for shard in self.marks}
        self.progress: dict[int, list[Point]] = {shard: [] for shard in self.marks}
        self.decisions: list[float] = []
        self.complete = 0

    def run(self) -> None:
        """Read until :meth:`close`."""
        topic = self._settings.topics.tallies
        consumer: Any = KafkaConsumer(
            **client_options(self._settings.kafka),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
        )
        consumer.assign([TopicPartition(topic, 0)])
        while not self._closing:
            try:
                polled = consumer.poll(timeout_ms=_POLL_MS)
            except KafkaError:
                time.sleep(_POLL_MS / 1000)
                continue
            records = [record for of_partition in polled.values() for record in of_partition]
            with self._changed:
                for record in records:
                    self._take(record.offset, record.value, time.time(), record.timestamp / 1000)
                self._changed.notify_all()
        consumer.close()

    def close(self) -> None:
        """Stop reading."""
        self._closing = True
        self.join()

    def all_sealed_since(self, moment: float) -> bool:
        """Whether every shard has sent a seal since ``moment`` (seconds since the Unix epoch)."""
        return min(self._sealed_at.values()) >= moment

    def wait_for_seal(self, within: float) -> bool:
        """Wait for a seal that completes a window; False if there is none within so many seconds."""
        with self._changed:
            before = self.complete
            return self._changed.wait_for(lambda: self.complete > before, within)

    def wait_for_decision(self, within: float) -> bool:
        """Wait for a decision; False if there is none within so many seconds."""
        with self._changed:
            before = len(self.decisions)
            return self._changed.wait_for(lambda: len(self.decisions) > before, within)

    def _take(self, offset: int, value: bytes, at: float, sent: float) -> None:
        """What counts of the log; what a former owner wrote does not. ``at``: when it was read; ``sent``: when its
        sender sent it."""
        message = wire.decode(value)
        if isinstance(message, Claim):
            self._claims.add(message.shard, message.token, offset)
        elif isinstance(message, ReleaseClaim):
            self._claims.add(None, offset, offset)
        elif isinstance(message, Decision) and self._claims.admits(None, message.token, offset):
            self.decisions.append(at)
        elif isinstance(message, Seal) and self._claims.admits(message.shard, message.token, offset):
            self._take_seal(message, at, sent)

    def _take_seal(self, seal: Seal, at: float, sent: float) -> None:
        before = min(self.marks.values())
        self.seals[seal.shard].append(seal)
        self.marks[seal.shard] = max(seal.watermark, self.marks[seal.shard])
        self._sealed_at[seal.shard] = sent
        self.complete += min(self.marks.values()) // self._shortest > before // self._shortest
        points = self.progress[seal.shard]
        if not points or seal.next_offset > points[-1].offset:
            points.append(Point(at, seal.next_offset))


Span = tuple[float, float]


def standstills(progress: Sequence[Point], stamps: NDArray[np.int64]) -> list[Span]:
    """The spans between two points of a shard's progress, each from when there was something to read.

    ``stamps``: (n,) int64, the Kafka timestamps in ms of the partition's records from offset 0 on.
    """
    spans = []
    for before, after in pairwise(progress):
        begin = max(before.at, int(stamps[before.offset]) / 1000)
        if after.at > begin:
            spans.append((begin, after.at))
    return spans


def longest(spans: Mapping[int, Sequence[Span]], begin: float, end: float) -> float:
    """Of the spans that touch ``begin`` to ``end``, the most seconds that one lasts after ``begin``."""
    return max(
        (
            span_end - max(span_begin, begin)
            for of_shard in spans.values()
            for span_begin, span_end in _touching(of_shard, begin, end)
        ),
        default=0.0,
    )


def _touching(spans: Sequence[Span], begin: float, end: float) -> Sequence[Span]:
    first = bisect_right(spans, begin, key=lambda span: span[1])
    return [span for span in spans[first:] if span[0] < end]
