"""A short run with faults on real servers: the long one is ``make chaos``."""

from pathlib import Path

import pytest

from tests.chaos.plan import WORDS
from tests.chaos.report import lines
from tests.chaos.run import Options, run
from tests.services.real_kafka import RealKafka
from tests.services.real_redis import RealRedis

SHORT = Options(seed=4, faults=7, events=150_000, workers=2, interval=8.0)


@pytest.mark.real_kafka
@pytest.mark.skipif(RealRedis.absent() is not None, reason=str(RealRedis.absent()))
def test_nothing_is_lost_and_nothing_counted_twice_whatever_is_killed(tmp_path: Path, real_kafka: RealKafka) -> None:
    report = run(SHORT, tmp_path, print)
    text = "\n".join(lines(report, WORDS))
    assert report.holds, text
    assert len(report.faults) >= 6
    assert report.windows > 700
    assert (report.lost, report.twice, report.coverage) == (0, 0, 1.0), text
