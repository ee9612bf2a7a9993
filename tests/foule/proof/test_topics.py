"""Topics are read back whole, in order, and from where the last reading ended."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from config.errors import TopicsError
from config.settings import load
from foule.proof.topics import LogRecord, TopicReader, read_topic
from streams import topics
from tests.conftest import SettingsMaker

#: Kafka deletes records that are older than the retention.
NOW = int(time.time() * 1000)


def test_a_reader_gives_each_record_once_and_in_order(settings_for: SettingsMaker, tmp_path: Path) -> None:
    settings = load(settings_for(tmp_path))
    topic = settings.topics.events
    with pytest.raises(TopicsError, match=topic):
        read_topic(settings, topic)
    topics.create(settings)
    with closing(KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)) as producer:
        for number in range(200):
            producer.send(topic, b"%d" % number, b"key", [("a", b"b")], partition=number % 2, timestamp_ms=NOW + number)
        producer.flush()
        expected = [
            LogRecord(at, n, NOW + 2 * n + at, b"key", b"%d" % (2 * n + at), (("a", b"b"),))
            for at in (0, 1)
            for n in range(100)
        ]
        with closing(TopicReader(settings, topic)) as reader:
            assert sorted(reader.read(), key=lambda record: record[:2]) == expected
            assert list(reader.read()) == []
            producer.send(topic, b"last", partition=1).get(30)
            [record] = reader.read()
    assert (record.partition, record.offset, record.key, record.value, record.headers) == (1, 100, None, b"last", ())
    assert read_topic(settings, topic) == [*expected, record]


def test_a_reader_stops_where_it_is_told_and_goes_on_from_there(settings_for: SettingsMaker, tmp_path: Path) -> None:
    settings = load(settings_for(tmp_path))
    topics.create(settings)
    topic = settings.topics.events
    with closing(KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)) as producer:
        for number in range(20):
            producer.send(topic, b"%d" % number, partition=number % 2)
        producer.flush()
    with closing(TopicReader(settings, topic)) as reader:
        first = [(record.partition, record.offset) for record in reader.read({0: 3, 1: 0})]
        rest = [(record.partition, record.offset) for record in reader.read()]
    assert first == [(0, 0), (0, 1), (0, 2)]
    assert sorted(rest) == [(0, at) for at in range(3, 10)] + [(1, at) for at in range(10)]


def test_a_record_read_back_shows_no_personal_data() -> None:
    assert "2081" not in repr(LogRecord(0, 7, 0, b"208101234567890", b'{"subscriber":"208101234567890"}'))
