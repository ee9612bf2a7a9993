"""An outage is said once, and from time to time; what the clients repeat is held back."""

from __future__ import annotations

import logging

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError

from streams import outage
from streams.outage import Outage, Quiet, wait_at_start


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records]
    caplog.clear()
    return said


def test_the_log_has_one_line_when_the_broker_goes_one_a_minute_and_one_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outage = Outage("kafka:9092")
    outage.notice(True, 0)
    assert told(caplog) == []
    outage.notice(False, 5)
    assert told(caplog) == ["Kafka at kafka:9092 does not answer: the worker waits, and goes on when it is back"]
    for now in range(10, 65, 5):
        outage.notice(False, now)
    assert told(caplog) == []
    outage.notice(False, 65)
    assert told(caplog) == ["Kafka at kafka:9092 has not answered for 60 s: the worker waits"]
    outage.notice(True, 70)
    assert told(caplog) == ["Kafka at kafka:9092 is back after 65 s: the worker goes on"]
    outage.notice(True, 75)
    assert told(caplog) == []
    outage.notice(False, 80)
    assert len(told(caplog)) == 1


class Passed:
    """Which of the records that it is asked about the filter lets through, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self._quiet = Quiet(lambda: self.now)

    def __call__(self, name: str, text: str, *arguments: object) -> bool:
        return self._quiet.filter(logging.LogRecord(name, logging.ERROR, __file__, 1, text, arguments, None))


def test_what_a_client_repeats_is_said_once_a_minute() -> None:
    passed = Passed()
    assert passed("aiokafka.consumer.fetcher", "Topic %s is not available", "events")
    assert not passed("aiokafka.consumer.fetcher", "Topic %s is not available", "frontier")
    assert passed("aiokafka.consumer.fetcher", "something else")
    assert passed("faust.app.base", "something else")
    passed.now = 61.0
    assert passed("aiokafka.consumer.fetcher", "Topic %s is not available", "events")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("aiokafka", "Unable connect to node with id %s: %s"),
        ("aiokafka", "Unable to update metadata from %s"),
        ("aiokafka.producer.sender", "Got error produce response: %s"),
        ("aiokafka.consumer.group_coordinator", "Group Coordinator Request failed: %s"),
    ],
)
def test_that_a_broker_cannot_be_reached_is_left_to_the_outage(name: str, text: str) -> None:
    assert not Passed()(name, text)


def test_what_foule_says_is_never_held_back() -> None:
    passed = Passed()
    assert all(passed("streams.crowd", "partition %d stands still", 1) for _ in range(3))


async def test_a_client_that_starts_while_the_broker_is_away_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, False, True])
    asked = []

    async def bootstrap(client: AIOKafkaClient) -> None:
        asked.append(client)
        if not next(answers):
            raise KafkaConnectionError("Unable to bootstrap")

    monkeypatch.setattr(AIOKafkaClient, "bootstrap", AIOKafkaClient.bootstrap)
    monkeypatch.setattr(outage, "_bootstrap_once", bootstrap)
    monkeypatch.setattr(outage, "_START_AGAIN_AFTER", 0.0)
    wait_at_start()
    client = AIOKafkaClient()
    await client.bootstrap()
    assert asked == [client] * 3
