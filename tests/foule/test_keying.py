"""Keying is judged by numbers alone, and a topic that is not keyed by subscriber is found out."""

import json
import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from config.settings import EventsSettings, Settings, load
from foule.checks import judge_keying
from foule.keying import Keying, Sampled, judge, sample
from foule.partitioner import Partitioner
from tests.conftest import SettingsMaker

PARTITIONS = 4
PARTITIONER = Partitioner(PARTITIONS)


def event(subscriber: object) -> bytes:
    return json.dumps({"ts": 1, "subscriber": subscriber, "cell": "a"}).encode()


def keyed(subscriber: str, timestamp: int = 1) -> Sampled:
    key = subscriber.encode()
    return Sampled(int(PARTITIONER.of([key])[0]), key, event(subscriber), timestamp)


def levels(keying: Keying) -> list[str]:
    return [finding.level for finding in judge_keying(keying, Settings())]


def test_a_keyed_topic_is_ok() -> None:
    keying = judge([keyed(str(number % 50)) for number in range(200)], PARTITIONS, "subscriber")
    assert keying == Keying(
        records=200,
        without_key=0,
        unreadable=0,
        elsewhere=0,
        subscribers=50,
        scattered=0,
        several_keys=0,
        newest=1,
    )
    assert levels(keying) == ["ok"]


def test_records_without_a_key_fail() -> None:
    keying = judge([keyed("1"), Sampled(0, None, event("2"), 1)], PARTITIONS, "subscriber")
    assert keying.without_key == 1
    assert levels(keying) == ["fail"]


def test_a_subscriber_in_two_partitions_fails() -> None:
    records = [Sampled(partition, b"probe-%d" % partition, event("one"), 1) for partition in (0, 1)]
    keying = judge(records, PARTITIONS, "subscriber")
    assert (keying.scattered, keying.subscribers) == (1, 1)
    assert "fail" in levels(keying)


def test_a_subscriber_with_two_keys_fails_even_in_one_partition() -> None:
    keys = [key for key in (b"%d" % n for n in range(99)) if PARTITIONER.of([key])[0] == 2][:2]
    keying = judge([Sampled(2, key, event("one"), 1) for key in keys], PARTITIONS, "subscriber")
    assert (keying.scattered, keying.several_keys, keying.elsewhere) == (0, 1, 0)
    assert levels(keying) == ["fail"]


def test_another_partitioner_that_keeps_subscribers_together_is_a_warning() -> None:
    records = [record._replace(partition=(record.partition + 1) % PARTITIONS) for record in map(keyed, "abcd")]
    keying = judge(records, PARTITIONS, "subscriber")
    assert (keying.elsewhere, keying.scattered) == (4, 0)
    assert levels(keying) == ["warn"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"\xff\xfe",
        b'{"subscriber": "\xff"}',
        b"[1]",
        b'{"ts": 1}',
        b'{"subscriber": ""}',
        b'{"subscriber": null}',
        b'{"subscriber": 1.5}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b', "subscriber": "1"}',
    ],
)
def test_a_record_without_a_readable_subscriber_is_counted_and_warned_of(value: bytes | None) -> None:
    keying = judge([Sampled(0, keyed("1").key, value, 1)], 1, "subscriber")
    assert (keying.unreadable, keying.subscribers) == (1, 0)
    assert "warn" in levels(keying)


def test_a_feed_that_cannot_be_keyed_is_recommended_the_shuffle_and_is_well_with_it() -> None:
    records = [Sampled(partition, None, event("one"), 1) for partition in (0, 1)]
    keying = judge(records, PARTITIONS, "subscriber")
    plain, shuffled = (
        list(judge_keying(keying, Settings(events=EventsSettings(shuffle=shuffle)))) for shuffle in (False, True)
    )
    assert [finding.level for finding in plain] == ["fail", "fail"]
    assert all("set events.shuffle = true" in finding.advice for finding in plain)
    assert [(finding.level, finding.advice) for finding in shuffled] == [("ok", "")]
    assert "events.shuffle is on" in shuffled[0].text


def test_a_keyed_feed_is_well_with_the_shuffle_and_told_that_it_needs_none() -> None:
    keying = judge([keyed("1"), keyed("2")], PARTITIONS, "subscriber")
    [finding] = judge_keying(keying, Settings(events=EventsSettings(shuffle=True)))
    assert (finding.level, "events.shuffle = false" in finding.text) == ("ok", True)


def test_a_number_and_its_text_are_the_same_subscriber_under_the_mapped_field() -> None:
    values = [b'{"imsi": 123}', b'{"imsi": "123"}']
    keying = judge([Sampled(0, b"123", value, 1) for value in values], 1, "imsi")
    assert (keying.subscribers, keying.several_keys) == (1, 0)


def test_timestamps_far_ahead_are_a_warning() -> None:
    keying = judge([keyed("1", timestamp=32_000_000_000_000)], PARTITIONS, "subscriber")
    assert levels(keying) == ["ok", "warn"]


def test_no_finding_holds_an_id_or_a_key() -> None:
    secret = "208019876543210"
    records = [Sampled(partition, secret.encode(), event(secret), 1) for partition in range(PARTITIONS)]
    records += [Sampled(0, None, event(secret), 1), Sampled(0, b"x", secret.encode(), 1)]
    findings = list(judge_keying(judge(records, PARTITIONS, "subscriber"), Settings()))
    assert "fail" in {finding.level for finding in findings}
    assert secret not in repr(findings)


def test_the_newest_records_of_every_partition_are_sampled(settings_for: SettingsMaker, tmp_path: Path) -> None:
    settings = load(settings_for(tmp_path), environ={})
    topic = settings.topics.events
    with KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap) as admin:
        admin.create_topics({topic: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True)
    assert sample(settings) == ([], 3)
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
    now = int(time.time() * 1000)  # Kafka deletes records that are older than the retention
    for number in range(500):
        for partition in (0, 1):
            producer.send(topic, key=b"k", value=b"%d" % number, partition=partition, timestamp_ms=now + number)
    producer.flush()
    producer.close()
    records, partitions = sample(settings, per_partition=20)
    assert partitions == 3
    expected = {(partition, b"%d" % number) for partition in (0, 1) for number in range(480, 500)}
    assert {(record.partition, record.value) for record in records} == expected
    assert len(records) == 40
    assert max(record.timestamp for record in records) == now + 499
