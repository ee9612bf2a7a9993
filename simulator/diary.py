"""The diary of everybody's weekend: who goes where at which minute, and from it where each person is each minute."""

import numpy as np
from numpy.typing import NDArray

from simulator.geography import Geography
from simulator.programme import ARRIVALS, DAY, DEPARTURES, MINUTES, PULL, SLOTS, TOWN_AREAS, at, next_train

People = NDArray[np.int64]
Minutes = NDArray[np.int64]

NEVER = 10 * MINUTES
"""A festival minute that does not come."""

RAIL_MINUTES = 4
ROAD_MINUTES = 5
"""Minutes that a train or a car spends at each spot of its line."""

RAIL = {"north": ("la-rochelle", "aytre", "angoulins", "rail-north"), "south": ("rail-south",)}
ROAD = {"north": ("road-north",), "south": ("motorway",), "near": ()}
"""Areas that a way to the town passes, from afar; of a commune its first spot, of a line every spot."""

LINES = frozenset({"rail-north", "rail-south", "road-north", "motorway"})


class Diary:
    """Notes of (person, minute, spot): from that minute on, the person is there until the next note.

    `people`, `minute` and `spot` of a note are arrays of equal length, or scalars for the latter two. Of two notes
    for the same person and minute the later one counts.
    """

    def __init__(self, rng: np.random.Generator, geography: Geography, bed: NDArray[np.int16]) -> None:
        self.rng = rng
        self.geography = geography
        self.bed = bed
        self._people: list[People] = []
        self._minutes: list[Minutes] = []
        self._spots: list[NDArray[np.int16]] = []
        self.note(np.arange(bed.size), 0, bed)

    def note(self, people: People, minute: Minutes | int, spot: NDArray[np.int16] | int) -> None:
        """These people go to these spots at these festival minutes."""
        self._people.append(people)
        self._minutes.append(np.broadcast_to(np.asarray(minute, dtype=np.int64), people.shape))
        self._spots.append(np.broadcast_to(np.asarray(spot, dtype=np.int16), people.shape))

    def sleep(self, people: People, minute: Minutes | int) -> None:
        """These people go to bed."""
        self.note(people, minute, self.bed[people])

    def train_in(self, people: People, wanted: Minutes, side: str) -> Minutes:
        """They take the next train that stops here at or after `wanted`; returns when they leave the station."""
        stop = next_train(ARRIVALS[side], wanted)
        self._along(people, stop, RAIL[side], RAIL_MINUTES)
        self.note(people, stop, self.geography.draw(self.rng, "station", people.size))
        return stop + self.rng.integers(3, 10, people.size)

    def train_out(self, people: People, wanted: Minutes, side: str) -> Minutes:
        """They take the next train at or after `wanted` to their beds; returns when they reach the station."""
        departure = next_train(DEPARTURES[side], wanted)
        platform = departure - self.rng.integers(4, 16, people.size)
        self.note(people, platform, self.geography.draw(self.rng, "station", people.size))
        self.sleep(people, self._back(people, departure, RAIL[side], RAIL_MINUTES))
        return platform

    def drive_in(self, people: People, parked: Minutes, side: str) -> Minutes:
        """They come by road and park in town at `parked`; returns when they walk off."""
        self._along(people, parked, ROAD[side], ROAD_MINUTES)
        self.note(people, parked, self.geography.draw(self.rng, "town", people.size))
        return parked + self.rng.integers(4, 15, people.size)

    def drive_out(self, people: People, leave: Minutes, side: str) -> Minutes:
        """They walk to the car at `leave` and drive off; returns when they are beyond the last spot of the road."""
        self.note(people, leave, self.geography.draw(self.rng, "town", people.size))
        off = leave + self.rng.integers(6, 16, people.size)
        return self._back(people, off, ROAD[side], ROAD_MINUTES)

    def stroll(self, people: People, arrive: Minutes, leave: Minutes) -> None:
        """They wander between beach, seafront, centre, old port and town from `arrive` until before `leave`.

        Those still here at 23:00 on Saturday mostly gather on the beach for the fireworks.
        """
        rng, size = self.rng, people.size
        watches = (rng.random(size) < 0.85) & (arrive < at("22:40")) & (leave > at("23:00"))
        gather = np.where(watches, at("22:10") + rng.integers(0, 45, size), NEVER)
        disperse = at("23:22") + rng.integers(0, 24, size)
        now, index = arrive.copy(), np.flatnonzero(arrive < leave)
        while index.size:
            minute = now[index]
            watching = (gather[index] <= minute) & (minute < disperse[index])
            area = np.where(watching, TOWN_AREAS.index("beach"), self._attracted(minute))
            self.note(people[index], minute, self._spots_of(area))
            until = minute + 20 + rng.exponential(40.0, index.size).astype(np.int64)
            coming = minute < gather[index]
            until = np.where(coming, np.minimum(until, gather[index]), until)
            until = np.where(watching, disperse[index], until)
            now[index] = until
            index = index[until < leave[index]]

    def positions(self) -> NDArray[np.int16]:
        """The spot of each person at each festival minute, (people, MINUTES) int16."""
        people = np.concatenate(self._people)
        minutes = np.concatenate(self._minutes)
        spots = np.concatenate(self._spots)
        inside = minutes < MINUTES
        people, minutes, spots = people[inside], np.maximum(minutes[inside], 0), spots[inside]
        order = np.lexsort((minutes, people))
        people, minutes, spots = people[order], minutes[order], spots[order]
        until = np.full(people.size, MINUTES, dtype=np.int64)
        same = people[1:] == people[:-1]
        until[:-1][same] = minutes[1:][same]
        return np.repeat(spots, until - minutes).reshape(self.bed.size, MINUTES)

    def _along(self, people: People, stop: Minutes, areas: tuple[str, ...], pace: int) -> None:
        spots = self._line(areas)
        for place, spot in enumerate(spots):
            self.note(people, stop - pace * (len(spots) - place), spot)

    def _back(self, people: People, start: Minutes, areas: tuple[str, ...], pace: int) -> Minutes:
        spots = self._line(areas)[::-1]
        for place, spot in enumerate(spots):
            self.note(people, start + pace * place, spot)
        return start + pace * len(spots)

    def _line(self, areas: tuple[str, ...]) -> list[int]:
        spots: list[int] = []
        for area in areas:
            here = self.geography.areas[area].tolist()
            spots += here if area in LINES else here[:1]
        return spots

    def _attracted(self, minute: Minutes) -> NDArray[np.int64]:
        slot = np.searchsorted(SLOTS, minute % DAY, side="right") - 1
        draw = self.rng.random(minute.size)
        above = draw[:, None] >= np.cumsum(PULL, axis=1)[slot][:, :-1]
        area: NDArray[np.int64] = np.count_nonzero(above, axis=1)
        return area

    def _spots_of(self, area: NDArray[np.int64]) -> NDArray[np.int16]:
        spots = np.zeros(area.size, dtype=np.int16)
        for index, name in enumerate(TOWN_AREAS):
            here = area == index
            spots[here] = self.geography.draw(self.rng, name, int(here.sum()))
        return spots
