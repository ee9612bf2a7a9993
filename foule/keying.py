"""A sample of recent events: whether they are keyed by subscriber, and tell from where somebody is."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from config.errors import ServiceError
from config.settings import EventsSettings, Settings
from foule.partitioner import Partitioner
from streams.connection import client_options
from streams.log_ends import log_ends

RECORDS_A_PARTITION = 3_000
_POLL_MS = 500
_SECONDS = 20.0


class Sampled(NamedTuple):
    """One record: its partition, key, value and Kafka timestamp (ms, negative if there is none)."""

    partition: int
    key: bytes | None
    value: bytes | None
    timestamp: int


class Keying(NamedTuple):
    """What a sample shows, in numbers only: it holds no id."""

    records: int
    without_key: int
    """Records with a readable subscriber and no key."""
    unreadable: int
    elsewhere: int
    """Records in another partition than Kafka's default partitioner gives their key."""
    subscribers: int
    scattered: int
    """Subscribers with records in more than one partition."""
    several_keys: int
    """Subscribers whose records have more than one key."""
    newest: int
    """The highest Kafka timestamp, ms since the epoch; negative if there is none."""


def judge(sample: Iterable[Sampled], partitions: int, field: str) -> Keying:
    """Count what matters for keying; ``field`` names the JSON field of the subscriber.

    A record is unreadable if it is no JSON object with a subscriber, a text or an integer.
    """
    subscriber_of = _subscriber_reader(field)
    partitioner = Partitioner(partitions)
    records = without_key = unreadable = elsewhere = 0
    newest = -1
    partitions_of: dict[str, set[int]] = {}
    keys_of: dict[str, set[bytes | None]] = {}
    for record in sample:
        records += 1
        newest = max(newest, record.timestamp)
        subscriber = subscriber_of(record.value)
        if record.key is None:
            without_key += subscriber is not None
        elif int(partitioner.of([record.key])[0]) != record.partition:
            elsewhere += 1
        if subscriber is None:
            unreadable += 1
        else:
            partitions_of.setdefault(subscriber, set()).add(record.partition)
            keys_of.setdefault(subscriber, set()).add(record.key)
    return Keying(
        records=records,
        without_key=without_key,
        unreadable=unreadable,
        elsewhere=elsewhere,
        subscribers=len(partitions_of),
        scattered=sum(len(found) > 1 for found in partitions_of.values()),
        several_keys=sum(len(found) > 1 for found in keys_of.values()),
        newest=newest,
    )


class Telling(NamedTuple):
    """How many records of a sample have the country of the SIM, and how many the home area."""

    mcc: int
    home: int


def telling(sample: Iterable[Sampled], fields: EventsSettings) -> Telling:
    """Count the records that tell from where somebody is; ``null`` and an empty text tell nothing."""
    shape = msgspec.defstruct(
        "Event",
        [("mcc", str | int | None, None), ("home", str | int | None, None)],
        rename={"mcc": fields.mcc, "home": fields.home},
    )
    decode = msgspec.json.Decoder(shape).decode
    mcc = home = 0
    for record in sample:
        try:
            event: Any = decode(record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        mcc += event.mcc not in (None, "")
        home += event.home not in (None, "")
    return Telling(mcc, home)


def sample(
    settings: Settings, topic: str | None = None, per_partition: int = RECORDS_A_PARTITION
) -> tuple[list[Sampled], int]:
    """The newest records of each partition of a topic, by default that of events, and how many partitions it has.

    Reads what is there at this moment, for at most twenty seconds, and commits nothing. Raises TopicsError if the
    topic is missing, ServiceError if Kafka does not answer.
    """
    topic = settings.topics.events if topic is None else topic
    ends = {TopicPartition(topic, number): end for number, end in log_ends(settings.kafka, topic).items()}
    try:
        consumer = KafkaConsumer(
            **client_options(settings.kafka),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_poll_records=per_partition,
        )
        with closing(consumer):
            return _read(consumer, ends, per_partition), len(ends)
    except KafkaError as error:
        raise ServiceError(f"Kafka at {settings.kafka.bootstrap} failed to answer: {error}") from error


def _read(consumer: Any, ends: Mapping[Any, int], per_partition: int) -> list[Sampled]:
    begins = consumer.beginning_offsets(list(ends))
    starts = {at: max(begins[at], ends[at] - per_partition) for at in ends}
    pending = {at for at in ends if starts[at] < ends[at]}
    consumer.assign(sorted(pending))
    for at in pending:
        consumer.seek(at, starts[at])
    records: list[Sampled] = []
    deadline = time.monotonic() + _SECONDS
    while pending and time.monotonic() < deadline:
        for at, batch in consumer.poll(timeout_ms=_POLL_MS).items():
            records += [
                Sampled(at.partition, record.key, record.value, record.timestamp)
                for record in batch
                if record.offset < ends[at]
            ]
        pending = _unfinished(consumer, pending, ends)
        consumer.pause(*(at for at in consumer.assignment() if at not in pending))
    return records


def _unfinished(consumer: Any, pending: set[Any], ends: Mapping[Any, int]) -> set[Any]:
    # by position, not by the last record: transaction markers take offsets too
    return {at for at in pending if consumer.position(at) < ends[at]}


def _subscriber_reader(field: str) -> Callable[[bytes | None], str | None]:
    shape = msgspec.defstruct("Event", [("subscriber", str | int | None, None)], rename={"subscriber": field})
    decode = msgspec.json.Decoder(shape).decode

    def subscriber_of(value: bytes | None) -> str | None:
        try:
            subscriber = decode(value or b"").subscriber  # type: ignore[attr-defined]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return None if subscriber in (None, "") else str(subscriber)

    return subscriber_of
