"""A worker that sleeps through the loss of its partitions: what it writes when it wakes up counts for nothing."""

import os
import signal
from pathlib import Path

import pytest

from config.settings import load
from foule.oracle.oracle import Keys
from streams import topics
from tests.chaos.crowd import CATALOGUE, LAYERS
from tests.chaos.expected import expected
from tests.chaos.stage import Feed, indicators
from tests.chaos.verdict import judge
from tests.conftest import SettingsMaker
from tests.e2e.running import Worker, wait_until, wait_until_released
from tests.services.real_kafka import RealKafka

PARTITIONS = 4
EVENTS, SECONDS = 80_000, 50.0
WITHIN = 60.0


def partitions_of(worker: Worker) -> set[int]:
    """The partitions of events that a worker has, by its metrics."""
    return {at for at in range(PARTITIONS) if f'foule_checkpoint_age_seconds{{partition="{at}"}}' in worker.metrics()}


@pytest.mark.real_kafka
def test_a_worker_that_wakes_up_after_its_partitions_have_moved_changes_nothing_and_rejoins(
    settings_for: SettingsMaker, tmp_path: Path, real_kafka: RealKafka, keys: Keys
) -> None:
    (tmp_path / "cells.csv").write_text(CATALOGUE)
    path = settings_for(
        tmp_path,
        topics={"partitions": PARTITIONS},
        zones={
            "cells": tmp_path / "cells.csv",
            "min_difference": 0,
            "layers": [{"name": layer, "column": layer} for layer in LAYERS],
        },
        indicators=indicators(1),
        privacy={"k": 10},
        stream={"seal_every": "1s", "checkpoint_every": "3s", "idle_after": "4s"},
    )
    settings = load(path)
    topics.create(settings)
    every = set(range(PARTITIONS))
    with Worker(path) as zombie, Worker(path) as other:
        both = [zombie, other]

        def share() -> bool:
            return all(map(partitions_of, both)) and set().union(*map(partitions_of, both)) == every

        wait_until(share, WITHIN, "both workers have partitions", both)
        feed = Feed(path, tmp_path / "feed.log", seed=6, events=EVENTS, seconds=SECONDS)
        try:
            wait_until(lambda: zombie.metrics()["foule_records_read_total"] > EVENTS / 20, WITHIN, "it counts", both)
            pid = zombie.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda: partitions_of(other) == every, WITHIN, "its partitions have moved", [other])
            taken_over = other.metrics()["foule_records_read_total"]
            wait_until(
                lambda: other.metrics()["foule_records_read_total"] > taken_over + EVENTS / 20, WITHIN, "events go on"
            )
            os.kill(pid, signal.SIGCONT)
            wait_until(share, WITHIN, "it has partitions again", both)
            before = [worker.metrics()["foule_records_read_total"] for worker in both]
            wait_until(
                lambda: all(
                    worker.metrics()["foule_records_read_total"] > read
                    for worker, read in zip(both, before, strict=True)
                ),
                WITHIN,
                "both count",
                both,
            )
            sent = feed.finish(SECONDS + WITHIN)
        finally:
            feed.close()
        wait_until_released(settings, sent["watermark"], WITHIN, both)

    verdict = judge(settings, expected(path, dict(keys)))
    assert [check for check in verdict.checks if not check.holds] == []
    assert (verdict.records, verdict.lost, verdict.twice, verdict.lowest) == (EVENTS, 0, 0, 1.0)
