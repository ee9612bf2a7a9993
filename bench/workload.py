"""The work of the bench: a made-up town's events as a network sends them, one JSON object a record."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SUBSCRIBERS = 200_000
CELLS = 5_000
ZONES = 200
WINDOWS = ("5m", "1h", "1d")
LAYERS = ("zone", "ward", "town")
DAMAGED = 0.001

BEGIN = 1_403_942_400_000
"""28 June 2014, 10:00 in Paris: no window of a day ends during the run."""
SPAN = 90 * 60_000
_AT_ONCE = 50_000
_MEAN_DELAY = 8_000.0
_LONGEST_DELAY = 100_000.0


class Batch(NamedTuple):
    """Records in the order in which the network sends them: ``keys`` and ``values`` n each, ``subscribers``
    int64 (n,), ``stamps`` int64 (n,) Kafka timestamps in ms."""

    keys: list[bytes]
    values: list[bytes]
    subscribers: NDArray[np.int64]
    stamps: NDArray[np.int64]


def key_of(subscriber: int) -> bytes:
    """The id of a subscriber: an IMSI of 15 digits."""
    return b"20801%010d" % (7_919 * subscriber)


def cell_name(cell: int) -> str:
    """The id of a cell: area code and number."""
    return f"{20_000 + cell // 25}-{48_000 + cell}"


def write_cells(path: Path) -> Path:
    """Write the catalogue: every cell, 25 to a zone, and coarser zones for two more layers."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["cell", "lat", "lon", *LAYERS])
        for cell in range(CELLS):
            zone = _zone(cell)
            rows.writerow([cell_name(cell), 46.0, -1.0, f"z{zone:03}", f"w{zone // 4:02}", f"t{zone // 20}"])
    return path


def zones_of_cells() -> dict[str, str]:
    """The zone of every cell, as the first layer of the catalogue has it."""
    return {cell_name(cell): f"z{_zone(cell):03}" for cell in range(CELLS)}


def _zone(cell: int) -> int:
    return cell * ZONES // CELLS


def batches(
    events: int,
    *,
    damaged: float = DAMAGED,
    seed: int = 20140628,
    subscribers: range = range(SUBSCRIBERS),
    begin: int = BEGIN,
    span: int = SPAN,
    all_seen: bool = False,
) -> Iterator[Batch]:
    """All records. Arrivals are spread over ``span`` ms from ``begin`` on; an event is up to 100 s older than that.

    Four of ten events are in another cell than the subscriber's last one, one of ten far away, so that about one of
    twelve changes the zone. The share ``damaged`` of the records cannot be used, in five ways. With ``all_seen``, each
    of the ``subscribers`` is seen once before any is seen again.
    """
    rng = np.random.default_rng(seed)
    keys = [key_of(subscriber) for subscriber in subscribers]
    names = [cell_name(cell).encode() for cell in range(CELLS)]
    where = rng.integers(CELLS, size=len(keys))
    for first in range(0, events, _AT_ONCE):
        count = min(_AT_ONCE, events - first)
        seen = rng.integers(len(keys), size=count)
        if all_seen:
            fresh = min(count, max(0, len(keys) - first))
            seen[:fresh] = np.arange(first, first + fresh)
        step = np.where(rng.random(count) < 0.25, rng.integers(-60, 61, count), rng.integers(-2, 3, count))
        where[seen] = (where[seen] + step * (rng.random(count) < 0.4)) % CELLS
        stamps = begin + (first + np.arange(count, dtype=np.int64)) * span // events
        delays = np.minimum(rng.exponential(_MEAN_DELAY, count), _LONGEST_DELAY).astype(np.int64)
        sent_by = [keys[row] for row in seen.tolist()]
        seen_in = [names[cell] for cell in where[seen].tolist()]
        values = [
            b'{"ts":%d,"subscriber":"%b","cell":"%b","mcc":208,"rat":"4G"}' % event
            for event in zip((stamps - delays).tolist(), sent_by, seen_in, strict=True)
        ]
        for row in np.flatnonzero(rng.random(count) < damaged).tolist():
            values[row] = _DAMAGES[row % len(_DAMAGES)](values[row])
        yield Batch(sent_by, values, subscribers.start + seen, stamps)


_DAMAGES: tuple[Callable[[bytes], bytes], ...] = (
    lambda value: value[:-20],
    lambda value: value.replace(b'"subscriber"', b'"subscribed"'),
    lambda value: value.replace(b'"ts":', b'"ts":-'),
    lambda value: value.replace(b'"ts":140', b'"ts":150'),
    lambda value: value.replace(b'"cell":"2', b'"cell":"X'),
)
