"""Any number of workers: each shard is with the worker that also reads what the shard is told."""

from pathlib import Path

import pytest

from config.settings import load
from streams import topics
from tests.chaos.crowd import CATALOGUE, LAYERS
from tests.chaos.stage import Feed
from tests.conftest import SettingsMaker
from tests.e2e.running import Worker, wait_until, wait_until_released
from tests.services.real_kafka import RealKafka

PARTITIONS, WORKERS = 4, 3
WITHIN = 60.0


@pytest.mark.real_kafka
def test_three_workers_end_a_feed_of_four_partitions(
    settings_for: SettingsMaker, tmp_path: Path, real_kafka: RealKafka
) -> None:
    (tmp_path / "cells.csv").write_text(CATALOGUE)
    path = settings_for(
        tmp_path,
        topics={"partitions": PARTITIONS},
        zones={"cells": tmp_path / "cells.csv", "layers": [{"name": layer, "column": layer} for layer in LAYERS]},
        stream={"seal_every": "1s"},
    )
    settings = load(path)
    topics.create(settings)
    workers = [Worker(path) for _ in range(WORKERS)]
    try:
        for worker in workers:
            worker.start()
        wait_until(
            lambda: all("foule_checkpoint_age_seconds{" in worker.metrics_text() for worker in workers),
            WITHIN,
            "every worker is there",
            workers,
        )
        feed = Feed(path, tmp_path / "feed.log", seed=1, events=5_000, seconds=3.0)
        try:
            sent = feed.finish(WITHIN)
        finally:
            feed.close()
        wait_until_released(settings, sent["watermark"], WITHIN, workers)
    finally:
        for worker in workers:
            worker.stop()
