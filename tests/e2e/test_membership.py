"""A worker that stops leaves its group at once; one that is a static member comes back without a rebalance."""

import time
from pathlib import Path

import pytest

from config.settings import load
from foule.oracle.oracle import Keys
from tests.conftest import SettingsMaker
from tests.e2e.festival import DAY_AFTER, assert_released_equals_the_oracle, festival_settings
from tests.e2e.running import Feed, Worker, wait_until, wait_until_released

pytestmark = pytest.mark.real_kafka

SESSION = 30.0
ALL = {0, 1, 2, 3}


@pytest.fixture
def festival(tmp_path: Path, settings_for: SettingsMaker) -> Path:
    group = load(settings_for(tmp_path)).kafka
    kafka = {"bootstrap": group.bootstrap, "group": group.group, "session_timeout": f"{SESSION:.0f}s"}
    return festival_settings(tmp_path, settings_for, kafka=kafka)


def taken_over(worker: Worker) -> int:
    """How often it has taken over a shard."""
    return worker.log_text.count("goes on at offset")


def both_have_two_shards(first: Worker, second: Worker) -> None:
    wait_until(
        lambda: len(first.shards) == len(second.shards) == 2 and first.shards | second.shards == ALL,
        60,
        "each worker has two shards",
        [first, second],
    )


def test_a_worker_that_is_stopped_leaves_at_once_and_another_goes_on(festival: Path, keys: Keys) -> None:
    with Worker(festival) as first, Worker(festival) as second, Feed(festival, people=400, speed=6000) as feed:
        both_have_two_shards(first, second)
        begun = time.monotonic()
        ended = first.terminate()
        wait_until(lambda: second.shards == ALL, 60, "the other has all shards", [second])
        assert ended.code == 0
        assert ended.seconds < 10
        assert time.monotonic() - begun < SESSION / 2
        feed.wait(120)
        wait_until_released(load(festival), DAY_AFTER, 60, [second])
    assert_released_equals_the_oracle(festival, keys, 50)


def test_a_static_member_is_back_with_its_shards_and_no_other_lets_go_of_its_own(festival: Path, keys: Keys) -> None:
    first = Worker(festival, FOULE_KAFKA__INSTANCE="first")
    second = Worker(festival, FOULE_KAFKA__INSTANCE="second")
    with first, second, Feed(festival, people=400, speed=5000) as feed:
        both_have_two_shards(first, second)
        kept, shards, before = first.shards, second.shards, taken_over(first)
        assert second.terminate().code == 0
        second.start()
        wait_until(lambda: second.shards == shards, SESSION, "it has its shards again", [first, second])
        feed.wait(120)
        wait_until_released(load(festival), DAY_AFTER, 60, [first, second])
        assert (first.shards, taken_over(first)) == (kept, before)
    assert_released_equals_the_oracle(festival, keys, 50)
