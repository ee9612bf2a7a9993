"""The truth of one day: what each indicator would say if the network knew everybody's place at every minute.

A person is present in a window in which they spend a minute in the zone. What the indicators guess from events, such as
where somebody slept, is here taken from the true minutes, by the same rules.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from config.sections import IndicatorsSettings
from config.times import Duration
from simulator.origin import LOCAL, origins_of, seen_from
from simulator.programme import DAY, MINUTE, START, at
from simulator.sojourn import Stays
from simulator.stream import Festival
from zones.layers import OUTSIDE
from zones.places import Places

Parts = dict[str, dict[str, int]]
"""Zone to segment to people; zones and segments in which nobody is are left out."""


class DayTruth:
    """One local day, 04:00 to 04:00, in one layer, of all people or some of them. `outside` is no zone of the results,
    except as an end of a trip and as the zone in which a day began.

    A stay that goes on when the day begins counts from its beginning, as an epoch of one day does.
    """

    def __init__(
        self,
        festival: Festival,
        places: Places,
        layer: str,
        day: int,
        rules: IndicatorsSettings,
        who: NDArray[np.bool_] | None = None,
    ) -> None:
        """`day`: 0 is Saturday, 1 Sunday. `rules`: of nights, categories, dwell and trips; nobody is habitual, since a
        day is looked at alone. `who`: bool (people,), those that count; None for everybody. Raises KeyError for a
        layer that is not there, IndexError for a day that is none of the festival's."""
        if day not in (0, 1):
            raise IndexError(f"day {day}: the festival has the days 0 and 1")
        index = {each.name: number for number, each in enumerate(places.layers)}[layer]
        ground = festival.geography
        spots = places.of_points(ground.lat, ground.lon)  # before `zones` is looked at: this may add places to it
        zone_of_spot = places.zones[spots, index]
        rows = slice(None) if who is None else who
        self.layer = places.layers[index]
        self.start = START + day * DAY * MINUTE
        self.stays = Stays.of(
            zone_of_spot[festival.positions[rows, day * DAY : (day + 1) * DAY]], self.layer.outside + 1
        )
        self._names = (*self.layer.ids, OUTSIDE)
        self._origins = origins_of(festival.population)[rows]
        self._rules = rules

    def presence(self, start_ms: int, end_ms: int) -> dict[str, int]:
        """People in each zone in the window [start_ms, end_ms), ms since the epoch; a zone without any has 0."""
        people = np.count_nonzero(self._present(start_ms, end_ms), axis=0).tolist()
        return dict(zip(self.layer.ids, people, strict=True))

    def origins(self, start_ms: int, end_ms: int) -> Parts:
        """The same by origin: "local", "national:75", "foreign:DE"."""
        return self._by_origin(*np.nonzero(self._present(start_ms, end_ms)))

    def dwell(self, start_ms: int, end_ms: int) -> Parts:
        """People by their longest stay in each zone of those that end in the window, in the bins between the edges.

        A stay that goes on at the day's end does not end.
        """
        first, last = self._minutes(start_ms, end_ms)
        ending = (self.stays.end >= first) & (self.stays.end < min(last, DAY))
        longest = self.stays.only(ending).longest()[:, : self.layer.outside]
        person, zone = np.nonzero(longest)
        bins = np.searchsorted(self._rules.dwell_edges, longest[person, zone] * MINUTE, side="right")
        names = bin_names(self._rules.dwell_edges)
        return _parts((self._names[at], names[bin]) for at, bin in zip(zone.tolist(), bins.tolist(), strict=True))

    def nights(self) -> dict[str, int]:
        """People who spent the night in each zone: most of it, and long enough; a zone without any has 0."""
        zone = self._night_zone()
        people = np.bincount(zone[zone >= 0], minlength=self.stays.width).tolist()
        return dict(zip(self.layer.ids, people[: self.layer.outside], strict=True))

    def night_origins(self) -> Parts:
        """The same by origin."""
        zone = self._night_zone()
        [person] = np.nonzero((zone >= 0) & (zone != self.layer.outside))
        return self._by_origin(person, zone[person])

    def categories(self) -> Parts:
        """People in each zone on the day: "resident", "tourist" (slept there), "visitor" (stayed long), "transit"."""
        spent = self.stays.spent(0, DAY)
        person, zone = np.nonzero(spent[:, : self.layer.outside])
        night, least = self._night_zone(), int(self._rules.visit_stay) // MINUTE

        def category(who: int, where: int) -> str:
            if self._seen(who, where) == LOCAL:
                return "resident"
            if night[who] == where:
                return "tourist"
            return "visitor" if spent[who, where] >= least else "transit"

        pairs = zip(person.tolist(), zone.tolist(), strict=True)
        return _parts((self._names[where], category(who, where)) for who, where in pairs)

    def catchment(self) -> Parts:
        """People in each zone on the day by the zone, or "outside", in which they were when the day began."""
        person, zone = np.nonzero(self._present(self.start, self.start + DAY * MINUTE))
        first = self.stays.at(0)[person]
        return _parts(
            (self._names[where], self._names[begun]) for where, begun in zip(zone.tolist(), first.tolist(), strict=True)
        )

    def trips(self) -> dict[tuple[str, str], int]:
        """People who went from a stop to the next one in another zone, by the two; a stop is a stay that is long
        enough."""
        stops = self.stays.only(self.stays.minutes * MINUTE >= int(self._rules.trip_stay))
        person, zone = stops.person, stops.zone
        moved = (person[1:] == person[:-1]) & (zone[1:] != zone[:-1])
        made = np.unique(np.stack([person[1:][moved], zone[:-1][moved], zone[1:][moved]]), axis=1)
        return dict(Counter((self._names[origin], self._names[to]) for _, origin, to in made.T.tolist()))

    def _minutes(self, start_ms: int, end_ms: int) -> tuple[int, int]:
        """The minutes of the day, [first, last), of which a part is in the window."""
        return max((start_ms - self.start) // MINUTE, 0), min(-((self.start - end_ms) // MINUTE), DAY)

    def _present(self, start_ms: int, end_ms: int) -> NDArray[np.bool_]:
        """Who was in which zone, without outside: bool (people, zones)."""
        return self.stays.spent(*self._minutes(start_ms, end_ms))[:, : self.layer.outside] > 0

    def _night_zone(self) -> NDArray[np.int64]:
        """The zone where each person spent the night, -1 for none: int64 (people,)."""
        spent = self.stays.spent(at(self._rules.night_from), at(self._rules.night_until) or DAY)
        enough = spent.max(axis=1) * MINUTE >= int(self._rules.night_stay)
        return np.where(enough, np.argmax(spent, axis=1), -1)

    def _seen(self, person: int, zone: int) -> str:
        return seen_from(str(self._origins[person]), self.layer.areas[zone])

    def _by_origin(self, person: NDArray[np.int64], zone: NDArray[np.int64]) -> Parts:
        pairs = zip(person.tolist(), zone.tolist(), strict=True)
        return _parts((self._names[where], self._seen(who, where)) for who, where in pairs)


def bin_names(edges: tuple[Duration, ...]) -> list[str]:
    """What the bins between the edges are called: "0-15m", "15m-30m", ..., "8h+"."""
    texts = ["0", *(edge.text for edge in edges)]
    return [f"{low}-{high}" for low, high in pairwise(texts)] + [f"{texts[-1]}+"]


def _parts(members: Iterable[tuple[str, str]]) -> Parts:
    parts: Parts = {}
    for (zone, segment), people in sorted(Counter(members).items()):
        parts.setdefault(zone, {})[segment] = people
    return parts
