"""The stream of records: reproducible, in order of arrival, damaged at the set rate."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import SettingsError
from config.settings import load
from foule.oracle.events import read_event
from foule.oracle.parameters import Parameters
from simulator.damage import FAULTS
from simulator.geography import SETTINGS
from simulator.network import Radio
from simulator.population import Phone
from simulator.programme import END, EVENING, HOUR, MINUTE, START
from simulator.stream import Batch, Festival

LATENESS = 2 * MINUTE
TODAY = 1_790_000_000_000
PARAMETERS = Parameters.of(load(SETTINGS, {}))


def evening(seed: int = 11, people: int = 800, radio: Radio | None = None) -> list[Batch]:
    """Two hours of batches."""
    return list(Festival(seed, people, EVENING, EVENING + 2 * HOUR, radio).batches())


def reason(value: bytes, cells: frozenset[str], timestamp: int = TODAY) -> str:
    """Why foule must reject this record under this Kafka timestamp, "" if it is good: the oracle's rules."""
    event = read_event(PARAMETERS, value, timestamp)
    if isinstance(event, str):
        return event
    return "" if event.cell in cells else "unknown_cell"


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Keys, values and arrivals."""
    for one, other in zip(evening(), evening(), strict=True):
        assert one.keys == other.keys
        assert one.values == other.values
        assert np.array_equal(one.arrival_ms, other.arrival_ms)


def test_another_seed_gives_other_bytes() -> None:
    """Another crowd on another weekend."""
    assert evening(11)[0].values != evening(12)[0].values


def test_one_festival_can_be_streamed_twice() -> None:
    """Each time from the beginning."""
    festival = Festival(1, 200, EVENING, EVENING + HOUR)
    assert [batch.values for batch in festival.batches()] == [batch.values for batch in festival.batches()]


def test_the_radio_does_not_change_who_was_where() -> None:
    """Only what is seen of it."""
    quiet = Festival(1, 300, radio=Radio(interval=60.0))
    lively = Festival(1, 300, radio=Radio(interval=2.0))
    assert np.array_equal(quiet.positions, lively.positions)


def test_the_span_does_not_change_who_was_where() -> None:
    """The weekend is the same, whatever part of it is streamed."""
    assert np.array_equal(Festival(1, 300).positions, Festival(1, 300, EVENING, EVENING + HOUR).positions)


def test_records_come_in_order_of_arrival_over_all_batches() -> None:
    """Never a step back."""
    arrival = np.concatenate([batch.arrival_ms for batch in evening()])
    assert np.all(np.diff(arrival) >= 0)


def test_event_times_are_out_of_order_within_the_lateness_and_a_few_beyond() -> None:
    """What a lateness of two minutes makes late is a small share, and not none."""
    watermark, late, read = 0, 0, 0
    cells = frozenset(Festival(people=1).geography.cells)
    for batch in evening(people=2_000):
        for value in batch.values:
            if reason(value, cells):
                continue
            ts = json.loads(value)["ts"]
            read += 1
            late += ts <= watermark
            watermark = max(watermark, (ts - LATENESS) // 1000 * 1000)
    assert 0 < late / read < 0.006


def test_the_key_is_the_subscriber() -> None:
    """Hence one subscriber's records are in one partition."""
    for batch in evening(radio=Radio(damage=0.0)):
        assert batch.arrival_ms.size == len(batch.keys) == len(batch.values)
        for key, value in zip(batch.keys, batch.values, strict=True):
            assert json.loads(value)["subscriber"].encode() == key


def test_a_sound_record_has_the_fields_of_the_contract() -> None:
    """Time, subscriber, cell, country, technology; a departement for French contracts."""
    festival = Festival(11, 800, EVENING, EVENING + 2 * HOUR, Radio(damage=0.0))
    person = {subscriber: row for row, subscriber in enumerate(festival.population.subscriber)}
    for batch in festival.batches():
        for key, value in zip(batch.keys, batch.values, strict=True):
            record = json.loads(value)
            row = person[key]
            assert festival.start <= record.pop("ts") < festival.end
            assert record.pop("cell") in festival.geography.cells
            assert record.pop("subscriber") == key.decode()
            assert record.pop("mcc") == festival.population.mcc[row]
            assert record.pop("rat") == festival.population.rat[row]
            assert record.pop("home", "") == festival.population.home[row]
            assert record == {}
            assert festival.population.phone[row] == Phone.ON


def test_the_share_of_damage_is_near_the_set_rate_and_of_every_reason() -> None:
    """Every fault shows under the reason that it declares, since the order of the checks is the same."""
    cells = frozenset(Festival(people=1).geography.cells)
    reasons: Counter[str] = Counter()
    for batch in evening(people=2_000, radio=Radio(damage=0.05)):
        reasons.update(reason(value, cells) for value in batch.values)
    damaged = {name: count for name, count in reasons.items() if name}
    assert sum(damaged.values()) / reasons.total() == pytest.approx(0.05, abs=0.007)
    assert set(damaged) == {fault.reason for fault in FAULTS}


def test_no_damage_when_none_is_asked_for() -> None:
    """Every record is good."""
    cells = frozenset(Festival(people=1).geography.cells)
    for batch in evening(radio=Radio(damage=0.0)):
        assert not any(reason(value, cells) for value in batch.values)


@given(ts=st.integers(START, END - 1), subscriber=st.integers(0, 10**10 - 1))
def test_each_fault_is_rejected_for_the_reason_that_it_declares(ts: int, subscriber: int) -> None:
    """At any time of the festival, stamped by Kafka then or today; on one line."""
    cells = frozenset({"20801-4171-1207"})
    for fault in FAULTS:
        value = fault.make(ts, b"20801%010d" % subscriber, b"20801-4171-1207")
        assert reason(value, cells, TODAY) == fault.reason
        assert reason(value, cells, ts) == fault.reason
        assert b"\n" not in value


def test_the_repr_of_a_batch_shows_no_record() -> None:
    """They hold subscribers."""
    batch = evening()[0]
    assert repr(batch) == f"Batch({len(batch.keys)} records)"


def test_arguments_out_of_range_are_all_named() -> None:
    """With what is expected."""
    with pytest.raises(SettingsError) as caught:
        Festival(seed=-1, people=0, start=START + 1, end=START)
    assert [problem.split(":")[1].split(" = ")[0].strip() for problem in caught.value.problems] == [
        "seed",
        "people",
        "start",
        "start",
    ]
