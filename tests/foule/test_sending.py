"""Sending waits for every acknowledgement, says when Kafka refuses, and never logs a subscriber."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from config.errors import ServiceError
from config.settings import Settings, load
from foule import sending
from foule.proof.topics import read_topic
from foule.sending import EventSender
from streams import topics
from tests.conftest import SettingsMaker

STAMPS = np.full(50_000, 1_403_949_600_000)


@pytest.fixture
def settings(settings_for: SettingsMaker, tmp_path: Path) -> Settings:
    loaded = load(settings_for(tmp_path))
    topics.create(loaded)
    return loaded


@pytest.fixture
def kafka_at_debug() -> Iterator[None]:
    """kafka-python's logger at level debug, and as it was afterwards."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(before)


def test_few_records_are_under_way_at_a_time_and_all_are_acknowledged(settings: Settings) -> None:
    keys: list[bytes | None] = [b"imsi-%d" % (row % 500) for row in range(50_000)]
    with EventSender(settings) as sender:
        partitions = sender.send(keys, [b"{}"] * 50_000, STAMPS)
        assert 50_000 - sending._IN_FLIGHT <= sender.sent < 50_000
        sender.flush()
        assert sender.sent == 50_000
        ends = sender.finish(7)
    assert ends == {number: int((partitions == number).sum()) for number in range(4)}


def test_without_keys_the_partitions_take_their_turns(settings: Settings) -> None:
    with EventSender(settings, keyed=False) as sender:
        partitions = sender.send([b"imsi"] * 6, [b"{}"] * 6, STAMPS[:6])
    assert partitions.tolist() == [0, 1, 2, 3, 0, 1]
    assert {record.key for record in read_topic(settings, settings.topics.events)} == {None}


def test_leaving_the_block_waits_for_what_is_under_way(settings: Settings) -> None:
    with EventSender(settings) as sender:
        sender.send([b"a", None], [b"{}", b"x"], STAMPS[:2])
    assert sender.sent == 2


def test_a_record_that_kafka_does_not_take_is_an_error_that_says_how_many_it_took(settings: Settings) -> None:
    with (
        pytest.raises(ServiceError, match=r"did not take all events: .*; 1 were acknowledged") as caught,
        EventSender(settings) as sender,
    ):
        sender.send([b"imsi"], [b"{}"], STAMPS[:1])
        sender.flush()
        sender.send([b"imsi"], [b"x" * 2_000_000], STAMPS[:1])
    assert "imsi" not in str(caught.value)


def test_a_broker_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "foule.toml").write_text('[kafka]\nbootstrap = "127.0.0.1:1"\n')
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1:1"):
        EventSender(load(tmp_path / "foule.toml", {}))


@pytest.mark.usefixtures("kafka_at_debug")
def test_no_subscriber_reaches_a_log_even_at_level_debug(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), EventSender(settings) as sender:
        sender.send([b"imsi-1"], [b'{"subscriber":"imsi-1"}'], STAMPS[:1])
    assert "imsi" not in caplog.text
