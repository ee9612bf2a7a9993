"""The truth behind the events: who was in which zone at every minute, phone or no phone."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator.geography import Geography
from simulator.programme import MINUTE
from zones.layers import OUTSIDE
from zones.places import Places


class ZoneTruth(NamedTuple):
    """`people`: distinct people who were in the zone for at least a minute of a window. `mean`: people in it at one
    time, the mean over the window's minutes."""

    people: int
    mean: float


class Truth:
    """Where every person was, each minute of the span, in each layer.

    A person is at one spot, so in exactly one zone of a layer, or `outside`, for all of a minute. People who are
    beyond the region are `outside`, too.
    """

    def __init__(self, positions: NDArray[np.int16], geography: Geography, places: Places, start: int) -> None:
        """`positions`: (people, minutes) int16 spots of the geography; `start`: ms since the epoch."""
        spots = places.of_points(geography.lat, geography.lon)
        self.start = start
        self.minutes = positions.shape[1]
        self._positions = positions
        self._zones = {layer.name: places.zones[spots, at] for at, layer in enumerate(places.layers)}
        self._names = {layer.name: (*layer.ids, OUTSIDE) for layer in places.layers}

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers."""
        return tuple(self._zones)

    def zones(self, layer: str) -> tuple[str, ...]:
        """Zone ids of a layer, in the order of the columns of `each_minute`; the last one is "outside"."""
        return self._names[layer]

    def each_minute(self, layer: str) -> NDArray[np.int64]:
        """People in each zone at each minute of the span: (minutes, zones + 1) int64, the last column outside."""
        width = len(self._names[layer])
        counts = np.empty((self.minutes, width), dtype=np.int64)
        for minute in range(self.minutes):
            counts[minute] = np.bincount(self._zones[layer][self._positions[:, minute]], minlength=width)
        return counts

    def people(self, layer: str, start_ms: int, end_ms: int) -> dict[str, ZoneTruth]:
        """Every zone's people, and `outside`'s, in the window [start_ms, end_ms), ms since the epoch.

        A minute counts if a part of it is in the window; of a window that begins before the span or ends after it,
        the minutes within the span count. No minute, no people. Raises KeyError for a layer that is not there.
        """
        names = self._names[layer]
        first = max((start_ms - self.start) // MINUTE, 0)
        last = min(-((self.start - end_ms) // MINUTE), self.minutes)
        if last <= first:
            return {name: ZoneTruth(0, 0.0) for name in names}
        zones = self._zones[layer][self._positions[:, first:last]]
        persons, minutes = zones.shape
        cell = np.arange(persons)[:, None] * len(names) + zones
        spent = np.bincount(cell.ravel(), minlength=persons * len(names)).reshape(persons, len(names))
        people = np.count_nonzero(spent, axis=0).tolist()
        mean = (spent.sum(axis=0) / minutes).tolist()
        return {name: ZoneTruth(*values) for name, *values in zip(names, people, mean, strict=True)}
