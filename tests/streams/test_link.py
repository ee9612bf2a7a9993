"""What the link does while the broker is away: it waits and asks again, and gives up only what cannot succeed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    ProducerClosed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from faust.exceptions import ConsumerNotStarted, ProducerSendError

from config.errors import ServiceError, TopicsError, UnreachableError
from config.settings import KafkaSettings
from streams import link, patience
from streams.checkpoint import Record
from streams.link import PATIENCE, Link
from streams.patience import passes, until_answered


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between two attempts."""
    monkeypatch.setattr(patience, "RETRY_AFTER", 0.0)


class Broker:
    """Fails in the given ways, one a question, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.asked = 0

    async def answer(self, *arguments: Any) -> str:
        self.asked += 1
        if self._failures:
            raise self._failures.pop(0)
        return "answer"


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (KafkaConnectionError(), True),
        (KafkaTimeoutError(), True),
        (UnknownTopicOrPartitionError(), True),  # a broker that has just started does not know all topics yet
        (ConnectionRefusedError(), True),
        (TimeoutError(), True),
        (TopicAuthorizationFailedError(), False),
        (MessageSizeTooLargeError(), False),
        (ProducerClosed(), False),
        (None, False),
    ],
)
def test_an_error_passes_if_the_broker_may_be_away(error: Exception | None, away: bool) -> None:
    assert passes(error) == away


async def test_a_question_is_asked_until_it_is_answered() -> None:
    broker = Broker(KafkaConnectionError(), ConnectionResetError(), KafkaTimeoutError())
    assert await until_answered(broker.answer) == "answer"
    assert broker.asked == 4


async def test_a_question_that_is_refused_is_not_asked_again() -> None:
    broker = Broker(KafkaConnectionError(), TopicAuthorizationFailedError())
    with pytest.raises(TopicAuthorizationFailedError):
        await until_answered(broker.answer)
    assert broker.asked == 2


async def test_patience_ends() -> None:
    broker = Broker(*[KafkaConnectionError()] * 1_000_000)
    with pytest.raises(KafkaConnectionError):
        await until_answered(broker.answer, 0.05)
    assert broker.asked > 1


class App:
    """Of Faust's application what the link uses to send and to commit."""

    def __init__(self, broker: Broker) -> None:
        self.accumulator = SimpleNamespace(_batch_ttl=30.0)
        self.producer = SimpleNamespace(
            send=broker.answer, _producer=SimpleNamespace(_message_accumulator=self.accumulator)
        )


def link_to(broker: Broker) -> tuple[Link, App]:
    app = App(broker)
    return Link(app, KafkaSettings(), {}), app  # type: ignore[arg-type]


def refused(cause: KafkaError) -> ProducerSendError:
    error = ProducerSendError("Error while sending")
    error.__cause__ = cause
    return error


async def test_a_record_that_a_full_producer_does_not_take_is_offered_again_and_tried_for_long() -> None:
    broker = Broker(refused(KafkaTimeoutError()), refused(UnknownTopicOrPartitionError()))
    link, app = link_to(broker)
    assert await link.send("foule.tallies", 0, None, b"x") == "answer"  # type: ignore[comparison-overlap]
    assert broker.asked == 3
    assert app.accumulator._batch_ttl == PATIENCE > 600


async def test_a_record_that_a_producer_refuses_is_an_error_at_once() -> None:
    broker = Broker(refused(MessageSizeTooLargeError()))
    with pytest.raises(ProducerSendError):
        await link_to(broker)[0].send("foule.tallies", 0, None, b"x")
    assert broker.asked == 1


async def test_the_producer_keeps_how_long_it_tries_where_the_link_sets_it() -> None:
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1", request_timeout_ms=30_000)
    try:
        assert producer._message_accumulator._batch_ttl == 30.0
        await producer._sender.close()
    finally:
        await producer.stop()


async def test_before_there_is_a_consumer_nobody_has_refused_the_worker() -> None:
    def ensure_consumer() -> None:
        raise ConsumerNotStarted("Consumer thread not yet started")

    thread = SimpleNamespace(thread_loop=asyncio.get_running_loop(), _ensure_consumer=ensure_consumer)
    app: Any = SimpleNamespace(consumer=SimpleNamespace(_thread=thread))
    assert await Link(app, KafkaSettings(), {}).group_error() is None


class Committing(Link):
    """A link whose broker answers commits as it is told to."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def assigned(self, topic: str) -> set[int]:
        return {1}

    async def _in_thread(self, ask: Any) -> Any:
        return await self.broker.answer()


async def test_a_commit_that_the_broker_does_not_take_ends_nothing() -> None:
    link = Committing(Broker(KafkaConnectionError(), TopicAuthorizationFailedError()))
    assert not await link.commit("events", 1, 7)
    assert not await link.commit("events", 1, 7)
    assert await link.commit("events", 1, 7)
    assert not await link.commit("events", 0, 7)  # not ours
    assert link.broker.asked == 3


async def test_a_commit_is_not_waited_for_while_the_broker_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away(Committing):
        async def _in_thread(self, ask: Any) -> Any:
            await asyncio.Event().wait()

    monkeypatch.setattr(link, "_COMMIT_SECONDS", 0.01)
    assert not await Away(Broker()).commit("events", 1, 7)


class Reading(Link):
    """A link to a log of ten records, whose reader fails after each of ``failures`` records."""

    def __init__(self, *failures: tuple[int, Exception]) -> None:
        self.failures = list(failures)

    async def _read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
        after, error = self.failures.pop(0) if self.failures else (10, None)
        for offset in range(start, min(start + after, end)):
            yield Record(b"k", b"v", offset)
        if error is not None:
            raise error


async def offsets(link: Link) -> list[int]:
    return [record.offset async for record in link.read("foule.checkpoints", 0, 0, 10)]


async def test_reading_goes_on_where_the_broker_went_away_with_no_record_twice() -> None:
    link = Reading((0, KafkaConnectionError()), (3, KafkaConnectionError()), (0, OSError()), (5, KafkaTimeoutError()))
    assert await offsets(link) == list(range(10))


async def test_a_log_that_cannot_be_read_is_an_error_and_not_an_empty_one() -> None:
    with pytest.raises(ServiceError, match=r"foule\.checkpoints cannot be read"):
        await offsets(Reading((3, OffsetOutOfRangeError())))


async def test_the_ends_of_a_topic_are_asked_for_until_the_broker_is_back_and_knows_the_topic(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away: list[Exception] = [
        UnreachableError("nobody answers"),
        ServiceError("it starts"),
        TopicsError("no such topic"),
    ]

    def ask(kafka: KafkaSettings, topic: str) -> dict[int, int]:
        if away:
            raise away.pop(0)
        return {0: 7}

    monkeypatch.setattr(link, "log_ends", ask)
    with caplog.at_level("INFO"):
        assert await link_to(Broker())[0].ends_now("foule.epochs") == {0: 7}
    assert [record.getMessage() for record in caplog.records] == [
        "it is not known yet where foule.epochs ends: nobody answers"
    ]
