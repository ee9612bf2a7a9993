"""Shards for tests: the settings and places of a small universe, records as fetches, tallies as the oracle has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

import numpy as np

from anonymizer.keys import EpochKeys, KeyStore, MemoryKeyStore, Register
from config.errors import KeyStoreError
from config.sections import EventsSettings, OriginsSettings, PrivacySettings, TimeSettings, TopicsSettings
from config.settings import Duration, Settings
from foule.oracle.oracle import Cell, Parameters, Record, Tallies, WindowKey
from foule.proof.tallies import cell_name
from indicators.cells import Cells
from indicators.counts import Tally
from streams.fetch import Fetch
from streams.shard import Shard, ShardParts
from tests.crowds import Universe
from tests.everything import settings_of_indicators
from zones import OUTSIDE, Places


def settings_of(parameters: Parameters, partitions: int = 4) -> Settings:
    """The settings that say the same as the oracle's parameters; numbers have no errors."""
    return Settings(
        privacy=PrivacySettings(noise=0),
        topics=TopicsSettings(partitions=partitions),
        events=EventsSettings(
            **parameters.fields._asdict(),
            max_skew=Duration(parameters.max_skew),
            not_before=parameters.not_before,  # type: ignore[arg-type]
            not_after=parameters.not_after,  # type: ignore[arg-type]
            shuffle=parameters.shuffle,
        ),
        time=TimeSettings(
            zone=parameters.zone,
            day_start=parameters.day_start.strftime("%H:%M"),
            lateness=Duration(parameters.lateness),
            linger=Duration(parameters.linger),
            windows=tuple(Duration(width) for width in parameters.widths),
            epoch_days=parameters.epoch_days,
            epoch_start=parameters.epoch_start,
        ),
        indicators=settings_of_indicators(parameters),
        origins=OriginsSettings(home_mcc=parameters.home_mcc),
    )


def places_of(universe: Universe) -> Places:
    """The places of a universe's cells; every point lies outside."""
    layers = universe.zones
    zones = [
        [(*layer.ids, OUTSIDE).index(of_cell[layer.name]) for layer in layers] for of_cell in universe.cells.values()
    ]
    return Places(layers, list(universe.cells), np.array(zones, np.int32), [None] * len(layers), "small", ())


def parts_of(
    universe: Universe,
    store: KeyStore | None = None,
    partitions: int = 4,
    register: Register | None = None,
    settings: Settings | None = None,
) -> ShardParts:
    """What the shards of a universe share; without a store, the keys are in memory; without a register, never lost;
    ``settings``: other than those of the universe."""
    keys = EpochKeys(MemoryKeyStore() if store is None else store, 1000, lambda: 0, register)
    chosen = settings_of(universe.parameters, partitions) if settings is None else settings
    return ShardParts.of(chosen, places_of(universe), keys)


def fetch_of(partition: int, start: int, records: Sequence[Record], end: int | None = None) -> Fetch:
    """A fetch that covers the offsets from ``start`` to ``end`` (default: the last record's)."""
    last = records[-1].offset + 1 if records else start
    return Fetch(
        partition,
        start,
        last if end is None else end,
        [record.value for record in records],
        np.array([record.timestamp for record in records], np.int64),
        np.array([record.offset for record in records], np.int64),
    )


def as_oracle(tallies: Iterable[Tally], cells: Sequence[Cells]) -> Tallies:
    """Tallies in the oracle's form. A tally that comes again must be the same, for what is in the log is final.
    ``cells``: of each layer."""
    found: Tallies = {}
    for tally in tallies:
        named: dict[str, dict[Cell, int]] = {
            indicator: {cell_name(cells[tally.layer], indicator, cell): n for cell, n in counts.as_dict().items()}
            for indicator, counts in tally.counts.items()
        }
        key = WindowKey(cells[tally.layer].layer.name, tally.width, tally.start, tally.end)
        assert found.setdefault(key, named) == named
    return found


class FailingKeyStore(MemoryKeyStore):
    """A key store that fails the next ``failures`` times, and then with the probability ``often``."""

    def __init__(self, failures: int = 0, often: float = 0.0, seed: int = 0) -> None:
        super().__init__()
        self.failures = failures
        self._often, self._random = often, Random(seed)

    def shares_keys_of(self, other: MemoryKeyStore) -> None:
        """Have the keys that the other store has, and those that it will have."""
        self._keys = other._keys

    def get(self, epoch: str) -> bytes | None:
        """Fail with that probability, or do as a key store does."""
        if self._random.random() < self._often:
            raise KeyStoreError("the key store does not answer")
        return super().get(epoch)

    def put_if_absent(self, epoch: str, key: bytes, ttl_ms: int) -> bytes:
        """Fail, or do as a key store does."""
        self.failures -= 1
        if self.failures >= 0 or self._random.random() < self._often:
            raise KeyStoreError("the key store does not answer")
        return super().put_if_absent(epoch, key, ttl_ms)


def feed(shard: Shard, fetch: Fetch) -> Iterator[dict[int, str]]:
    """Give a shard a fetch until all of it is taken; gives the reason by offset of what each part rejected."""
    while shard.next_offset < fetch.end:
        try:
            parts = shard.take(fetch)
        except KeyStoreError:
            continue
        for part, taken in parts:
            yield {int(part.offsets[row]): reason for row, reason in taken.rejected}
        if shard.next_offset < fetch.end:
            fetch = fetch.since(shard.next_offset)
