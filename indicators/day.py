"""The local day of a crowd: what the indicators of whole days need of it, and their counts at its end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indicators import catchment
from indicators.bins import DAYS
from indicators.calendar import DAY_MS, Calendar, Epoch
from indicators.categories import CATEGORIES, categories
from indicators.columns import Reader, Writer, grown
from indicators.counts import Counts
from indicators.devices import Devices
from indicators.distinct import Distinct
from indicators.nights import night_zones
from indicators.plan import Plan
from indicators.several_days import Memory, usual
from indicators.stays import DayStays, Span, add_stays, stays_of
from indicators.sums import Sums
from indicators.trips import trips
from indicators.visits import NOWHERE, Changes, Ended, Visits


class _LayerDay:
    """The day in one layer."""

    def __init__(self, zones: int, plan: Plan) -> None:
        self.stays = Sums(2)
        self.trips = Distinct(zones * zones)
        self.memory = Memory(zones)
        self._zones = zones
        self._plan = plan

    def add(self, visits: Ended, day: Span, stops: NDArray[np.int32]) -> None:
        add_stays(self.stays, visits, self._zones, day)
        if self._plan.trips:
            self.trips.add(*trips(stops, visits, self._plan.trip_stay, self._zones))

    def renew(self) -> None:
        self.stays = Sums(2)
        self.trips = Distinct(self._zones * self._zones)

    def write(self, writer: Writer) -> None:
        self.stays.write(writer.under("stays"))
        self.trips.write(writer, "trips")
        self.memory.write(writer.under("memory"))

    def read(self, reader: Reader) -> None:
        self.stays.read(reader.under("stays"))
        self.trips.restore(reader.column("trips"))
        self.memory.read(reader.under("memory"))


class Day:
    """The local day that goes on, in all layers, and what is remembered of the days of the epoch before it.

    Feed it what happens within a day, then :meth:`close` it for each layer at the day's end, then :meth:`begin_next`.
    """

    def __init__(self, plan: Plan, calendar: Calendar, epoch: Epoch, zones: Sequence[int]) -> None:
        """``zones``: for each layer, how many zones it has, ``outside`` included."""
        self._plan = plan
        self._calendar = calendar
        self._first = calendar.day_of(epoch.start)
        self._zones = tuple(zones)
        self._layers = [_LayerDay(count, plan) for count in zones]
        self._began = np.full((len(zones), 0), NOWHERE, np.int32)
        self._stops = np.full((len(zones), 0), NOWHERE, np.int32)
        self._spans: dict[int, Span] = {}

    def make_room(self, devices: int) -> None:
        """Have a row for each of the slots 0 to ``devices - 1``."""
        if devices > self._began.shape[1]:
            self._began = grown(self._began, devices, NOWHERE)
            self._stops = grown(self._stops, devices, NOWHERE)

    def add(self, layer: int, changes: Changes, ts: int) -> None:
        """Take in what happened in a layer within the day that holds ``ts`` (UTC ms)."""
        if changes.ended is not None:
            self._layers[layer].add(changes.ended, self._span(ts), self._stops[layer])
        catchment.note_began(self._began[layer], changes)

    def _span(self, ts: int) -> Span:
        window = self._calendar.window_of(DAY_MS, ts)
        if window.start not in self._spans:
            night = self._calendar.night_of(
                self._calendar.day_of(window.start), self._plan.night_from, self._plan.night_until
            )
            self._spans = {window.start: Span(window.start, window.end, *night)}
        return self._spans[window.start]

    def close(self, layer: int, visits: Visits, devices: Devices, ts: int) -> dict[str, Counts]:
        """The counts of a layer at the end of the day that holds ``ts``; ``visits`` are as a window of the day needs
        them when it closes."""
        plan, zones, day = self._plan, self._zones[layer], self._layers[layer]
        span = self._span(ts)
        day.add(visits.open_in(layer)._replace(end=np.full(visits.opened(layer), span.end)), span, self._stops[layer])
        everywhere = stays_of(day.stays, zones)
        inside = everywhere.rows(everywhere.zones != zones - 1)
        slept = night_zones(everywhere, plan.night_stay, len(devices))
        before = day.memory.days_before(inside)
        counts: dict[str, Counts] = {}
        if plan.nights:
            counts |= self._nights(slept, zones, devices)
        if plan.categories:
            kinds = categories(
                plan.local[layer][inside.zones] == devices.origins[inside.slots],
                before >= plan.habitual_days,
                slept[inside.slots] == inside.zones,
                inside.stay,
                plan.visit_stay,
            )
            counts["categories"] = devices.count(inside.slots, inside.zones * len(CATEGORIES) + kinds)
        if plan.catchment:
            began = self._began[layer][inside.slots]
            counts["catchment"] = devices.count(inside.slots, inside.zones * zones + began)
        if plan.trips:
            counts["trips"] = day.trips.counts(devices.record_keys)
        if plan.several_days:
            number = self._calendar.day_of(span.start) - self._first
            if plan.recurrence:
                counts["recurrence"] = devices.count(inside.slots, inside.zones * len(DAYS) + DAYS.of(before + 1))
            day.memory.add_day(number, everywhere, slept)
            counts |= self._several_days(day.memory, everywhere, slept, zones, devices)
        return {name: found for name, found in counts.items() if len(found.cells)}

    def _nights(self, slept: NDArray[np.int32], zones: int, devices: Devices) -> dict[str, Counts]:
        slots = np.flatnonzero((slept != NOWHERE) & (slept != zones - 1))
        cells = slept[slots].astype(np.int64)
        counts = {"nights": devices.count(slots, cells)}
        if DAY_MS in self._plan.by_origin:
            counts["night_origins"] = devices.count(slots, devices.by_origin(slots, cells, self._plan.origins))
        return counts

    def _several_days(
        self,
        memory: Memory,
        everywhere: DayStays,
        slept: NDArray[np.int32],
        zones: int,
        devices: Devices,
    ) -> dict[str, Counts]:
        plan, counts = self._plan, dict[str, Counts]()
        if plan.sojourns:
            slots = np.flatnonzero((slept != NOWHERE) & (slept != zones - 1))
            where = slept[slots].astype(np.int64)
            row = DAYS.of(memory.nights_in_a_row(slots, where))
            counts["sojourns"] = devices.count(slots, where * len(DAYS) + row)
        if plan.usual:
            usual_zones = memory.usual_zones(plan.usual_nights, len(devices))
            slots = usual(usual_zones, everywhere, zones - 1)
            counts["usual"] = devices.count(slots, usual_zones[slots].astype(np.int64))
        return counts

    def begin_next(self, visits: Visits) -> None:
        """Begin the next day: who is in a visit begins it there."""
        for layer, day in enumerate(self._layers):
            day.renew()
            catchment.begin_day(self._began[layer], visits.open_in(layer))

    def write(self, writer: Writer, devices: int) -> None:
        """Put the first ``devices`` rows and all sums into a snapshot."""
        self.make_room(devices)
        writer.column("began", self._began[:, :devices])
        writer.column("stops", self._stops[:, :devices])
        for number, layer in enumerate(self._layers):
            layer.write(writer.under(str(number)))

    def read(self, reader: Reader) -> None:
        """Take over what :meth:`write` put into a snapshot."""
        self._began, self._stops = reader.column("began"), reader.column("stops")
        for number, layer in enumerate(self._layers):
            layer.read(reader.under(str(number)))
