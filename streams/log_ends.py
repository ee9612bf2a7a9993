"""Where the partitions of a topic end at this moment, on any broker."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from config.errors import ServiceError, TopicsError
from config.settings import KafkaSettings
from streams.connection import client_options, require_listener

_SECONDS = 15.0
_POLL_MS = 100


def log_ends(kafka: KafkaSettings, topic: str) -> dict[int, int]:
    """The next offset of each partition of the topic.

    Raises TopicsError if the topic does not exist, ServiceError if Kafka does not answer.
    """
    with _reading(kafka) as consumer:
        return {at.partition: end for at, end in _ends(consumer, _partitions(consumer, topic)).items()}


def were_written(kafka: KafkaSettings, topics: Iterable[str]) -> list[bool]:
    """Whether there was ever a record on each of the topics, asked one after the other; raises as :func:`log_ends`."""
    with _reading(kafka) as consumer:
        return [any(consumer.end_offsets(_partitions(consumer, topic)).values()) for topic in topics]


@contextmanager
def _reading(kafka: KafkaSettings) -> Iterator[Any]:
    require_listener(kafka)
    try:
        consumer = KafkaConsumer(
            **client_options(kafka),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            allow_auto_create_topics=False,
        )
        with closing(consumer):
            yield consumer
    except KafkaError as error:
        raise ServiceError(f"Kafka at {kafka.bootstrap} failed to answer: {error}") from error


def _partitions(consumer: Any, topic: str) -> list[Any]:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise TopicsError(f"topic {topic} is missing: create it with: foule topics")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def _ends(consumer: Any, partitions: list[Any]) -> dict[Any, int]:
    """The ends by the high watermarks of a fetch.

    The embedded broker takes the last batch for one record where it is asked for the end (ListOffsets), and tells
    the true end with a fetch only. Apache Kafka tells the same in both ways.
    """
    asked: dict[Any, int] = consumer.end_offsets(partitions)
    waiting = {at for at in partitions if asked[at] > 0}
    if not waiting:
        return asked
    consumer.assign(sorted(waiting))
    for at in waiting:
        consumer.seek(at, asked[at])
    ends = dict(asked)
    deadline = time.monotonic() + _SECONDS
    while waiting:
        if time.monotonic() > deadline:
            raise ServiceError(f"Kafka did not tell within {_SECONDS:g} s where topic {partitions[0].topic} ends")
        consumer.poll(timeout_ms=_POLL_MS)
        for at in list(waiting):
            seen = consumer.highwater(at)
            if seen is not None:
                ends[at] = max(asked[at], seen)
                waiting.discard(at)
    return ends
