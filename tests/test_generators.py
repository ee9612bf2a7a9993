"""The generators make what they say: damage that is never good, and crowds that hit the boundaries."""

import json
from collections import Counter
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from kafka.partitioner.default import murmur2 as kafka_murmur2

from foule.oracle.days import Days
from foule.oracle.oracle import Parameters, Record, run
from foule.oracle.parameters import MINUTE, SECOND
from tests import generators
from tests.damage import crafted
from tests.generators import (
    SMALL,
    Crowd,
    Damaged,
    Seen,
    Universe,
    crowd,
    crowds,
    fuzz,
    interleave,
    partition_logs,
)

GOOD = b'{"ts":1403949600000,"subscriber":"a","cell":"c0"}'


def judge(values: list[Damaged], stamp: int) -> list[str]:
    log = [Record(offset, stamp, one.value) for offset, one in enumerate(values)]
    return list(run(Parameters(), {0: log}, {}, Universe(Parameters(), SMALL).locate).verdicts.values())


@pytest.mark.parametrize("seed", range(3))
def test_no_damaged_record_is_good_and_each_is_rejected_for_the_reason_told(seed: int) -> None:
    values = list(fuzz(seed, 20_000))
    assert len(values) == 20_000
    for stamp in (-1, generators.NOON):
        for one, verdict in zip(values, judge(values, stamp), strict=True):
            assert verdict not in ("accepted", "late")
            assert one.reason in (None, verdict), one


def test_damage_is_of_every_kind_and_the_same_for_the_same_seed() -> None:
    values = list(fuzz(7, 30_000))
    reasons = Counter(one.reason for one in values)
    assert min(reasons[reason] for reason in ("malformed", "missing_field", "bad_time", "unknown_cell", None)) > 500
    assert None in {one.value for one in values} and b"" in {one.value for one in values}
    assert any(one.value is not None and len(one.value) >= 1_000_000 for one in values)
    assert values == list(fuzz(7, 30_000)) != list(fuzz(8, 30_000))


def test_crafted_runs_fit_together_into_as_many_objects() -> None:
    fitting = 0
    for values in crafted(GOOD):
        for separator in (b",", b"\n", b""):
            try:
                objects = json.loads(b"[" + separator.join(values) + b"]")
            except ValueError:
                continue
            fitting += len(objects) == len(values) and all(isinstance(one, dict) for one in objects)
    assert fitting >= 6


def test_damage_between_good_records_changes_nothing_of_them() -> None:
    alone = crowd(3, events=300, devices=10, partitions=1)
    mixed = interleave(alone.logs[0], fuzz(3, 500), seed=3)
    result = run(alone.universe.parameters, {0: mixed}, {0: [(800, alone.advances[0][0][1])]}, alone.universe.locate)
    assert [record.offset for record in mixed] == list(range(800))
    assert result.rejected.total() == 500
    assert result.complete() == alone.expected().complete() != {}


@pytest.mark.parametrize("key", [b"", b"a", b"ab", b"abc", b"abcd", b"208011234567890", bytes(range(256))])
def test_the_partition_of_a_key_is_kafkas(key: bytes) -> None:
    assert generators.murmur2(key) == kafka_murmur2(key) & 0xFFFFFFFF


def test_all_records_of_a_subscriber_are_in_one_partition_in_the_order_sent() -> None:
    seen = [Seen(ts, f"device-{ts % 9}", "c0") for ts in range(90)]
    logs = partition_logs(seen, 4, first_offset=5)
    homes = [{json.loads(record.value or b"")["subscriber"] for record in log} for log in logs.values()]
    assert sum(map(len, homes)) == len(set[str]().union(*homes)) == 9
    for log in logs.values():
        assert [record.offset for record in log] == list(range(5, 5 + len(log)))
        times = [json.loads(record.value or b"")["ts"] for record in log]
        assert times == sorted(times)


def accepted_times(crowd: Crowd) -> dict[str, list[int]]:
    """Times of the accepted events of each subscriber, in order."""
    verdicts, times = crowd.expected().verdicts, dict[str, list[int]]()
    for partition, log in crowd.logs.items():
        for record in log:
            if verdicts[partition, record.offset] == "accepted" and record.value is not None:
                event = json.loads(record.value)
                times.setdefault(event["subscriber"], []).append(event["ts"])
    return {subscriber: sorted(found) for subscriber, found in times.items()}


def test_a_seeded_crowd_hits_boundaries_days_of_25_hours_and_the_watermark() -> None:
    found = crowd(1, events=4_000)
    result, parameters, days = found.expected(), found.universe.parameters, Days(found.universe.parameters)
    assert result.late > 20 and result.accepted > 3_000
    times = accepted_times(found)
    flat = [ts for device in times.values() for ts in device]
    assert sum(days.window(5 * MINUTE, ts).start == ts for ts in flat) > 100
    assert sum(days.epoch(ts).start == ts for ts in flat) > 5
    assert max(Counter(flat).values()) > 5
    gaps = Counter(b - a for device in times.values() for a, b in pairwise(device))
    assert min(gaps[parameters.linger + off] for off in (-1, 0, 1)) > 5
    lengths = {(key.end - key.start) / (60 * MINUTE) for key in result.complete() if key.width == 24 * 60 * MINUTE}
    assert lengths >= {24, 25}
    assert crowd(1, events=4_000) == found != crowd(2, events=4_000)


def test_a_seeded_crowd_has_records_exactly_at_the_watermark() -> None:
    found = crowd(2, events=4_000, stamped=False, partitions=1)
    watermark, hits = -1, Counter[int]()
    for record in found.logs[0]:
        ts = json.loads(record.value or b"")["ts"]
        hits[ts - watermark] += 1
        if ts > watermark:
            watermark = max(watermark, (ts - found.universe.parameters.lateness) // SECOND * SECOND)
    assert hits[0] > 3 and hits[SECOND] > 0


@given(crowds())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_drawn_crowds_keep_the_identity_of_visits_and_the_sum_of_records(crowd: Crowd) -> None:
    result = crowd.expected()
    assert result.read == result.accepted + result.late + result.rejected.total() == len(result.verdicts)
    for layer in crowd.universe.layers:
        for width in crowd.universe.parameters.widths:
            for figures in result.figures(layer, width).values():
                for zone in figures.open_at_start | figures.begun | figures.ended:
                    change = figures.begun[zone] - figures.ended[zone]
                    assert figures.open_at_end[zone] == figures.open_at_start[zone] + change


@given(crowds(damage=False))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_complete_does_not_change_with_what_comes_later(crowd: Crowd) -> None:
    for partition, log in crowd.logs.items():
        whole = run(crowd.universe.parameters, {0: log}, {0: crowd.advances[partition]}, crowd.universe.locate)
        for cut in range(1, len(log)):
            advances = [one for one in crowd.advances[partition] if one[0] <= log[cut].offset]
            part = run(crowd.universe.parameters, {0: log[:cut]}, {0: advances}, crowd.universe.locate)
            early = part.watermarks[0] or 0
            assert part.complete() == {key: value for key, value in whole.complete().items() if key.end <= early}


def test_the_catalogue_of_a_universe_leaves_the_zone_empty_where_there_is_none() -> None:
    universe = Universe(Parameters(epoch_start=date(2014, 1, 1)), SMALL)
    assert universe.catalogue().splitlines()[0] == "cell,spots,towns"
    assert universe.catalogue().splitlines()[-2:] == ["c4,,south", "c5,,"]
    assert universe.locate(None, 46.1, -1.1) == {"spots": "outside", "towns": "outside"}
    assert universe.locate("nowhere", None, None) is None
