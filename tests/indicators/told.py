"""A crowd told in words: who was seen when and where; and what it counts, by the names of windows and cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.times import DAY, HOUR, MINUTE
from indicators.calendar import Calendar
from indicators.cells import Cells
from indicators.columns import Reader, Writer
from indicators.counts import Tally
from indicators.epoch_crowd import EpochCrowd
from indicators.plan import Plan
from zones import OUTSIDE, Layer

DAY_START = 1_403_920_800_000  # 28 June 2014, 04:00 in Paris
LINGER = 30 * MINUTE
SPOTS = Layer("spots", ("beach", "port", "station"), ("", "", ""), ("17", "17", "33"))
LABELS = ("unknown", "national:17", "national:75", "foreign:DE", "foreign:IT")
RECORD_KEYS = np.random.default_rng(5).integers(0, 1 << 32, 100, dtype=np.uint32)


class SomeOrigins:
    """A small table of origins: those of :data:`LABELS`."""

    size = len(LABELS)

    def code_of(self, area: str | None) -> int:
        return LABELS.index(f"national:{area}") if f"national:{area}" in LABELS else -1

    def label(self, code: int, area: str | None) -> str:
        return "local" if area is not None and LABELS[code] == f"national:{area}" else LABELS[code]

    def pool(self, code: int, area: str | None) -> str | None:
        label = self.label(code, area)
        return label.partition(":")[0] if ":" in label else None


ORIGINS = SomeOrigins()


class Seen(NamedTuple):
    """A phone, the instant (UTC ms), the zone in which it was, and what this event says of its origin, if not what the
    story says."""

    phone: str
    ts: int
    zone: str
    origin: str | None = None


def at(text: str) -> int:
    """UTC ms of a local time of the first day ("10:05"), or of another ("2 10:05"); days begin at 04:00."""
    day, _, clock = text.rpartition(" ")
    hours, minutes = map(int, clock.split(":"))
    return DAY_START + (int(day or 1) - 1) * DAY + ((hours - 4) % 24) * HOUR + minutes * MINUTE


def seen(phone: str, *places: str) -> list[Seen]:
    """``"10:05 beach"`` or ``"2 10:05 beach"`` for each event of a phone."""
    return [Seen(phone, at(place.rpartition(" ")[0]), place.rpartition(" ")[2]) for place in places]


def local_codes(layer: Layer) -> NDArray[np.int16]:
    """The code of the origin that is local in each zone of a layer, outside included; -1 where none is."""
    codes = {label.partition(":")[2]: code for code, label in enumerate(LABELS) if label.startswith("national:")}
    return np.array([codes.get(area or "", -1) for area in layer.areas] + [-1], np.int16)


class Story(NamedTuple):
    """Events, and by what rules they are counted. ``origins``: the label of each phone's origin, unless unknown."""

    events: Sequence[Seen]
    plan: Plan
    origins: Mapping[str, str] = {}
    layer: Layer = SPOTS
    widths: tuple[int, ...] = (HOUR, DAY)

    @property
    def calendar(self) -> Calendar:
        return Calendar("Europe/Paris", time(4), self.widths, self.plan.epoch_days, date(2014, 6, 28))

    def tallies(self, cuts: Iterable[int] = (), copied_at: Iterable[int] = ()) -> list[Tally]:
        """The epoch's tallies. ``cuts``: instants at which a call ends; ``copied_at``: those of them at which the crowd
        is put into a snapshot, and goes on from that."""
        calendar, copies = self.calendar, set(copied_at)
        epoch = calendar.epoch_of(DAY_START)
        zones = [self.layer.outside + 1]
        crowd = EpochCrowd(calendar, epoch, zones, LINGER, self.plan)
        ordered = sorted(self.events, key=lambda event: event.ts)
        ends = sorted({*cuts, *copies, epoch.end})
        tallies, done = list[Tally](), 0
        for end in ends:
            until = next((n for n, event in enumerate(ordered) if event.ts > end), len(ordered))
            tallies += self._applied(crowd, ordered[done:until], end)
            done = until
            if end in copies:
                writer = Writer()
                crowd.write(writer)
                crowd = EpochCrowd.restored(calendar, zones, LINGER, Reader(writer.encode()), self.plan)
        return tallies

    def _applied(self, crowd: EpochCrowd, events: Sequence[Seen], upto: int) -> list[Tally]:
        phones = sorted({event.phone for event in self.events})
        who = np.array([phones.index(event.phone) for event in events], np.int64)
        slots = crowd.slots_of((who + 1000).astype(np.uint64), RECORD_KEYS[who])
        names = [*self.layer.ids, OUTSIDE]
        zones = np.array([[names.index(event.zone)] for event in events], np.int32).reshape(-1, 1)
        origins = [LABELS.index(event.origin or self.origins.get(event.phone, "unknown")) for event in events]
        times = np.array([event.ts for event in events], np.int64)
        return crowd.apply(slots, times, zones, upto, np.array(origins, np.int16))

    def counts(self, width: int, start: str) -> dict[str, dict[tuple[str, ...], int]]:
        """What is counted in the window of this width that begins at a local time: indicator to cell to devices."""
        cells = Cells(self.layer, self.plan, ORIGINS)
        for tally in self.tallies():
            if (tally.width, tally.start) == (width, at(start)):
                return {
                    name: {cells.names(name, cell): number for cell, number in counts.as_dict().items()}
                    for name, counts in tally.counts.items()
                }
        return {}

    def of_day(self, indicator: str, day: int = 1) -> dict[tuple[str, ...], int]:
        """What an indicator counts on a day."""
        return self.counts(DAY, f"{day} 04:00").get(indicator, {})

    def of_hour(self, indicator: str, start: str) -> dict[tuple[str, ...], int]:
        """What an indicator counts in the hour that begins at a local time."""
        return self.counts(HOUR, start).get(indicator, {})


def plan(**changes: object) -> Plan:
    """A plan over :data:`SPOTS` with :data:`ORIGINS`; edges of stays at 15 minutes, half an hour and an hour."""
    given: dict[str, object] = {
        "edges": (15 * MINUTE, 30 * MINUTE, HOUR),
        "origins": ORIGINS.size,
        "local": (local_codes(SPOTS),),
    }
    return Plan(**(given | changes))  # type: ignore[arg-type]
