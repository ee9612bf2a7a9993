"""The crowd of a run: the same for the same seed, unequal, in disorder, damaged now and then, over an epoch's end."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from config.settings import Settings
from foule.oracle.oracle import Parameters, Record, Result, Rules, run
from foule.oracle.parameters import HOUR
from foule.partitioner import Partitioner
from indicators.calendar import Calendar
from tests.chaos.crowd import SPAN, START, ChaosCrowd
from tests.generators import crowd

EVENTS, PARTITIONS = 20_000, 4


def partitions_and_due(seed: int) -> tuple[list[int], NDArray[np.float64], list[bytes]]:
    batches = list(ChaosCrowd(seed, EVENTS, PARTITIONS).batches())
    keys = [key for batch in batches for key in batch.keys]
    due = np.concatenate([batch.due for batch in batches])
    return Partitioner(PARTITIONS).of(keys).tolist(), due, [value for batch in batches for value in batch.values]


def oracle(seed: int) -> Result:
    partitions, _, values = partitions_and_due(seed)
    logs: dict[int, list[Record]] = {partition: [] for partition in range(PARTITIONS)}
    for partition, value in zip(partitions, values, strict=True):
        logs[partition].append(Record(len(logs[partition]), -1, value))
    advances = {partition: [(len(log), START + SPAN + 6 * HOUR)] for partition, log in logs.items()}
    return run(Parameters(), logs, advances, crowd(1, events=1).universe.locate)


def test_the_same_seed_gives_the_same_records() -> None:
    assert partitions_and_due(5)[2] == partitions_and_due(5)[2] != partitions_and_due(6)[2]


def test_partitions_have_unequal_rates_and_two_fall_silent() -> None:
    partitions, due, values = partitions_and_due(5)
    assert len(values) == EVENTS
    assert (np.diff(due) >= 0).all()
    sent = Counter(partitions)
    assert min(sent.values()) * 2 < max(sent.values())
    slowest = min(sent, key=lambda partition: sent[partition])
    times = due[np.array(partitions) == slowest]
    assert not ((times > 0.36) & (times < 0.59)).any()
    assert (times > 0.6).any()


def test_some_records_are_late_some_damaged_and_many_windows_have_something_to_publish() -> None:
    found = oracle(5)
    assert found.read == EVENTS
    assert found.late > EVENTS / 100
    assert {"malformed", "missing_field", "unknown_cell"} <= set(found.rejected)
    assert sum(window.width == HOUR for window in found.released(Rules(10, 0))) > 40


def test_an_epoch_ends_within_the_crowd() -> None:
    calendar = Calendar.of(Settings().time)
    assert calendar.epoch_of(START).number + 1 == calendar.epoch_of(START + SPAN).number
