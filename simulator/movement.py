"""How each group spends the weekend: the true whereabouts of every person, minute by minute."""

import numpy as np
from numpy.typing import NDArray

from simulator.diary import Diary, Minutes, People
from simulator.geography import ELSEWHERE, Geography
from simulator.population import Group, Population
from simulator.programme import DAY, at

SATURDAY, SUNDAY = 0, 1

NORTH_OF_TOWN = 46.095
"""Latitude (degrees) beyond which a neighbour drives in by the northern road."""


def whereabouts(rng: np.random.Generator, geography: Geography, population: Population) -> NDArray[np.int16]:
    """The spot of each person at each festival minute, (people, MINUTES) int16."""
    diary = Diary(rng, geography, population.bed)
    sleepers_elsewhere = population.bed == ELSEWHERE
    foreigners = population.of(Group.FOREIGNER)
    _residents(diary, population.of(Group.RESIDENT))
    _neighbours(diary, population.of(Group.NEIGHBOUR))
    _train_visitors(diary, population.of(Group.TRAIN))
    _car_visitors(diary, population.of(Group.CAR))
    _car_visitors(diary, foreigners[sleepers_elsewhere[foreigners]])
    guests = np.concatenate([population.of(Group.TOURIST), foreigners[~sleepers_elsewhere[foreigners]]])
    _guests(diary, guests)
    return diary.positions()


def _residents(diary: Diary, people: People) -> None:
    """Market in the morning, some to La Rochelle for the day, most out in the evening; all sleep at home."""
    for day, shares in ((SATURDAY, (0.45, 0.15, 0.75)), (SUNDAY, (0.40, 0.03, 0.55))):
        shops, works, goes_out = diary.rng.random((3, people.size)) < np.array(shares)[:, None]
        shoppers = people[shops & ~works]
        morning = _around(diary, "10:00", 45, shoppers.size, day)
        diary.note(shoppers, morning, diary.geography.draw(diary.rng, "centre", shoppers.size))
        diary.sleep(shoppers, morning + diary.rng.integers(30, 90, shoppers.size))
        workers = people[works]
        diary.note(
            workers,
            _around(diary, "08:40", 20, workers.size, day),
            diary.geography.draw(diary.rng, "la-rochelle", workers.size),
        )
        diary.sleep(workers, _around(diary, "17:45", 25, workers.size, day))
        revellers = people[goes_out]
        arrive = _around(diary, "17:30", 100, revellers.size, day, earliest="13:00")
        # A worker who goes out does so after work.
        arrive = np.where(works[goes_out], np.maximum(arrive, at("19:00", day)), arrive)
        leave = np.maximum(_evening_end(diary, revellers.size, day), arrive + 40)
        diary.stroll(revellers, arrive, leave)
        diary.sleep(revellers, leave)


def _neighbours(diary: Diary, people: People) -> None:
    """Some are about in La Rochelle by day; many drive over for the evening, most of them on Saturday."""
    for day, out, comes in ((SATURDAY, 0.5, 0.5), (SUNDAY, 0.3, 0.25)):
        strolling, visiting = diary.rng.random((2, people.size)) < np.array([[out], [comes]])
        strollers = people[strolling]
        off = _around(diary, "10:30", 50, strollers.size, day)
        diary.note(strollers, off, diary.geography.draw(diary.rng, "la-rochelle", strollers.size))
        diary.sleep(strollers, off + diary.rng.integers(90, 270, strollers.size))
        visitors = people[visiting]
        parked = _around(diary, "18:30", 75, visitors.size, day, earliest="15:30")
        leave = np.maximum(_evening_end(diary, visitors.size, day), parked + 60)
        north = diary.geography.lat[diary.bed[visitors]] > NORTH_OF_TOWN
        for side, mine in (("north", north), ("near", ~north)):
            _by_road(diary, visitors[mine], parked[mine], leave[mine], side)


def _train_visitors(diary: Diary, people: People) -> None:
    """One day each, three in five on Saturday; those who sleep in La Rochelle come from the north, others from the
    south."""
    day = (diary.rng.random(people.size) < 0.4).astype(np.int64)
    wanted = _spread(diary, people.size, day)
    leave = np.maximum(_evening_end(diary, people.size, day), wanted + 150)
    leave = np.where(day == SATURDAY, np.minimum(leave, at("00:58")), leave)  # the last special trains
    northern = diary.bed[people] != ELSEWHERE
    for side, mine in (("north", northern), ("south", ~northern)):
        walk = diary.train_in(people[mine], wanted[mine], side)
        platform = diary.train_out(people[mine], leave[mine], side)
        diary.stroll(people[mine], walk, platform)


def _car_visitors(diary: Diary, people: People) -> None:
    """One day each, three in five on Saturday, most by the A837 and Rochefort, the others by La Rochelle."""
    day = (diary.rng.random(people.size) < 0.4).astype(np.int64)
    parked = _spread(diary, people.size, day)
    leave = np.maximum(_evening_end(diary, people.size, day), parked + 120)
    north = diary.rng.random(people.size) < 0.35
    for side, mine in (("north", north), ("south", ~north)):
        _by_road(diary, people[mine], parked[mine], leave[mine], side)


def _guests(diary: Diary, people: People) -> None:
    """They sleep at a campsite or hotel; three in ten check in on Saturday, a quarter leave on Sunday, by car."""
    checks_in, checks_out = diary.rng.random((2, people.size)) < np.array([[0.30], [0.25]])
    check_in = np.where(checks_in, at("10:00") + diary.rng.integers(0, 480, people.size), 0)
    check_out = np.where(checks_out, at("10:00", SUNDAY) + diary.rng.integers(0, 420, people.size), 2 * DAY)
    comers = people[checks_in]
    diary.note(comers, 0, ELSEWHERE)
    diary.sleep(comers, diary.drive_in(comers, check_in[checks_in], "south"))
    for day in (SATURDAY, SUNDAY):
        arrive = np.maximum(_around(diary, "11:00", 60, people.size, day, earliest="08:00"), check_in + 45)
        leave = np.minimum(_evening_end(diary, people.size, day), check_out - 40)
        stays = (diary.rng.random(people.size) < 0.93) & (arrive < leave)
        diary.stroll(people[stays], arrive[stays], leave[stays])
        diary.sleep(people[stays], leave[stays])
    goers = people[checks_out]
    diary.note(goers, diary.drive_out(goers, check_out[checks_out], "south"), ELSEWHERE)


def _by_road(diary: Diary, people: People, parked: Minutes, leave: Minutes, side: str) -> None:
    walk = diary.drive_in(people, parked, side)
    diary.stroll(people, walk, leave)
    diary.sleep(people, diary.drive_out(people, leave, side))


def _around(diary: Diary, time: str, spread: int, size: int, day: Minutes | int, earliest: str = "07:30") -> Minutes:
    """Minutes normally spread around a time of a day, none before `earliest`."""
    minutes = np.rint(diary.rng.normal(at(time), spread, size)).astype(np.int64)
    around: Minutes = np.maximum(minutes, at(earliest)) + np.multiply(day, DAY)
    return around


def _spread(diary: Diary, size: int, day: Minutes) -> Minutes:
    """Arrival of day visitors: one wave before noon, a larger one before the evening."""
    early = _around(diary, "11:30", 60, size, day)
    late = np.minimum(_around(diary, "17:00", 90, size, day), at("20:30") + day * DAY)
    return np.where(diary.rng.random(size) < 0.4, early, late)


def _evening_end(diary: Diary, size: int, day: Minutes | int) -> Minutes:
    """When people turn home: two in three stay for the fireworks on Saturday; none later than 02:30."""
    until_late = diary.rng.random(size) < np.where(np.asarray(day) == SATURDAY, 0.68, 0.10)
    late = np.clip(diary.rng.normal(at("00:20"), 40, size), at("23:25"), at("02:30"))
    early = np.clip(diary.rng.normal(at("20:15"), 95, size), at("15:00"), at("23:00"))
    minutes = np.rint(np.where(until_late, late, early)).astype(np.int64)
    return minutes + np.asarray(day, dtype=np.int64) * DAY
