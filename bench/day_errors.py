"""How far the numbers of the festival's day are from the truth behind them: tables by zone, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from anonymizer.gate import ReleasedWindow
from bench.errors import Errors, Pair, beside, beside_merged, beside_pooled, distance
from bench.festival_day import FULL_DAY, ONE_DAY, ONE_HOUR, RULES, FestivalDay
from bench.markdown import people, percent, table
from indicators.calendar import label_of_width
from simulator.day_truth import DayTruth, Parts
from simulator.population import Phone

_HOURS = "presence_1h"
_DAY = "presence_1d"

Matching = Callable[[Mapping[str, int], Mapping[str, int]], dict[str, Pair]]


class _Parted(NamedTuple):
    """An indicator that parts the devices of a zone: its title, and how its segments are put beside the true ones."""

    name: str
    title: str
    beside: Matching


_PARTED = (
    _Parted("categories", "categories of the day", beside_pooled),
    _Parted("dwell", "dwell, longest stay that ended in the day", beside_merged),
    _Parted("origins", "origins of the day", beside_pooled),
    _Parted("night_origins", "nights by origin", beside_pooled),
    _Parted("catchment", "catchment", beside_pooled),
)


class LayerErrors:
    """The errors of one layer: of what was ``released`` against the truth of those whose phone is on, whom the network
    can see at all."""

    def __init__(self, day: FestivalDay, released: list[ReleasedWindow], layer: str) -> None:
        self._layer = layer
        self._seen = DayTruth(day.festival, day.places, layer, 0, RULES, day.festival.population.phone == Phone.ON)
        self._all = DayTruth(day.festival, day.places, layer, 0, RULES)
        windows = [window for window in released if window.layer == layer]
        self._hours = [window for window in windows if window.width == label_of_width(ONE_HOUR)]
        [self._day] = [window for window in windows if window.width == label_of_width(ONE_DAY)]
        self._true: dict[str, Parts] = {
            "categories": self._seen.categories(),
            "dwell": self._seen.dwell(FULL_DAY.start, FULL_DAY.end),
            "origins": self._seen.origins(FULL_DAY.start, FULL_DAY.end),
            "night_origins": self._seen.night_origins(),
            "catchment": self._seen.catchment(),
        }

    def tables(self) -> Iterator[str]:
        """Markdown tables by zone."""
        day = FULL_DAY.start, FULL_DAY.end
        yield self._zone_table("people of the day", "people", self._seen.presence(*day), self._all.presence(*day))
        yield self._hours_table()
        if any("nights" in numbers for numbers in self._day.zones.values()):
            yield self._zone_table("nights", "nights", self._seen.nights(), self._all.nights())
        for parted in _PARTED:
            if parted.name in self._day.parts:
                yield self._parted_table(parted)

    def summary(self) -> dict[str, object]:
        """The errors of each indicator over all zones; of segments also the mean distance of their shares."""
        day = self._beside("people", self._seen.presence(FULL_DAY.start, FULL_DAY.end))
        nights = self._beside("nights", self._seen.nights())
        hours = [pair for pairs in self._by_hour().values() for pair in pairs]
        found: dict[str, object] = {
            name: errors._asdict()
            for name, pairs in ((_DAY, day.values()), (_HOURS, hours), ("nights", nights.values()))
            if (errors := Errors.of(pairs))
        }
        for parted in _PARTED:
            zones = [pairs for _, pairs in self._pairs(parted)]
            if errors := Errors.of(pair for pairs in zones for pair in pairs.values()):
                apart = [apart for pairs in zones if (apart := distance(pairs.values())) is not None]
                found[parted.name] = {**errors._asdict(), "distance": sum(apart) / len(apart)}
        return found

    def _beside(self, field: str, true: Mapping[str, int]) -> dict[str, Pair]:
        return beside({zone: n[field] for zone, n in self._day.zones.items() if field in n}, true)

    def _by_hour(self) -> dict[str, list[Pair]]:
        """The people of each published hour of each zone."""
        pairs: dict[str, list[Pair]] = {zone: [] for zone in self._seen.layer.ids}
        for window in self._hours:
            published = {zone: n["people"] for zone, n in window.zones.items() if "people" in n}
            for zone, pair in beside(published, self._seen.presence(window.start, window.end)).items():
                pairs[zone].append(pair)
        return pairs

    def _pairs(self, parted: _Parted) -> Iterator[tuple[str, dict[str, Pair]]]:
        for (zone,), published in self._day.parts.get(parted.name, {}).items():
            yield zone, parted.beside(published, self._true[parted.name].get(zone, {}))

    def _zone_table(self, title: str, field: str, true: Mapping[str, int], everybody: Mapping[str, int]) -> str:
        pairs = self._beside(field, true)
        rows = [
            (
                zone,
                people(pairs[zone].published) if zone in pairs else "-",
                people(true[zone]),
                _off(pairs.get(zone)),
                people(everybody[zone]),
            )
            for zone in true
        ]
        return table(
            f"{self._layer}: {title}", ("zone", "published", "true, phone on", "error", "true, everybody"), rows
        )

    def _hours_table(self) -> str:
        rows = []
        for zone, pairs in self._by_hour().items():
            if errors := Errors.of(pairs):
                figures = percent(errors.relative), percent(errors.bias, signed=True)
                rows.append((zone, errors.numbers, people(errors.mean), people(errors.absolute), *figures))
        header = ("zone", "hours published", "true mean", "mean error", "relative", "bias")
        return table(f"{self._layer}: people of each hour", header, rows)

    def _parted_table(self, parted: _Parted) -> str:
        rows: list[tuple[str, ...]] = []
        for zone, pairs in self._pairs(parted):
            published, true = (sum(column) for column in zip(*pairs.values(), strict=True))
            for name, pair in pairs.items():
                shares = percent(pair.published / published), percent(pair.true / true if true else None)
                rows.append((f"{zone}, {name}", people(pair.published), people(pair.true), _off(pair), *shares))
            rows.append((f"**{zone}**, distance of shares", "", "", "", percent(distance(pairs.values())), ""))
        header = ("zone, segment", "published", "true, phone on", "error", "published share", "true share")
        return table(f"{self._layer}: {parted.title}", header, rows)


def _off(pair: Pair | None) -> str:
    """A number's error as a share of the true one."""
    return percent((pair.published - pair.true) / pair.true if pair and pair.true else None, signed=True)
