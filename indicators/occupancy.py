"""How full a zone was over a day, and its flows: derived from released numbers, so it tells no more than they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Flow = tuple[str, str]
"""From which zone to which."""


class Occupancy(NamedTuple):
    """A zone over a local day, by the published ones of its shortest windows.

    ``peak``: the largest number of people, and ``peak_start`` the start (UTC ms) of the first window that has it;
    ``mean``: of the published windows; ``windows``: how many these are; ``turnover``: people of the day by ``mean``,
    that is how often the crowd was another one, or None where the day's number is not published.
    """

    peak: int
    peak_start: int
    mean: float
    windows: int
    turnover: float | None


class Through(NamedTuple):
    """People into a zone and out of it: sums over its published flows, None where none is published."""

    arriving: int | None
    leaving: int | None


def occupancy(people: Mapping[int, int], day_people: int | None) -> Occupancy | None:
    """The occupancy of a zone from the released people of the shortest windows of a day by their start (UTC ms), and
    of the day; None without a published window.

    Windows that are not published are in no mean: where the quiet ones are below the threshold, the mean is that of the
    others, too high for the day, and the turnover too low. ``windows`` tells how many took part. Each number has its
    error, so that among peaks of close size the first is not surely the largest.
    """
    if not people:
        return None
    peak = max(people.values())
    mean = sum(people.values()) / len(people)
    return Occupancy(
        peak,
        min(start for start, number in people.items() if number == peak),
        mean,
        len(people),
        None if day_people is None else day_people / mean,
    )


def top_flows(flows: Mapping[Flow, int], n: int) -> list[tuple[Flow, int]]:
    """The ``n`` largest of released flows, the largest first; equal ones in the order of their names."""
    return sorted(flows.items(), key=lambda flow: (-flow[1], flow[0]))[:n]


def flows_through(flows: Mapping[Flow, int]) -> dict[str, Through]:
    """For each zone that a released flow names, outside included, the sums of its flows in and out.

    Who went to two zones is in two flows and counts twice; flows below the threshold are missing.
    """
    arriving: dict[str, int] = {}
    leaving: dict[str, int] = {}
    for (origin, to), people in flows.items():
        leaving[origin] = leaving.get(origin, 0) + people
        arriving[to] = arriving.get(to, 0) + people
    return {zone: Through(arriving.get(zone), leaving.get(zone)) for zone in sorted({*arriving, *leaving})}
