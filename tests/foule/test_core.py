"""The core without Kafka counts as the oracle does, however its input is cut, and forgets the keys it made."""

from dataclasses import replace
from random import Random

import msgspec
import numpy as np
import pytest

from anonymizer.gate import Publication
from anonymizer.keys import MemoryKeyStore
from config.sections import PrivacySettings
from config.settings import Settings
from foule.core import Closed, Core
from foule.oracle.oracle import Parameters, Rules, Tallies
from foule.oracle.parameters import DAY, HOUR, MINUTE
from foule.oracle.result import ALL, Result, add
from sinks.kafka import records
from tests.cells import KEY, KnownKeys
from tests.crowds import SMALL, Crowd, Seen, Universe, partition_logs
from tests.damage import NOON
from tests.e2e.results import released_of_values
from tests.everything import with_every_indicator
from tests.generators import crowd
from tests.streams.shards import as_oracle, places_of, settings_of

K = 10
OF_DAYS = Parameters(widths=(HOUR, DAY), epoch_days=2)


class SameKeys(MemoryKeyStore):
    """A key store in which every epoch has the same key."""

    def put_if_absent(self, label: str, key: bytes, ttl_ms: int) -> bytes:
        return super().put_if_absent(label, KEY, ttl_ms)


def settings_for_crowd(crowd: Crowd) -> Settings:
    settings = settings_of(crowd.universe.parameters)
    topics = msgspec.structs.replace(settings.topics, partitions=len(crowd.logs))
    return msgspec.structs.replace(settings, privacy=PrivacySettings(k=K), topics=topics)


def counted(crowd: Crowd, store: MemoryKeyStore, seed: int = 0) -> tuple[Core, list[Closed], list[Publication]]:
    """Give the crowd's logs to a core in random pieces, and end the feed."""
    core = Core(settings_for_crowd(crowd), places_of(crowd.universe), store, lambda: 0)
    random, done = Random(seed), dict.fromkeys(crowd.logs, 0)
    closed: list[Closed] = []
    released: list[Publication] = []
    while left := [partition for partition, log in crowd.logs.items() if done[partition] < len(log)]:
        partition = random.choice(left)
        piece = crowd.logs[partition][done[partition] : done[partition] + random.choice([1, 100, 3000])]
        done[partition] += len(piece)
        stamps = np.array([record.timestamp for record in piece], np.int64)
        now = core.take(partition, [record.value for record in piece], stamps)
        released += core.release(now)
        closed += now
    last = core.finish()
    return core, closed + last, released + core.release(last)


def nested(some: Crowd) -> Crowd:
    """The same crowd with a layer besides, of regions that hold up to four spots each."""
    cells = {
        cell: {**zones, "regions": f"r{number // 12}"}
        for number, (cell, zones) in enumerate(some.universe.cells.items())
    }
    return replace(some, universe=replace(some.universe, cells=cells, within={"spots": "regions"}))


def released_by(crowd: Crowd, expected: Result) -> Tallies:
    """What the oracle says may be published."""
    return expected.released(Rules.of(settings_for_crowd(crowd), crowd.universe.zones))


def published(crowd: Crowd, released: list[Publication]) -> Tallies:
    values = [msgspec.json.decode(record.value) for publication in released for record in records(publication)]
    return released_of_values(settings_for_crowd(crowd), values)


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize(
    "parameters",
    [
        Parameters(),
        with_every_indicator(Parameters(widths=(HOUR, DAY)), trip_stay=0, night_stay=MINUTE),
        with_every_indicator(OF_DAYS, trip_stay=0, night_stay=MINUTE, usual_nights=1, habitual_days=1),
    ],
    ids=["presence and flows", "of a day", "of two days"],
)
def test_raw_tallies_and_released_cells_equal_the_oracle(parameters: Parameters, stamped: bool) -> None:
    some = nested(crowd(7, events=6_000, parameters=parameters, stamped=stamped))
    store = KnownKeys()
    core, closed, released = counted(some, store)
    expected = some.expected(store.known)
    for partition in some.logs:
        mine = [tally for shard, tally in closed if shard == partition]
        assert as_oracle(mine, core.cells) == expected.by_shard[partition]
    may_be = released_by(some, expected)
    assert published(some, released) == may_be != {}
    assert {name for counts in may_be.values() for name in counts} >= set(core.cells[0].counted(parameters.widths[-1]))
    summary = core.summary()
    assert (summary["read"], summary["accepted"], summary["late"]) == (expected.read, expected.accepted, expected.late)
    assert expected.late > 0
    assert summary["rejected"] == dict(expected.rejected)
    assert summary["windows"] == len(may_be)


def test_a_shuffled_feed_has_the_released_numbers_and_the_summary_of_the_oracle() -> None:
    some = nested(crowd(12, events=4_000, parameters=with_every_indicator(replace(OF_DAYS, shuffle=True))))
    store = KnownKeys()
    core, closed, released = counted(some, store)
    expected = some.expected(store.known)
    shards = {
        shard: as_oracle([tally for at, tally in closed if at == shard], core.cells)
        for shard in {at for at, _ in closed}
    }
    assert len(shards) == len(some.logs)
    assert add(shards.values()) == expected.by_shard[ALL]
    assert published(some, released) == released_by(some, expected) != {}
    summary = core.summary()
    assert (summary["read"], summary["accepted"], summary["late"]) == (expected.read, expected.accepted, expected.late)


def test_what_is_released_does_not_depend_on_how_the_input_is_cut() -> None:
    some = crowd(8, events=4_000, parameters=with_every_indicator(OF_DAYS))
    first, second = (counted(some, SameKeys(), seed)[2] for seed in (1, 2))
    in_any_order = [sorted(each.window.to_bytes() for each in released) for released in (first, second)]
    assert in_any_order[0] == in_any_order[1] != []


def test_records_are_shared_out_in_the_order_in_which_they_are_fed() -> None:
    some = crowd(9, events=1_000)
    store = KnownKeys()
    rows = [(partition, record) for partition, log in some.logs.items() for record in log]
    core = Core(settings_for_crowd(some), places_of(some.universe), store, lambda: 0)
    fed = core.feed(
        np.array([partition for partition, _ in rows], np.int32),
        [record.value for _, record in rows],
        np.array([record.timestamp for _, record in rows], np.int64),
    )
    fed += core.release(core.finish())
    assert published(some, fed) == released_by(some, some.expected(store.known)) != {}


def test_the_key_of_an_epoch_is_destroyed_once_its_windows_are_released() -> None:
    seen = [Seen(NOON + day * DAY, f"device-{device}", "c0") for day in range(3) for device in range(20)]
    some = Crowd(Universe(Parameters(), SMALL), partition_logs(seen, 2))
    store = MemoryKeyStore()
    core = Core(settings_for_crowd(some), places_of(some.universe), store, lambda: 0)
    for partition, log in some.logs.items():
        stamps = np.array([record.timestamp for record in log], np.int64)
        core.release(core.take(partition, [record.value for record in log], stamps))
    assert repr(store) == "MemoryKeyStore(1 keys)"  # that of the third day
    core.release(core.finish())
    assert repr(store) == "MemoryKeyStore(0 keys)"


def test_a_feed_without_an_accepted_event_has_no_end_and_releases_nothing() -> None:
    empty = replace(crowd(11, events=1, parameters=Parameters(widths=(MINUTE,))), logs={0: []}, advances={})
    core, closed, released = counted(empty, MemoryKeyStore())
    assert (core.end, closed, released) == (None, [], [])
    assert core.summary() == {"read": 0, "accepted": 0, "late": 0, "rejected": {}, "windows": 0}
