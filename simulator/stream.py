"""The festival as a stream of records in order of arrival, and the truth behind it."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.errors import SettingsError
from simulator import geography, movement, population
from simulator.damage import FAULTS
from simulator.network import Network, Radio, Reports
from simulator.programme import END, MINUTE, START
from simulator.truth import Truth
from zones.places import Places

STEP = 10
"""Festival minutes that are generated at once."""


class Batch(NamedTuple):
    """Records in order of arrival: `arrival_ms` int64 (ms since the epoch, festival time), keys and values as Kafka
    takes them; the key is the subscriber, also of a damaged record."""

    arrival_ms: NDArray[np.int64]
    keys: list[bytes]
    values: list[bytes]

    def __repr__(self) -> str:
        return f"Batch({self.arrival_ms.size} records)"


class Festival:
    """The crowd of one weekend, reproducible: the same arguments give the same bytes.

    `seed`: any int >= 0. `people`: how many take part, with a phone or without. `start`, `end`: span of the event
    times, ms since the epoch, whole minutes from 28 June 04:00 to 30 June 04:00 in Paris (by default all of it);
    the people's weekend is the same whatever the span. `radio`: how often phones report and how the network errs.

    By default 4,000 people, whose phones are used every 12 minutes by day: 25,000 events an hour in the evening,
    900,000 in all. At speed 240 an hour of events passes in 15 s, 1,700 a second; begin at `programme.EVENING` to
    see concert and fireworks within 90 s. Raises SettingsError for arguments out of range.
    """

    def __init__(
        self,
        seed: int = 2014,
        people: int = 4_000,
        start: int = START,
        end: int = END,
        radio: Radio | None = None,
    ) -> None:
        _check(seed, people, start, end)
        settling, moving, self._radio_seed = np.random.SeedSequence(seed).spawn(3)
        self.start, self.end = start, end
        self.radio = Radio() if radio is None else radio
        self.geography = geography.load()
        self.population = population.settle(np.random.default_rng(settling), self.geography, people)
        self.positions = movement.whereabouts(np.random.default_rng(moving), self.geography, self.population)

    def batches(self) -> Iterator[Batch]:
        """All records, in order of arrival over all batches; the last batches hold what arrives after `end`."""
        writer = _Writer(self.geography.cells, self.population)
        for reports in self._arrivals():
            if reports.ts.size:
                yield writer.write(reports)

    def truth(self, places: Places) -> Truth:
        """Who truly was where, minute by minute of the span, in the layers of these places."""
        first, last = ((moment - START) // MINUTE for moment in (self.start, self.end))
        return Truth(self.positions[:, first:last], self.geography, places, self.start)

    def _arrivals(self) -> Iterator[Reports]:
        network = Network(
            np.random.default_rng(self._radio_seed),
            self.geography,
            self.population,
            self.positions,
            self.radio,
        )
        waiting: Reports | None = None
        first, last = ((moment - START) // MINUTE for moment in (self.start, self.end))
        for minute in range(first, last, STEP):
            until = min(minute + STEP, last)
            fresh = network.reports(minute, until - minute)
            reports = fresh if waiting is None else waiting.then(fresh)
            reports = reports.take(np.argsort(reports.arrival, kind="stable"))
            # Nothing generated later can arrive before this moment, since no report arrives before it was made.
            due = int(np.searchsorted(reports.arrival, START + until * MINUTE))
            waiting = reports.take(np.arange(due, reports.ts.size))
            yield reports.take(np.arange(due))
        if waiting is not None:
            yield waiting


class _Writer:
    """Writes reports as JSON; everything but time and cell is prepared once a person."""

    def __init__(self, cells: tuple[str, ...], people: population.Population) -> None:
        self._keys = people.subscriber
        self._cells = tuple(cell.encode() for cell in cells)
        self._cell_parts = tuple(b'"cell":"%b",' % cell for cell in self._cells)
        self._heads = tuple(b',"subscriber":"%b",' % subscriber for subscriber in people.subscriber)
        self._tails = tuple(map(_tail, people.mcc, people.home, people.rat))

    def write(self, reports: Reports) -> Batch:
        ts, person, cell = reports.ts.tolist(), reports.person.tolist(), reports.cell.tolist()
        heads, cells, tails = self._heads, self._cell_parts, self._tails
        values = [
            b'{"ts":%d%b%b%b' % (moment, heads[who], cells[where], tails[who])
            for moment, who, where in zip(ts, person, cell, strict=True)
        ]
        for row in np.flatnonzero(reports.fault >= 0).tolist():
            fault = FAULTS[reports.fault[row]]
            values[row] = fault.make(ts[row], self._keys[person[row]], self._cells[cell[row]])
        return Batch(reports.arrival, [self._keys[who] for who in person], values)


def _tail(mcc: str, home: str, rat: str) -> bytes:
    fields = {"mcc": mcc, "home": home, "rat": rat}
    return ",".join(f'"{name}":"{value}"' for name, value in fields.items() if value).encode() + b"}"


def _check(seed: int, people: int, start: int, end: int) -> None:
    problems = []
    if seed < 0:
        problems.append(f"simulator: seed = {seed}: expected 0 or more")
    if people < 1:
        problems.append(f"simulator: people = {people}: expected 1 or more")
    if not START <= start < end <= END:
        problems.append(
            f"simulator: start = {start}, end = {end}: expected ms since the epoch with"
            f" {START} (28 June 2014, 04:00 in Paris) <= start < end <= {END} (30 June, 04:00)"
        )
    if (start - START) % MINUTE or (end - START) % MINUTE:
        problems.append(f"simulator: start = {start}, end = {end}: expected whole minutes")
    if problems:
        raise SettingsError(problems)
