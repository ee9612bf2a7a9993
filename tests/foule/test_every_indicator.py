"""Every indicator of the festival, counted by the core, equals the oracle: raw tallies and released numbers."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import pytest

import zones
from anonymizer.gate import Publication
from config.sections import IndicatorsSettings, PrivacySettings, TimeSettings
from config.settings import Settings, load
from config.times import DAY, HOUR, Duration
from foule.core import Closed, Core
from foule.oracle.oracle import Parameters, Record, Result, Rules, Tallies, final_advances, run
from foule.partitioner import Partitioner
from foule.proof.logs import locator
from indicators.cells import SHAPES
from simulator.geography import SETTINGS
from simulator.stream import Festival
from sinks.kafka import records
from tests.cells import KnownKeys
from tests.e2e.results import released_of_values
from tests.streams.shards import as_oracle

PEOPLE = 400
_WIDTHS = (Duration(HOUR), Duration(DAY))
OF_ONE_DAY = IndicatorsSettings(
    dwell=_WIDTHS, origins=_WIDTHS, nights=True, categories=True, catchment=True, trips=True
)
OF_DAYS = msgspec.structs.replace(
    OF_ONE_DAY, recurrence=True, sojourns=True, usual=True, usual_nights=1, habitual_days=1
)


@dataclass(frozen=True)
class Counted:
    """What the core and the oracle make of the same festival."""

    settings: Settings
    core: Core
    closed: list[Closed]
    released: list[Publication]
    oracle: Result

    @property
    def published(self) -> Tallies:
        """What the core released, as the oracle writes it."""
        values = [msgspec.json.decode(record.value) for one in self.released for record in records(one)]
        return released_of_values(self.settings, values)


def counted(indicators: IndicatorsSettings, epoch_days: int) -> Counted:
    """The festival with its damage, in pieces as it comes."""
    festival_settings = load(SETTINGS)
    clock: TimeSettings = msgspec.structs.replace(festival_settings.time, epoch_days=epoch_days)
    settings = msgspec.structs.replace(
        festival_settings, indicators=indicators, time=clock, privacy=PrivacySettings(k=10)
    )
    places, store = zones.load(settings.zones), KnownKeys()
    core = Core(settings, places, store, lambda: 0)
    partitioner = Partitioner(settings.topics.partitions)
    logs: dict[int, list[Record]] = {partition: [] for partition in range(settings.topics.partitions)}
    closed: list[Closed] = []
    released: list[Publication] = []
    for batch in Festival(people=PEOPLE).batches():
        partitions = partitioner.of(batch.keys)
        for partition in range(settings.topics.partitions):
            rows = np.flatnonzero(partitions == partition)
            values, stamps = [batch.values[row] for row in rows.tolist()], batch.arrival_ms[rows]
            for value, stamp in zip(values, stamps.tolist(), strict=True):
                logs[partition].append(Record(len(logs[partition]), stamp, value))
            now = core.take(partition, values, stamps)
            closed += now
            released += core.release(now)
    last = core.finish()
    closed, released = closed + last, released + core.release(last)
    parameters, locate = Parameters.of(settings), locator(places)
    advances = final_advances(parameters, logs, locate)
    oracle = run(parameters, logs, advances, locate, store.known, places.layers)
    return Counted(settings, core, closed, released, oracle)


@pytest.mark.parametrize(("indicators", "epoch_days"), [(OF_ONE_DAY, 1), (OF_DAYS, 2)])
def test_raw_tallies_and_released_numbers_equal_the_oracle(indicators: IndicatorsSettings, epoch_days: int) -> None:
    both = counted(indicators, epoch_days)
    for partition, expected in both.oracle.by_shard.items():
        mine = [tally for shard, tally in both.closed if shard == partition]
        assert as_oracle(mine, both.core.cells) == expected
    released = both.oracle.released(Rules.of(both.settings, both.core.layers))
    assert both.published == released
    named = {indicator for numbers in released.values() for indicator in numbers}
    of_days = set() if epoch_days > 1 else {"recurrence", "sojourns", "usual"}
    assert named == SHAPES.keys() - of_days
