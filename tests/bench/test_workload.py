"""The bench works on what it says: records of some 90 bytes, in time, with damage of every kind."""

from collections import Counter

import pytest

pytest.importorskip("psutil", reason="the extra bench is not installed")

from bench.__main__ import compare
from bench.figures import Figures
from bench.shard import fetches, shard_parts
from bench.workload import batches
from streams.decode import REASONS
from streams.shard import Shard


def figures(cpu_us_per_event: float) -> Figures:
    """A run of which only the processor time matters."""
    return Figures("any", 1_000, 1_000, cpu_us_per_event, 1)


def test_the_records_have_some_90_bytes_each() -> None:
    values = [value for batch in batches(20_000) for value in batch.values]
    assert len(values) == 20_000
    assert 85 < sum(map(len, values)) / len(values) < 95


def test_the_work_is_the_same_every_time() -> None:
    first, again = (next(batches(1_000)) for _ in range(2))
    assert first.values == again.values
    assert first.stamps.tolist() == again.stamps.tolist()


def test_a_share_is_damaged_in_every_way_and_the_rest_is_accepted() -> None:
    shard = Shard(0, shard_parts(2))
    rejected: Counter[str] = Counter()
    for fetch in fetches(40_000, 2_000, damaged=0.02):
        for _, taken in shard.take(fetch):
            rejected.update(reason for _, reason in taken.rejected)
    counted = shard.verdicts
    assert set(rejected) == set(REASONS) - {"machine"}
    assert counted.late == 0
    assert 0.01 < rejected.total() / counted.read < 0.03
    assert counted.accepted + rejected.total() == counted.read


@pytest.mark.parametrize(
    ("ours", "aiokafka", "faust", "ok"),
    [(2.0, 1.11, 121.0, True), (2.0, 1.09, 121.0, False), (2.0, 1.11, 119.0, False)],
)
def test_both_bars_must_be_reached(ours: float, aiokafka: float, faust: float, ok: bool) -> None:
    assert compare(figures(ours), figures(aiokafka), figures(faust))["ok"] is ok


def test_figures_are_read_back_from_their_line() -> None:
    run = Figures.of("foule", 3_000_000, 10.0, 6.0, 200.4, {"late": 1})
    assert run.line() == (
        '{"system":"foule","events":3000000,"events_per_s":300000,"cpu_us_per_event":2.0,"peak_mb":200,'
        '"counted":{"late":1}}'
    )
    assert Figures.parse(run.line()) == run
