"""The main job on a simulated festival, through the run's broker and Redis: what is released equals the oracle."""

import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import load
from foule.proof.checks import prove
from foule.proof.tallies import TallyLog
from simulator.geography import SETTINGS
from tests.conftest import SettingsMaker
from tests.e2e.results import locator, oracle_of
from tests.e2e.running import ROOT, Worker, foule, wait_until, wait_until_released
from zones import load as load_places

PEOPLE = "700"
SIMULATE = (sys.executable, "-m", "foule", "simulate")

DAY_AFTER = 1_404_093_600_000
"""30 June 2014 04:00 in Paris: the end of the last epoch of the festival."""


@pytest.fixture
def festival(tmp_path: Path, settings_for: SettingsMaker) -> Path:
    """A settings file for the festival on the run's servers, with its topics made."""
    given = load(SETTINGS)
    layers = [{"name": layer.name, "file": layer.file} for layer in given.zones.layers]
    path = settings_for(
        tmp_path,
        events={"not_before": "2014-06-27T00:00:00+02:00"},
        zones={"cells": given.zones.cells, "layers": layers},
        stream={"checkpoint_every": "3s", "seal_every": "1s"},
    )
    foule("topics", "--settings", path)
    return path


def assert_released_equals_the_oracle(path: Path) -> None:
    settings = load(path)
    places = load_places(settings.zones)
    expected = oracle_of(settings, locator(places))
    assert expected.read == expected.accepted + expected.late + expected.rejected.total()
    assert len(expected.released(settings.privacy.k)) > 100
    with TallyLog(settings) as tallies:
        tallies.read()
        proof = prove(settings, places.layers, expected, tallies)
    assert [check for check in proof.checks if not check.holds] == []


def test_one_worker_releases_what_the_oracle_counts(festival: Path) -> None:
    with Worker(festival) as worker:
        foule("simulate", "--settings", festival, "--people", PEOPLE, "--timestamps", "now")
        wait_until_released(load(festival), DAY_AFTER, 120, [worker])
        metrics = worker.metrics()
    assert_released_equals_the_oracle(festival)
    rejected = sum(value for name, value in metrics.items() if name.startswith("foule_records_rejected_total"))
    read = metrics["foule_records_read_total"]
    assert read == metrics["foule_records_accepted_total"] + metrics["foule_records_late_total"] + rejected > 0


def test_workers_that_are_killed_and_added_change_nothing(festival: Path) -> None:
    settings = load(festival)
    first, second, third = (Worker(festival) for _ in range(3))
    with second, third:
        first.start()
        sending = subprocess.Popen(
            [*SIMULATE, "--settings", festival, "--people", PEOPLE, "--timestamps", "now", "--speed", "8000"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: first.metrics()["foule_records_read_total"] > 10_000, 60, "10,000 records are read", [first])
        first.kill()
        assert sending.wait(120) == 0
        wait_until_released(settings, DAY_AFTER, 180, [second, third])
    assert_released_equals_the_oracle(festival)
