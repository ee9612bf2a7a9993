"""Who is at the festival: groups of people, where they sleep, what phone they carry."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from simulator.geography import ELSEWHERE, Geography


class Group(IntEnum):
    """What brings a person here."""

    RESIDENT = 0  # lives in Châtelaillon-Plage
    NEIGHBOUR = 1  # lives in a commune around
    TRAIN = 2  # comes for one day, by train
    CAR = 3  # comes for one day, by car
    TOURIST = 4  # from elsewhere in France, sleeps at a campsite or in a hotel
    FOREIGNER = 5  # with a SIM of another country; most sleep here, some come for a day by car


class Phone(IntEnum):
    """Whether a person can be seen by the network."""

    NONE = 0
    OFF = 1  # carried, but switched off all weekend
    ON = 2


SHARES = {
    Group.RESIDENT: 0.30,
    Group.NEIGHBOUR: 0.20,
    Group.TRAIN: 0.14,
    Group.CAR: 0.18,
    Group.TOURIST: 0.12,
    Group.FOREIGNER: 0.06,
}
"""Share of the people in each group."""

BEDS = {
    Group.RESIDENT: {"town": 0.62, "centre": 0.20, "old-port": 0.12, "seafront": 0.06},
    Group.NEIGHBOUR: {
        "la-rochelle": 0.33,
        "angoulins": 0.20,
        "aytre": 0.20,
        "fouras": 0.12,
        "saint-vivien": 0.08,
        "yves": 0.07,
    },
    Group.TRAIN: {"la-rochelle": 0.60, "": 0.40},
    Group.CAR: {"": 1.0},
    Group.TOURIST: {"campsite-north": 0.35, "campsite-south": 0.35, "seafront": 0.15, "centre": 0.15},
    Group.FOREIGNER: {"campsite-north": 0.30, "campsite-south": 0.25, "seafront": 0.15, "": 0.30},
}
"""Areas in which each group sleeps; "" is elsewhere."""

HOMES = {
    Group.RESIDENT: {"17": 0.95, "86": 0.02, "75": 0.03},
    Group.NEIGHBOUR: {"17": 0.97, "79": 0.03},
    Group.TRAIN: {"17": 0.70, "86": 0.12, "79": 0.10, "33": 0.08},
    Group.CAR: {"79": 0.26, "86": 0.20, "16": 0.18, "85": 0.16, "33": 0.10, "17": 0.10},
    Group.TOURIST: {"75": 0.24, "92": 0.14, "87": 0.14, "37": 0.12, "45": 0.12, "69": 0.10, "59": 0.08, "2A": 0.06},
}
"""Departements of the contracts; foreigners have none."""

COUNTRIES = {"234": 0.34, "262": 0.22, "206": 0.16, "204": 0.12, "214": 0.08, "222": 0.05, "228": 0.03}
"""Home countries of foreign SIMs (MCC): United Kingdom, Germany, Belgium, Netherlands, Spain, Italy, Switzerland."""

TECHNOLOGIES = {"2G": 0.15, "3G": 0.55, "4G": 0.30}
PHONES = {Phone.NONE: 0.08, Phone.OFF: 0.04, Phone.ON: 0.88}
FRANCE = "208"


@dataclass(frozen=True)
class Population:
    """One row a person: `group`, `phone` int8 (of Group and Phone), `bed` int16 (a spot; ELSEWHERE if out of reach).

    `subscriber` (15 digits), `mcc`, `home` ("" for foreigners) and `rat` are what the network would report. The ids
    are made up, and yet handled as what they stand for: they are left out of the repr.
    """

    group: NDArray[np.int8]
    bed: NDArray[np.int16]
    phone: NDArray[np.int8]
    subscriber: tuple[bytes, ...] = field(repr=False)
    mcc: tuple[str, ...] = field(repr=False)
    home: tuple[str, ...] = field(repr=False)
    rat: tuple[str, ...] = field(repr=False)

    def __len__(self) -> int:
        return int(self.group.size)

    def of(self, *groups: Group) -> NDArray[np.int64]:
        """The people of these groups, ascending."""
        return np.flatnonzero(np.isin(self.group, [int(group) for group in groups]))


def settle(rng: np.random.Generator, geography: Geography, people: int) -> Population:
    """Draw `people` persons; group sizes follow SHARES up to rounding."""
    edges = np.rint(np.cumsum(list(SHARES.values())) * people).astype(np.int64)
    group = np.searchsorted(edges, np.arange(people), side="right").astype(np.int8)
    bed = np.full(people, ELSEWHERE, dtype=np.int16)
    home = np.full(people, "", dtype=object)
    for kind, areas in BEDS.items():
        members = np.flatnonzero(group == kind)
        area_of = _draw(rng, areas, members.size)
        for area in areas:
            if area:
                sleepers = members[area_of == area]
                bed[sleepers] = geography.draw(rng, area, sleepers.size)
        if kind in HOMES:
            home[members] = _draw(rng, HOMES[kind], members.size)
    foreign = group == Group.FOREIGNER
    mcc = np.where(foreign, _draw(rng, COUNTRIES, people), FRANCE)
    phone = rng.choice(np.array(list(PHONES), dtype=np.int8), size=people, p=list(PHONES.values()))
    return Population(
        group=group,
        bed=bed,
        phone=phone,
        subscriber=_subscribers(rng, mcc),
        mcc=tuple(mcc.tolist()),
        home=tuple(home.tolist()),
        rat=tuple(_draw(rng, TECHNOLOGIES, people).tolist()),
    )


def _draw(rng: np.random.Generator, odds: dict[str, float], size: int) -> NDArray[np.str_]:
    return rng.choice(np.array(list(odds)), size=size, p=list(odds.values()))


def _subscribers(rng: np.random.Generator, mcc: NDArray[np.str_]) -> tuple[bytes, ...]:
    """Distinct IMSIs: country, network 01, ten digits. An odd step not divisible by 5 visits every number once."""
    space = 10_000_000_000
    step = 10 * int(rng.integers(space // 100, space // 11)) + 7
    first = int(rng.integers(0, space))
    return tuple(
        f"{country}01{(first + step * index) % space:010d}".encode() for index, country in enumerate(mcc.tolist())
    )
