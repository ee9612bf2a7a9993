"""A small feed through the real core, and all bytes that it leaves behind while its epoch is open and after it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec
import numpy as np

from anonymizer.cipher import Cipher
from anonymizer.gate import Publication
from anonymizer.keys import MemoryKeyStore
from anonymizer.pseudonyms import Pseudonymiser
from config.sections import PrivacySettings
from config.settings import Settings
from foule.core import Core
from foule.oracle.parameters import Parameters
from foule.partitioner import Partitioner
from streams import wire
from tests.crowds import SMALL, Universe
from tests.streams.shards import places_of, settings_of
from zones import Places

MINUTE = 60_000
BEGIN = 1_403_942_400_000
"""28 June 2014, 10:00 in Paris."""

#: A list of telephone numbers to try: 06 and eight digits, of which a block is used here.
BLOCK = 1_000_000
WHOLE_SPACE = 100_000_000


class Event(NamedTuple):
    """Where a device is seen: ``minute`` since :data:`BEGIN`."""

    minute: float
    subscriber: str
    cell: str


class Feed(NamedTuple):
    """Events in order of time, and what the core needs to count them."""

    events: Sequence[Event]
    settings: Settings
    places: Places


class LoggedCore(Core):
    """The core, with all that it would write to ``foule.tallies``, as bytes."""

    def __init__(self, settings: Settings, places: Places, store: MemoryKeyStore) -> None:
        self.log: list[bytes] = []
        super().__init__(settings, places, store, lambda: BEGIN)

    def _append(self, message: wire.Message) -> Publication | None:
        self.log.append(wire.encode(message))
        return super()._append(message)


class Left(NamedTuple):
    """What a run leaves: the ``log``, each shard's snapshot in the middle of the epoch, what was published and in which
    step of the feed, the keys while the epoch was open, and what the key store holds at the end."""

    log: list[bytes]
    snapshots: list[bytes]
    published: list[Publication]
    steps: list[int]
    keys: dict[str, bytes]
    afterwards: dict[str, bytes]

    @property
    def ciphers(self) -> dict[str, Cipher]:
        """By the key's id, what opens the log; for scoring only."""
        return {Pseudonymiser(key, label).key_id: Cipher(key) for label, key in self.keys.items()}


def number(suffix: int) -> str:
    """A telephone number of the space that is searched."""
    return f"336{suffix:08d}"


def crowd(devices: int, seed: int, minutes: int = 60, cells_used: int = 4) -> list[Event]:
    """``devices`` with numbers of the first block, each seen every four minutes in one of the first cells."""
    rng = np.random.default_rng([seed, 2])
    suffixes = rng.choice(BLOCK, devices, replace=False).tolist()
    cells = rng.integers(0, cells_used, devices)
    events = []
    for minute in range(0, minutes, 4):
        moved = rng.random(devices) < 0.1
        cells[moved] = rng.integers(0, cells_used, int(moved.sum()))
        at = minute + 4 * rng.random(devices)
        events += [Event(float(at[row]), number(suffixes[row]), f"c{cells[row]}") for row in range(devices)]
    return sorted(events)


def feed(events: Sequence[Event], partitions: int = 2) -> Feed:
    """The feed of these events, under the settings of a small universe."""
    universe = Universe(Parameters(), SMALL)
    settings = msgspec.structs.replace(settings_of(universe.parameters, partitions), privacy=PrivacySettings())
    return Feed(sorted(events), settings, places_of(universe))


def play(given: Feed, store: MemoryKeyStore | None = None, *, every: float = 5.0) -> Left:
    """Let the core count a feed to the end of its epoch, the events of ``every`` so many minutes at a time."""
    keys = MemoryKeyStore() if store is None else store
    core = LoggedCore(given.settings, given.places, keys)
    partitioner = Partitioner(given.settings.topics.partitions)
    published: list[Publication] = []
    snapshots: list[bytes] = []
    held: dict[str, bytes] = {}
    steps: list[int] = []
    pieces = _pieces(given.events, every)
    for step, some in enumerate(pieces):
        values = [
            b'{"ts":%d,"subscriber":"%s","cell":"%s"}'
            % (BEGIN + round(one.minute * MINUTE), one.subscriber.encode(), one.cell.encode())
            for one in some
        ]
        partitions = partitioner.of([one.subscriber.encode() for one in some])
        released = core.feed(partitions, values, np.full(len(values), -1, np.int64))
        published += released
        steps += [step] * len(released)
        if step == len(pieces) // 2:
            snapshots = [shard.snapshot().encode() for shard in core.shards]
            held = dict(keys._keys)
    released = core.release(core.finish())
    return Left(
        core.log, snapshots, published + released, steps + [len(pieces)] * len(released), held, dict(keys._keys)
    )


def _pieces(events: Sequence[Event], every: float) -> list[list[Event]]:
    """The events in the order in which they are sent; a piece ends when the next event is in a later step."""
    pieces: list[list[Event]] = []
    for _, some in groupby(events, key=lambda one: int(one.minute / every)):
        pieces.append(list(some))
    return pieces
