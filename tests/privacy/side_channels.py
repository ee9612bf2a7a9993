"""Attack 10: what can be seen of a number that is not published, without reading it: that something is there, how large
it is, and when it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from anonymizer.keys import MemoryKeyStore
from sinks.kafka import records
from streams import wire
from tests.privacy.outcome import Outcome
from tests.privacy.publishing import K
from tests.privacy.small_feed import Event, Left, crowd, feed, number, play

#: What can be seen of two runs, of which one has somebody more in a cell that is not published.
Seen = dict[str, object]

_HIDDEN = "c3"
_SNAPSHOTS = "sizes of snapshots"
_COUNTS = (1, 2, K // 2, K - 1)


def run(seed: int = 0) -> list[Outcome]:
    """In a cell beside a crowd, which nobody else is in; and, reported, in a network in which nobody else is at all."""
    beside = crowd(300, seed, cells_used=2)
    apart = [one for one in crowd(300, seed, minutes=200, cells_used=2) if not 20 <= one.minute < 160]
    off, on = _differences(beside, (10.0, 50.0), seed)
    _, alone = _differences(apart, (80.0, 100.0), seed)
    on = [name for name in on if name != _SNAPSHOTS]
    return [
        Outcome(
            id="10a",
            name="sizes, keys and release times, with 1 to k - 1 devices in a cell or none",
            claim="inference",
            knows="all records, the sizes of what is on foule.tallies, and when it comes",
            figure="channels in which 1 to k - 1 differ from 0",
            without="absence and filling (empty windows and zeros are published, sizes are those of the counts)",
            off=float(len(off)),
            on=float(len(on)),
            target="0",
            works=len(off) > 0,
            fails=not on,
            detail=f"{_words(off, on)}; {_SNAPSHOTS} say how many devices a shard has, not where they are",
        ),
        Outcome(
            id="10b",
            name="the same device, where nobody else is in the whole network for an hour",
            claim="inference",
            knows="the same",
            figure="channels in which 1 to k - 1 differ from 0",
            on=float(len(alone)),
            detail=_words([], alone),
        ),
    ]


def _words(off: Sequence[str], on: Sequence[str]) -> str:
    return "; ".join(f"{name}: {', '.join(found)}" for name, found in (("off", off), ("on", on)) if found)


def _differences(others: Sequence[Event], minutes: tuple[float, float], seed: int) -> tuple[list[str], list[str]]:
    """The channels that differ without the protections, and with them."""
    store = MemoryKeyStore()
    runs = [play(feed(others), store, every=1.0)]
    for count in _COUNTS:
        kept = MemoryKeyStore()
        for label, key in runs[0].keys.items():
            kept.replace(label, key, 0)
        steps = int((minutes[1] - minutes[0]) / 4)
        hidden = [
            Event(minutes[0] + 4 * step + 0.001 * who, number(90_000_000 + who), _HIDDEN)
            for step in range(steps)
            for who in range(count)
        ]
        runs.append(play(feed([*others, *hidden]), kept, every=1.0))
    found = []
    for look in (_carelessly, _seen):
        views = [look(run) for run in runs]
        found.append([name for name in views[0] if any(view[name] != views[0][name] for view in views[1:])])
    return found[0], found[1]


def _carelessly(left: Left) -> Seen:
    """What could be seen if a window with somebody in it were published empty, and nothing were filled up."""
    parts = [message for message in map(wire.decode, left.log) if isinstance(message, wire.TallyPart)]
    return {
        "windows with somebody in them": {(part.layer, part.width, part.start) for part in parts},
        "sizes of tallies that are not filled up": _cells(left, parts),
    }


def _cells(left: Left, parts: Sequence[wire.TallyPart]) -> Counter[tuple[int, int, int, int]]:
    """How many cells each window has."""
    sizes: Counter[tuple[int, int, int, int]] = Counter()
    ciphers = left.ciphers
    for part in parts:
        for counts in part.counts(ciphers[part.key]).values():
            sizes[part.shard, part.layer, part.width, part.start] += len(counts.cells)
    return sizes


def _seen(left: Left) -> Seen:
    """Everything that is published or lies on a disk, but not what is sealed in it."""
    messages = list(map(wire.decode, left.log))
    sent = [record for publication in left.published for record in records(publication)]
    values = [msgspec.json.decode(record.value) for record in sent]
    versions = [value.pop("version") for value in values]
    return {
        "records": [(record.topic, record.key) for record in sent],
        "values": values,
        "sizes of records": [len(record.value) for record in sent],
        "versions": versions,
        "steps in which windows come": [
            step
            for step, publication in zip(left.steps, left.published, strict=True)
            if not publication.window.is_empty
        ],
        "number of records in foule.tallies": Counter(type(message).__name__ for message in messages),
        "sizes of tallies": [len(message.sealed) for message in messages if isinstance(message, wire.TallyPart)],
        "sizes of decisions": [len(message.window) for message in messages if isinstance(message, wire.Decision)],
        _SNAPSHOTS: [len(snapshot) for snapshot in left.snapshots],
    }
