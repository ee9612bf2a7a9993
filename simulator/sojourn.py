"""True stays: for how long each person was in which zone without leaving it, from their zones minute by minute."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Stays:
    """The stays of `people` persons in the zones 0 to `width` - 1, in order of person and time; one row a stay.

    `person`, `zone`: int64 (n,). `begin`, `end`: int64 (n,), the stay's first minute and the first one after it. Of one
    person each stay begins where the last one ended: everybody is always in exactly one zone.
    """

    people: int
    width: int
    person: NDArray[np.int64]
    zone: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]

    @classmethod
    def of(cls, zones: NDArray[np.integer], width: int) -> "Stays":
        """The stays behind `zones`, integer (people, minutes); those of the last minute end with it."""
        people, minutes = zones.shape
        begins = np.ones(zones.shape, dtype=np.bool_)
        begins[:, 1:] = zones[:, 1:] != zones[:, :-1]
        person, begin = np.nonzero(begins)
        end = np.full(person.size, minutes, dtype=np.int64)
        same = person[1:] == person[:-1]
        end[:-1][same] = begin[1:][same]
        return cls(people, width, person, zones[person, begin].astype(np.int64), begin, end)

    def only(self, rows: NDArray[np.bool_]) -> "Stays":
        """The stays where `rows`, bool (n,), holds; they are no longer one after the other."""
        return Stays(self.people, self.width, self.person[rows], self.zone[rows], self.begin[rows], self.end[rows])

    @property
    def minutes(self) -> NDArray[np.int64]:
        """The length of each stay, int64 (n,)."""
        return self.end - self.begin

    def spent(self, first: int, last: int) -> NDArray[np.int64]:
        """Minutes of each person in each zone from minute `first` until before `last`: int64 (people, width)."""
        inside = np.maximum(np.minimum(self.end, last) - np.maximum(self.begin, first), 0)
        cell = self.person * self.width + self.zone
        spent = np.bincount(cell, weights=inside, minlength=self.people * self.width)
        return spent.astype(np.int64).reshape(self.people, self.width)

    def longest(self) -> NDArray[np.int64]:
        """The longest stay of each person in each zone in minutes, 0 where there is none: int64 (people, width)."""
        longest = np.zeros(self.people * self.width, dtype=np.int64)
        np.maximum.at(longest, self.person * self.width + self.zone, self.minutes)
        return longest.reshape(self.people, self.width)

    def at(self, minute: int) -> NDArray[np.int64]:
        """The zone in which each person is at a minute: int64 (people,)."""
        zone = np.empty(self.people, dtype=np.int64)
        now = (self.begin <= minute) & (minute < self.end)
        zone[self.person[now]] = self.zone[now]
        return zone
