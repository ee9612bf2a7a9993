"""Another threshold under a running epoch is refused; going back, and beginning anew as the refusal says, both work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from config.settings import load
from foule.oracle.oracle import Keys, Rules
from foule.proof.differences import compare
from foule.proof.in_redis import of_redis
from foule.proof.on_kafka import of_topics
from foule.proof.tallies import TallyLog
from streams import wire
from streams.wire import Seal
from tests.conftest import SettingsMaker
from tests.e2e.festival import DAY_AFTER, festival_settings
from tests.e2e.results import event_logs, oracle_of
from tests.e2e.running import Tail, Worker, foule, wait_until, wait_until_released
from zones import load as load_places

pytestmark = pytest.mark.real_kafka

NEXT_DAY = "2014-06-29T04:00:00+02:00"
DAY_END = 1_404_007_200_000
"""The same in ms, UTC: the end of the first epoch."""


def simulate(path: Path, start: str, end: str, *options: str) -> None:
    foule("simulate", "--settings", path, "--people", "500", "--start", start, "--end", end, *options)


def seals(log: Tail) -> dict[int, Seal]:
    """The newest seal of each shard."""
    log.read()
    messages = [wire.decode(record.value or b"") for record in log.records]
    return {message.shard: message for message in messages if isinstance(message, Seal)}


def count(path: Path) -> None:
    """Let a worker count all that was sent, write checkpoints of it, and release what is complete."""
    settings = load(path)
    ends = {partition: len(events) for partition, events in event_logs(settings).items()}
    with Worker(path) as worker, Tail(settings, settings.topics.tallies) as log, TallyLog(settings) as tallies:

        def all_is_done() -> bool:
            newest = seals(log)
            tallies.read()
            return newest.keys() == ends.keys() and all(
                seal.next_offset == ends[shard]
                and seal.checkpointed == seal.watermark
                and all(window.end > seal.watermark for window in tallies.undecided)
                for shard, seal in newest.items()
            )

        wait_until(all_is_done, 60, "all that was sent is in checkpoints, and what is complete is decided", [worker])
        assert worker.terminate().code == 0


def refused(path: Path) -> str:
    """The log of a worker that ends by itself."""
    with Worker(path) as worker:
        wait_until(lambda: worker.pid is None, 60, "the worker ends")
        return worker.log_text


def test_another_threshold_is_refused_and_begins_anew_with_the_next_epoch(
    tmp_path: Path, settings_for: SettingsMaker, keys: Keys
) -> None:
    def settings_file(name: str, k: int, **sections: Mapping[str, object]) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        stream = {"checkpoint_every": "1s", "seal_every": "1s"}
        return festival_settings(
            folder, settings_for, kafka={"session_timeout": "6s"}, stream=stream, privacy={"k": k}, **sections
        )

    old = settings_file("old", 10)
    simulate(old, "2014-06-28T12:00", "2014-06-28T14:00", "--no-finish")
    count(old)

    text = refused(settings_file("other", 12))
    assert "made by another version of foule or under other zones, windows, times or another k or noise: go" in text
    assert "set topics.checkpoints, topics.tallies to new names and events.not_before to that epoch's start" in text
    assert "Traceback" not in text

    simulate(old, "2014-06-28T14:00", "2014-06-28T15:00", "--no-finish")
    count(old)  # back under the old settings
    first = of_redis(load(old))
    assert first.problems == []
    assert len(first.tallies) > 50

    simulate(old, "2014-06-28T15:00", "2014-06-28T16:00", "--no-finish")  # nobody counts this
    names = load(old).topics
    anew = {"checkpoints": f"{names.checkpoints}.anew", "tallies": f"{names.tallies}.anew"}
    new = settings_file("new", 12, topics=anew, events={"not_before": NEXT_DAY})
    settings = load(new)
    with Worker(new) as worker:
        simulate(new, "2014-06-29T09:00", "2014-06-29T12:00")
        wait_until_released(settings, DAY_AFTER, 90, [worker])
        assert worker.metrics().get("foule_stale_messages_total", 0) == 0
        assert worker.metrics().get("foule_refused_windows_total", 0) == 0
        assert worker.metrics().get("foule_offset_gaps_total", 0) == 0

    places = load_places(settings.zones)
    released = oracle_of(settings, keys).released(Rules.of(settings, places.layers))
    assert len(released) > 50
    assert min(window.start for window in released) >= DAY_END
    redis, topics = of_redis(settings), of_topics(settings)
    assert compare(first.tallies | released, redis.tallies) == ""
    assert compare(first.tallies | released, topics.tallies) == ""
    assert topics.problems == []
