"""The broker is killed and comes back: workers wait and go on, and nothing is lost or counted twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import load
from foule.oracle.oracle import Keys
from tests.conftest import SettingsMaker
from tests.e2e.festival import DAY_AFTER, assert_released_equals_the_oracle, festival_settings
from tests.e2e.running import Feed, Worker, foule, wait_until, wait_until_released
from tests.services.real_kafka import RealKafka

pytestmark = pytest.mark.real_kafka

GONE, BACK = "does not answer: the worker waits", "is back after"
READ = "foule_records_read_total"


@pytest.fixture(scope="module")
def mortal() -> Iterator[RealKafka]:
    """An Apache Kafka of this module's own, which its tests kill."""
    with RealKafka(heap="512m") as kafka:
        yield kafka


@pytest.fixture
def festival(tmp_path: Path, settings_for: SettingsMaker, mortal: RealKafka) -> Path:
    mortal.start()
    group = load(settings_for(tmp_path)).kafka.group
    return festival_settings(tmp_path, settings_for, kafka={"bootstrap": mortal.bootstrap, "group": group})


def test_a_worker_outlives_its_broker_loses_nothing_and_says_so_in_two_lines(
    festival: Path, mortal: RealKafka, keys: Keys
) -> None:
    with Worker(festival) as worker, Feed(festival, people=500, speed=5000) as feed:
        wait_until(lambda: worker.metrics()[READ] > 10_000, 60, "10,000 records are read", [worker])
        mortal.kill()
        wait_until(lambda: worker.metrics()["foule_kafka_up"] == 0, 30, "the outage is noticed", [worker])
        mortal.start()
        feed.wait(120)
        wait_until_released(load(festival), DAY_AFTER, 120, [worker])
        assert worker.metrics()["foule_kafka_up"] == 1
        lines = worker.log_text.splitlines()
    assert (sum(GONE in line for line in lines), sum(BACK in line for line in lines)) == (1, 1)
    assert len(lines) < 60
    assert_released_equals_the_oracle(festival, keys)


def test_a_worker_stops_in_time_while_the_broker_is_away_and_the_next_one_waits_for_it(
    festival: Path, mortal: RealKafka, keys: Keys
) -> None:
    foule("simulate", "--settings", festival, "--people", "200")
    with Worker(festival) as worker:
        wait_until(lambda: worker.metrics()[READ] > 10_000, 60, "10,000 records are read", [worker])
        mortal.kill()
        ended = worker.terminate()
        assert ended.code == 0
        assert ended.seconds < 10
        worker.start()
        wait_until(lambda: "Kafka does not answer at" in worker.log_text, 30, "the worker says why it waits", [worker])
        mortal.start()
        wait_until_released(load(festival), DAY_AFTER, 60, [worker])
    assert_released_equals_the_oracle(festival, keys, 20)
