"""Redis does not take windows: they wait on the log, memory stays bounded, and the counting goes on."""

import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from redis import Redis

from config.settings import load
from foule.embedded import EmbeddedRedis
from foule.oracle.oracle import Keys
from foule.proof.tallies import TallyLog
from tests.conftest import SettingsMaker
from tests.e2e.festival import DAY_AFTER, assert_released_equals_the_oracle, festival_settings
from tests.e2e.running import Feed, Worker, wait_until, wait_until_released
from tests.services.real_redis import RealRedis

READ, MEMORY = "foule_records_accepted_total", "foule_process_resident_memory_bytes"
RELEASED = 'foule_released_windows_total{width="5m"}'
ERRORS = 'foule_sink_errors_total{sink="RedisSink"}'
MOST_MEMORY = 400 << 20
"""Bytes that a worker may take more while Redis is away: some ten times what its buffers hold."""


@pytest.fixture
def mortal() -> Iterator[EmbeddedRedis]:
    """A Redis for the indicators that this test stops."""
    with EmbeddedRedis(persistent=True) if RealRedis.absent() else RealRedis(persistent=True) as redis:
        yield redis


@pytest.fixture
def festival(tmp_path: Path, settings_for: SettingsMaker, mortal: EmbeddedRedis) -> Path:
    return festival_settings(tmp_path, settings_for, redis={"url": mortal.url})


def test_while_redis_is_down_windows_wait_and_then_come_in_order(
    festival: Path, mortal: EmbeddedRedis, keys: Keys
) -> None:
    settings = load(festival)
    with Worker(festival) as worker, Feed(festival, people=600, speed=6000) as feed, TallyLog(settings) as tallies:
        wait_until(lambda: worker.metrics().get(RELEASED, 0) > 0, 60, "a window is released", [worker])
        mortal.kill()
        before = worker.metrics()
        wait_until(
            lambda: worker.metrics().get(ERRORS, 0) > before.get(ERRORS, 0), 60, "a failed attempt is counted", [worker]
        )
        tallies.read()
        published, counted = worker.metrics()[RELEASED], len(tallies.undecided)
        feed.wait(120)

        def all_is_counted() -> bool:
            tallies.read()
            return tallies.sealed(DAY_AFTER)

        wait_until(all_is_counted, 60, "all is counted although nothing is released", [worker])
        during = worker.metrics()
        assert during[READ] > before[READ]
        assert len(tallies.undecided) > counted
        assert during[RELEASED] == published
        assert during[MEMORY] < before[MEMORY] + MOST_MEMORY
        assert "takes no window now, released windows wait on the log" in worker.log_text
        mortal.start()
        wait_until_released(settings, DAY_AFTER, 60, [worker])
    assert_released_equals_the_oracle(festival, keys)
    with Redis.from_url(mortal.url, decode_responses=True) as client:
        changes = [entry for _, entry in client.xrange("foule:changes")]
    starts: dict[tuple[str, str], list[int]] = {}
    for change in changes:
        starts.setdefault((change["layer"], change["width"]), []).append(int(change["start"]))
    assert all(earlier <= later for of_layer in starts.values() for earlier, later in pairwise(of_layer))


def test_a_worker_stops_in_time_while_redis_hangs(festival: Path, mortal: EmbeddedRedis, keys: Keys) -> None:
    with Worker(festival) as worker, Feed(festival, people=300, speed=6000) as feed:
        wait_until(lambda: worker.metrics()[READ] > 5_000, 60, "5,000 records are counted", [worker])
        assert mortal.pid is not None
        os.kill(mortal.pid, signal.SIGSTOP)
        try:
            counted = worker.metrics()[READ]
            wait_until(lambda: worker.metrics()[READ] > counted + 5_000, 60, "the counting goes on", [worker])
            ended = worker.terminate()
            assert ended.code == 0
            assert ended.seconds < 10
            assert "had no time for a checkpoint" not in worker.log_text
            worker.start()
        finally:
            os.kill(mortal.pid, signal.SIGCONT)
        feed.wait(120)
        wait_until_released(load(festival), DAY_AFTER, 60, [worker])
    assert_released_equals_the_oracle(festival, keys, 50)
