"""The main job on a simulated festival, through the run's broker and Redis: what is released equals the oracle."""

from pathlib import Path

import pytest

from config.settings import load
from foule.oracle.oracle import Keys
from tests.conftest import SettingsMaker
from tests.e2e.festival import DAY_AFTER, OF_DAYS, assert_released_equals_the_oracle, festival_settings
from tests.e2e.running import Feed, Worker, foule, wait_until, wait_until_released

PEOPLE = 700


@pytest.fixture
def festival(tmp_path: Path, settings_for: SettingsMaker) -> Path:
    """A settings file for the festival on the run's servers, with its topics made."""
    return festival_settings(tmp_path, settings_for)


def test_one_worker_releases_what_the_oracle_counts(festival: Path, keys: Keys) -> None:
    with Worker(festival) as worker:
        foule("simulate", "--settings", festival, "--people", str(PEOPLE))
        wait_until_released(load(festival), DAY_AFTER, 120, [worker])
        metrics = worker.metrics()
    assert_released_equals_the_oracle(festival, keys)
    rejected = sum(value for name, value in metrics.items() if name.startswith("foule_records_rejected_total"))
    read = metrics["foule_records_read_total"]
    assert read == metrics["foule_records_accepted_total"] + metrics["foule_records_late_total"] + rejected > 0


@pytest.mark.parametrize("of_days", [False, True], ids=["an epoch a day", "an epoch of both days"])
def test_workers_that_are_killed_and_added_change_nothing(
    of_days: bool, tmp_path: Path, settings_for: SettingsMaker, keys: Keys
) -> None:
    several = {"time": {"epoch_days": 2}, "indicators": OF_DAYS} if of_days else {}
    festival = festival_settings(tmp_path, settings_for, **several)
    settings = load(festival)
    first, second, third = (Worker(festival) for _ in range(3))
    with second, third:
        first.start()
        with Feed(festival, people=PEOPLE, speed=8000) as feed:
            wait_until(lambda: first.metrics()["foule_records_read_total"] > 10_000, 60, "10,000 are read", [first])
            first.kill()
            feed.wait(120)
        wait_until_released(settings, DAY_AFTER, 180, [second, third])
    assert_released_equals_the_oracle(festival, keys)
