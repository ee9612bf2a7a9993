"""The fixtures give servers that answer, names that nobody else has and settings files that parse."""

import tomllib
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from redis import Redis

from tests.conftest import Broker, SettingsMaker
from tests.services.real_kafka import RealKafka
from tests.services.settings_file import TOPICS, FreshNames


def test_the_broker_of_the_run_answers(broker: Broker, kafka_bootstrap: str) -> None:
    assert kafka_bootstrap == broker.bootstrap
    admin = KafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    assert len(admin.describe_cluster()["brokers"]) == 1
    admin.close()


@pytest.mark.real_kafka
def test_tests_marked_real_kafka_run_on_apache_kafka(broker: Broker, real_kafka: RealKafka) -> None:
    assert broker.real
    assert broker.bootstrap == real_kafka.bootstrap


def test_both_redis_are_empty_and_apart(redis_url: str, key_redis_url: str) -> None:
    with Redis.from_url(redis_url) as indicators, Redis.from_url(key_redis_url) as keys:
        indicators.set("a", "1")
        assert keys.dbsize() == 0
        assert indicators.config_get("appendonly") == {"appendonly": "yes"}
        assert keys.config_get("appendonly") == {"appendonly": "no"}


def test_a_redis_is_emptied_before_each_test(redis_url: str) -> None:
    with Redis.from_url(redis_url) as indicators:
        assert indicators.dbsize() == 0


def test_settings_name_the_servers_and_unique_topics(
    settings_for: SettingsMaker, fresh_names: FreshNames, kafka_bootstrap: str, redis_url: str, tmp_path: Path
) -> None:
    layers = [{"name": "z", "column": "zone"}]
    path = settings_for(tmp_path, time={"windows": ["1m"]}, zones={"layers": layers}, kafka={"group": "mine"})
    read = tomllib.loads(path.read_text())
    assert read["kafka"] == {"bootstrap": kafka_bootstrap, "group": "mine"}
    assert read["redis"]["url"] == redis_url
    assert read["time"]["windows"] == ["1m"]
    assert read["zones"]["layers"] == layers
    assert {key: read["topics"][key] for key in TOPICS} == fresh_names.topics
    assert all(name.startswith(fresh_names.prefix) for name in fresh_names.topics.values())
