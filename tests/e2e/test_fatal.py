"""The worker ends when a part of it fails: what that was about to send would be lost if it went on."""

import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaProducer

from config.settings import load
from streams import topics
from tests.conftest import SettingsMaker
from tests.e2e.running import ROOT

WITHIN = 60.0

FAILING = """
import sys
from streams.crowd import CrowdAgent
from streams.releaser import ReleaseAgent
from foule.cli import main

async def fail(*arguments):
    raise RuntimeError("a test wants it so")

{method} = fail
sys.argv = ["foule", "worker", "--settings", sys.argv[1]]
main()
"""


@pytest.mark.parametrize("method", ["CrowdAgent.take", "CrowdAgent.advance", "CrowdAgent.seal", "ReleaseAgent.take"])
def test_an_agent_or_a_timer_that_fails_ends_the_worker_with_an_error(
    settings_for: SettingsMaker, tmp_path: Path, method: str
) -> None:
    (tmp_path / "cells.csv").write_text("cell,zone\nc0,beach\n")
    zones = {"cells": tmp_path / "cells.csv", "layers": [{"name": "spots", "column": "zone"}]}
    path = settings_for(tmp_path, topics={"partitions": 1}, zones=zones, stream={"seal_every": "1s"})
    settings = load(path)
    topics.create(settings)
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
    for topic in (settings.topics.events, settings.topics.frontier, settings.topics.tallies):
        producer.send(topic, value=b"x", partition=0)
    producer.send(settings.topics.checkpoints, key=b"x", value=b"x")  # where tallies are there are changelogs, too
    producer.close()
    command = [sys.executable, "-c", FAILING.format(method=method), str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=WITHIN)
    assert done.returncode == 1
    assert "RuntimeError: a test wants it so" in done.stderr
