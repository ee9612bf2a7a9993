"""The longer benches count and judge right: bars, samples of memory, looks at workers, partitions of unequal length."""

import json
from collections import Counter
from itertools import chain

import numpy as np
import pytest

from foule.oracle.oracle import Rules

pytest.importorskip("psutil", reason="the extra bench is not installed")

from bench import workload
from bench.backlog import SHARES, Sample, backlog, curve, growth
from bench.partition_oracle import merged
from bench.scaling import Look, apart
from bench.snapshot import measure
from bench.verdict import Bar, verdict
from foule.oracle.oracle import Parameters, Result, WindowKey

WINDOW = WindowKey("zone", 300_000, 0, 300_000)


@pytest.mark.parametrize(
    ("measured", "others", "ok"),
    [
        (9.9, {}, True),
        (10.0, {}, True),
        (10.1, {}, False),
        (9.9, {"equal": True}, True),
        (9.9, {"equal": False}, False),
    ],
)
def test_a_verdict_needs_every_bar_and_all_else(
    measured: float, others: dict[str, bool], ok: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict("some", {"seconds": Bar(measured, 10.0), "others": Bar(0.0, 1.0)}, **others) is ok
    printed = json.loads(capsys.readouterr().out)
    assert printed["verdict"] == ("reached" if ok else "missed")
    assert printed["seconds"] == {"measured": measured, "at_most": 10.0}


def test_memory_is_held_against_what_it_is_after_a_tenth() -> None:
    flat = [Sample(0, 50), Sample(90, 170), Sample(100, 200), Sample(600, 240), Sample(1_000, 220)]
    assert growth(flat) == 1.2
    assert growth([*flat, Sample(1_000, 400)]) == 2.0  # also what comes after the last record counts
    assert curve(flat) == [200, 200, 0, 0, 0, 240, 240, 0, 0, 220]


def test_only_what_was_used_and_read_between_two_looks_makes_the_cost() -> None:
    assert Look(9.0, 2_000_000).per_event(Look(5.0, 400_000)) == pytest.approx(2.5)
    assert apart([2.0, 2.5, 2.2]) == 1.25


def test_the_partitions_of_a_backlog_are_unequal_and_span_the_same_day() -> None:
    shares = {partition: list(batches) for partition, batches in backlog(100_000).items()}
    lengths = [sum(len(batch.values) for batch in batches) for batches in shares.values()]
    assert lengths == [int(share * 100_000) for share in SHARES]
    for batches in shares.values():
        stamps = np.concatenate([batch.stamps for batch in batches])
        assert 0 <= stamps[0] - workload.BEGIN < 60_000
        assert 0 < workload.BEGIN + 24 * 3_600_000 - stamps[-1] < 60_000


def test_no_device_of_a_backlog_is_in_two_partitions() -> None:
    devices = [
        set(chain.from_iterable(batch.subscribers.tolist() for batch in batches))
        for batches in backlog(50_000).values()
    ]
    assert sum(map(len, devices)) == len(set.union(*devices))


def test_everyone_is_seen_before_anyone_is_seen_again() -> None:
    batches = list(workload.batches(120_000, subscribers=range(500, 70_500), all_seen=True))
    seen = np.concatenate([batch.subscribers for batch in batches])
    assert seen[:70_000].tolist() == list(range(500, 70_500))
    assert set(seen[70_000:].tolist()) <= set(range(500, 70_500))
    assert [key for batch in batches for key in batch.keys] == [workload.key_of(each) for each in seen.tolist()]


def test_results_on_different_partitions_add_up() -> None:
    of_two = [
        Result(
            Parameters(),
            read=10 + partition,
            accepted=7 + partition,
            late=2,
            rejected=Counter(future=1),
            watermarks={partition: 600_000},
            by_shard={partition: {WINDOW: {"presence": {"z1": 30 + partition}}}},
        )
        for partition in range(2)
    ]
    both = merged(*of_two)
    assert (both.read, both.accepted, both.late, both.rejected) == (21, 15, 4, Counter(future=2))
    assert both.released(Rules(20, 0)) == {WINDOW: {"presence": {"z1": 61}}}


async def test_a_snapshot_is_measured_while_the_loop_runs_on() -> None:
    found = await measure(layers=2, devices=2_000, events=5_000, rounds=2)
    assert 1_900 < found["devices"] <= 2_000
    assert found["cpu_s"] > 0 and found["stall_ms"] > 0 and found["megabytes"] > 0
