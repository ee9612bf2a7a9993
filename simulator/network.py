"""What the network sees of the crowd: which phones report from which cell, when, and when the report arrives.

A phone reports when it changes cell, at its periodic update, and at each use. Phones jump between the nearest cells of
their spot, fall silent for hours, or are off; some reports are delayed, a few beyond any usual lateness.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.errors import SettingsError
from simulator.damage import FAULTS
from simulator.geography import Geography
from simulator.population import Phone, Population
from simulator.programme import DAY, MINUTE, START


@dataclass(frozen=True, kw_only=True)
class Radio:
    """How phones and the network behave; shares are of 1, times in minutes.

    `interval`: mean time between two uses of a phone by day. `periodic`: time between its periodic updates. `jump`:
    odds per minute that a phone at rest picks its cell anew. `silent`: share of phones that fall silent for some
    hours each day. `delayed`: share of reports that take up to `delay_limit` to arrive, less than the usual lateness
    of 2 minutes. `late`: share that takes `late_from` to `late_to`, beyond it. `damage`: share that arrives damaged.
    """

    interval: float = 12.0
    periodic: int = 54
    jump: float = 0.05
    silent: float = 0.12
    delayed: float = 0.02
    delay_limit: float = 1.8
    late: float = 0.002
    late_from: float = 3.0
    late_to: float = 25.0
    damage: float = 0.002

    def __post_init__(self) -> None:
        problems = [
            f"simulator: {name} = {value}: expected a share from 0 to 1"
            for name in ("jump", "silent", "delayed", "late", "damage")
            if not 0.0 <= (value := getattr(self, name)) <= 1.0
        ]
        problems += [
            f"simulator: {name} = {value}: expected more than 0 minutes"
            for name in ("interval", "periodic")
            if not (value := getattr(self, name)) > 0
        ]
        if problems:
            raise SettingsError(problems)


class Reports(NamedTuple):
    """Columns of equal length: `arrival` and `ts` int64 ms since the epoch, `person` int64, `cell` int16 index,
    `fault` int8 (index in FAULTS, or -1 where the report is sound)."""

    arrival: NDArray[np.int64]
    ts: NDArray[np.int64]
    person: NDArray[np.int64]
    cell: NDArray[np.int16]
    fault: NDArray[np.int8]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Reports":
        """These rows, in this order."""
        return Reports(self.arrival[rows], self.ts[rows], self.person[rows], self.cell[rows], self.fault[rows])

    def then(self, other: "Reports") -> "Reports":
        """These rows, then the other's."""
        return Reports(
            np.concatenate([self.arrival, other.arrival]),
            np.concatenate([self.ts, other.ts]),
            np.concatenate([self.person, other.person]),
            np.concatenate([self.cell, other.cell]),
            np.concatenate([self.fault, other.fault]),
        )


class Network:
    """Turns whereabouts into reports, a span of minutes at a time, in order of the minutes.

    The reports depend on the spans asked for: the same seed and the same spans give the same reports.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        geography: Geography,
        population: Population,
        positions: NDArray[np.int16],
        radio: Radio,
    ) -> None:
        self._rng = rng
        self._geography = geography
        self._radio = radio
        self._phones = np.flatnonzero(population.phone == Phone.ON)
        self._positions = positions
        size = self._phones.size
        self._phase = rng.integers(0, radio.periodic, size)
        self._liveliness = np.minimum(rng.gamma(2.0, 0.5, size), 4.0)
        self._mute = _silences(rng, radio.silent, size, positions.shape[1])
        self._spot = np.full(size, -1, dtype=np.int16)
        self._rank = np.zeros(size, dtype=np.int64)
        self._cell = np.full(size, -1, dtype=np.int16)
        self._begun = False

    def reports(self, first: int, minutes: int) -> Reports:
        """Reports whose `ts` lies in the festival minutes [first, first + minutes), in no order."""
        cells = self._cells(first, minutes)
        before = np.concatenate([self._cell[:, None], cells[:, :-1]], axis=1)
        if not self._begun:
            # Whoever is here when the span begins was here before: no storm of first reports.
            before[:, 0] = cells[:, 0]
            self._begun = True
        self._cell = cells[:, -1]
        on = cells >= 0
        minute = np.arange(first, first + minutes)
        updates = (minute[None, :] + self._phase[:, None]) % self._radio.periodic == 0
        uses = self._rng.poisson(self._liveliness[:, None] * _activity(minute)[None, :] / self._radio.interval)
        count = ((cells != before).astype(np.int64) + updates + uses) * on
        rows, columns = np.nonzero(count)
        times = count[rows, columns]
        rows, columns = np.repeat(rows, times), np.repeat(columns, times)
        ts = START + minute[columns] * MINUTE + self._rng.integers(0, MINUTE, rows.size)
        return Reports(
            arrival=ts + self._delays(rows.size),
            ts=ts,
            person=self._phones[rows],
            cell=cells[rows, columns],
            fault=self._faults(rows.size),
        )

    def _cells(self, first: int, minutes: int) -> NDArray[np.int16]:
        """The cell of each phone that is on, each minute; -1 for silence. (phones, minutes) int16."""
        spots = self._positions[self._phones, first : first + minutes]
        moved = spots != np.concatenate([self._spot[:, None], spots[:, :-1]], axis=1)
        again = moved | (self._rng.random(spots.shape, dtype=np.float32) < self._radio.jump)
        row, column = np.nonzero(again)
        draw = self._rng.random(row.size)
        odds = self._geography.odds[spots[row, column]]
        ranks = np.zeros(spots.shape, dtype=np.int64)
        ranks[row, column] = (draw[:, None] >= odds[:, :-1]).sum(axis=1)
        # Carry each rank on until the next draw; -1 stands for the rank that the span before left.
        latest = np.maximum.accumulate(np.where(again, np.arange(minutes), -1), axis=1)
        ranks = np.where(latest >= 0, np.take_along_axis(ranks, np.maximum(latest, 0), axis=1), self._rank[:, None])
        self._spot, self._rank = spots[:, -1], ranks[:, -1]
        cells = self._geography.serving[spots, ranks]
        minute = np.arange(first, first + minutes)
        for begin, end in self._mute:
            cells[(begin[:, None] <= minute) & (minute < end[:, None])] = -1
        return cells

    def _delays(self, size: int) -> NDArray[np.int64]:
        radio, rng = self._radio, self._rng
        delays = rng.exponential(1_500.0, size)
        draw = rng.random(size)
        late = draw < radio.late
        delayed = (draw >= radio.late) & (draw < radio.late + radio.delayed)
        delays[delayed] = rng.uniform(5_000.0, radio.delay_limit * MINUTE, int(delayed.sum()))
        delays[late] = rng.uniform(radio.late_from * MINUTE, radio.late_to * MINUTE, int(late.sum()))
        return delays.astype(np.int64)

    def _faults(self, size: int) -> NDArray[np.int8]:
        faults = np.full(size, -1, dtype=np.int8)
        damaged = self._rng.random(size) < self._radio.damage
        faults[damaged] = self._rng.integers(0, len(FAULTS), int(damaged.sum()))
        return faults


def _activity(minute: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much phones are used at these minutes, as a factor of the daytime rate: a third of it at night."""
    return np.interp(minute % DAY, [0, 120, 240, 1140, 1320, DAY], [0.3, 0.3, 1.0, 1.0, 0.5, 0.3])


def _silences(
    rng: np.random.Generator, share: float, phones: int, minutes: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """For each day the [begin, end) minutes of each phone's silence: one to six hours, begin = end for none."""
    silences = []
    for day in range(0, minutes, DAY):
        begin = day + rng.integers(240, 1140, phones)
        length = np.where(rng.random(phones) < share, rng.integers(60, 360, phones), 0)
        silences.append((begin, begin + length))
    return silences
