"""``foule doctor`` compares how long things really stay with what the settings say, on real servers."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from anonymizer.keys import KEY_BYTES
from config.settings import Secret, Settings, load
from config.times import DAY, HOUR
from foule import retention
from foule.finding import Finding
from foule.redis_client import client
from foule.server_process import free_port
from sinks.contract import CHANGES, flows_key, live_key, series_key, window_key
from streams import topics
from streams.keystore import RedisKeyStore
from tests.conftest import SettingsMaker

NOON = 1_403_949_600_000


def settings_of(settings_for: SettingsMaker, folder: Path, **sections: Mapping[str, object]) -> Settings:
    return load(settings_for(folder, **sections), environ={})


# --- topics, dead letters


def with_events_kept(settings: Settings, **config: str) -> Settings:
    """The topics, that of events made by others with settings of its own."""
    with KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap) as admin:
        partitions = settings.topics.partitions
        admin.create_topics(
            {
                settings.topics.events: {
                    "num_partitions": partitions,
                    "replication_factor": 1,
                    "configs": {"segment.ms": str(HOUR), **{key.replace("_", "."): config[key] for key in config}},
                }
            }
        )
    topics.create(settings)
    return settings


@pytest.mark.real_kafka
@pytest.mark.parametrize(
    ("config", "level", "words", "advice"),
    [
        (
            {"retention_ms": str(8 * DAY)},
            "fail",
            "keeps events for 8d, expected topics.events_retention = 1d",
            'retention.ms=86400000, or set topics.events_retention = "8d" to say so',
        ),
        ({"retention_ms": "-1"}, "fail", "keeps events for ever, expected", "retention.ms=86400000"),
        ({"retention_ms": str(2 * HOUR)}, "warn", "keeps events for 2h, expected", 'topics.events_retention = "2h"'),
        (
            {"retention_ms": str(DAY), "segment_ms": str(7 * DAY)},
            "warn",
            "closes a segment after 7d, expected 1h: only closed ones are deleted",
            "segment.ms=3600000",
        ),
    ],
)
def test_a_topic_of_events_that_keeps_them_otherwise_than_set_is_told(
    settings_for: SettingsMaker, tmp_path: Path, config: dict[str, str], level: str, words: str, advice: str
) -> None:
    settings = settings_of(settings_for, tmp_path, topics={"events_retention": "1d"})
    [finding] = retention.check_topics(with_events_kept(settings, **config))
    assert (finding.level, finding.part) == (level, "retention")
    assert words in finding.text
    assert finding.advice.endswith(advice)


@pytest.mark.real_kafka
def test_topics_as_set_are_told_with_what_they_keep(settings_for: SettingsMaker, tmp_path: Path) -> None:
    settings = settings_of(settings_for, tmp_path, topics={"events_retention": "1d"})
    assert list(retention.check_topics(settings)) == []
    topics.create(settings)
    [finding] = retention.check_topics(settings)
    assert finding.level == "ok"
    assert f"{settings.topics.events} 1d" in finding.text
    assert f"{settings.topics.tallies} 7d" in finding.text
    assert settings.topics.checkpoints not in finding.text


def test_dead_letters_with_the_record_fail_where_only_reasons_are_to_be_kept(
    settings_for: SettingsMaker, tmp_path: Path
) -> None:
    settings = settings_of(settings_for, tmp_path, events={"rejected_payload": False})
    topics.create(settings)

    def letters() -> Finding:
        [about] = [finding for finding in retention.check_topics(settings) if "dead letters" in finding.text]
        return about

    put(settings, None, None)
    found = letters()
    assert (found.level, found.text.partition(" in ")[0]) == ("ok", "2 sampled dead letters")
    put(settings, b'{"subscriber": "208011234567890"}')
    found = letters()
    assert found.level == "fail"
    assert found.text.startswith("1 of 3 sampled dead letters")
    assert "topics.rejected_retention (1d)" in found.advice
    assert "208011234567890" not in f"{found}"


def put(settings: Settings, *values: bytes | None) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
    for value in values:
        producer.send(settings.topics.rejected, key=b"x", value=value, headers=[("reason", b"malformed")])
    producer.flush()
    producer.close()


# --- windows


@pytest.fixture
def redis(redis_url: str) -> Iterator[Any]:
    with client(Secret(redis_url)) as connected:
        yield connected


def write_window(redis: Any, live: int = 15 * 60_000, window: int = 7 * DAY, series: int = 3) -> None:
    """A window as the sink leaves it, with these times to live (ms; 0: none) and entries."""
    keys = {
        live_key("towns"): live,
        window_key("towns", "5m", NOON): window,
        flows_key("towns", "5m", NOON): window,
    }
    for key, left in keys.items():
        redis.hset(key, "beach", "{}")
        if left:
            redis.pexpire(key, left)
    for entry in range(series):
        redis.xadd(series_key("towns", "5m", "a:b}:live"), {"people": 30}, id=f"{NOON + entry}-0")
    redis.xadd(CHANGES, {"layer": "towns"})


def test_windows_that_vanish_as_set_are_well(settings_for: SettingsMaker, tmp_path: Path, redis: Any) -> None:
    settings = settings_of(settings_for, tmp_path)
    [before] = retention.check_windows(settings)
    write_window(redis)
    [after] = retention.check_windows(settings)
    assert (before.level, after.level) == ("ok", "ok")
    assert "0 sampled keys of windows" in before.text
    assert "4 sampled keys of windows" in after.text


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ({"window": 0}, "of 2 sampled keys of windows 2 have no time to live, expected 7d at most"),
        ({"window": 9 * DAY}, "of 2 sampled keys of windows one stays for "),
        ({"live": DAY}, "of 1 sampled keys of live one stays for "),
        ({"live": 0}, "of 1 sampled keys of live 1 have no time to live, expected 15m at most"),
        ({"series": 6}, "a series holds 6 entries, expected redis.series_length 5 at most"),
    ],
)
def test_windows_that_stay_for_longer_than_set_are_a_warning(
    settings_for: SettingsMaker, tmp_path: Path, redis: Any, left: dict[str, int], words: str
) -> None:
    write_window(redis, **left)
    [finding] = retention.check_windows(settings_of(settings_for, tmp_path, redis={"series_length": 5}))
    assert (finding.level, finding.part) == ("warn", "retention")
    assert words in finding.text
    assert finding.advice


# --- keys


@pytest.fixture
def store(settings_for: SettingsMaker, tmp_path: Path) -> Iterator[RedisKeyStore]:
    store = RedisKeyStore(settings_of(settings_for, tmp_path).keys)
    yield store
    store.close()


@pytest.mark.parametrize(("ttl", "level"), [(37 * HOUR, "ok"), (38 * HOUR, "fail")])
def test_a_key_lives_for_its_epoch_and_max_age_at_most(
    settings_for: SettingsMaker, tmp_path: Path, store: RedisKeyStore, ttl: int, level: str
) -> None:
    store.put_if_absent("20140628", bytes(KEY_BYTES), ttl)
    store.destroy("20140627", 12 * HOUR)
    [finding] = retention.check_keys(settings_of(settings_for, tmp_path))
    assert (finding.level, finding.part) == (level, "retention")
    assert (
        "2 keys and tombstones, each goes by itself" if level == "ok" else "a key stays for 38.0 hours"
    ) in finding.text


def test_a_key_without_a_time_to_live_fails(settings_for: SettingsMaker, tmp_path: Path, store: RedisKeyStore) -> None:
    settings = settings_of(settings_for, tmp_path)
    with client(settings.keys.url) as redis:
        redis.set("foule:key:20140628", bytes(KEY_BYTES))
    [finding] = retention.check_keys(settings)
    assert finding.level == "fail"
    assert "1 of 1 keys have no time to live" in finding.text


def test_what_does_not_answer_is_said_not_to_be_checked(settings_for: SettingsMaker, tmp_path: Path) -> None:
    url = f"redis://:hidden@127.0.0.1:{free_port()}/0"
    settings = settings_of(settings_for, tmp_path, redis={"url": url}, keys={"url": url})
    found = [*retention.check_windows(settings), *retention.check_keys(settings)]
    assert [finding.level for finding in found] == ["warn", "warn"]
    assert all("not checked" in finding.text for finding in found)
    assert "hidden" not in f"{found}"
