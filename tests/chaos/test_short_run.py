"""A short run with faults on real servers, as a process of its own; the long one is ``make chaos``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.stage import ROOT
from tests.conftest import REQUIRE_REAL
from tests.services.real_redis import RealRedis

FAULTS = 7
SHORT = {"seed": 4, "faults": FAULTS, "events": 150_000, "workers": 2, "interval": 8}
WITHIN = 600.0


@pytest.mark.real_kafka
@pytest.mark.skipif(bool(RealRedis.absent()) and not REQUIRE_REAL, reason=str(RealRedis.absent()))
def test_nothing_is_lost_and_nothing_counted_twice_whatever_is_killed(tmp_path: Path) -> None:
    options = [text for name, value in SHORT.items() for text in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "tests.chaos", *options, "--json", str(tmp_path / "report.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=WITHIN)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["holds"]
    assert len(report["faults"]) == FAULTS
    assert report["events"] == SHORT["events"]
    assert report["windows"] > 700
    assert (report["lost"], report["twice"], report["coverage"]) == (0, 0, 1.0)
