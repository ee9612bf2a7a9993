"""``make bench-accuracy``: published numbers of a simulated festival against its truth, and how sure extrapolation is.

Two questions, and a part of the output for each. How far are the numbers from where people truly were? That is the
error of the network's positions, of visits guessed from events, and of what is done for privacy. And how often does the
interval of a number that was extrapolated to people hold the number that would have been counted had everybody been a
customer? That is about sampling and the error of published numbers alone. Prints Markdown, and a JSON line at the end.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.command import end
from bench.coverage import SIZES, Coverage, Extrapolation, Held, coverage, of_size
from bench.day_errors import LayerErrors
from bench.festival_day import FestivalDay, RawKey
from bench.markdown import percent, table
from bench.verdict import emit
from simulator.population import FRANCE
from sinks.extrapolation import ANY, MarketShares, quantile


class _Market(NamedTuple):
    """A market: its name, and the share of the operator among SIMs of the country and foreign ones."""

    name: str
    national: float
    foreign: float

    def of_each(self, day: FestivalDay) -> NDArray[np.float64]:
        """The probability of each person to be a customer, float64 (people,)."""
        return np.where(np.array(day.festival.population.mcc) == FRANCE, self.national, self.foreign)

    def shares(self, day: FestivalDay) -> MarketShares:
        """The table that the operator would write; for what is of any origin, the mean over all people."""
        mean = float(self.of_each(day).mean())
        rows = dict.fromkeys(("local", "national", "unknown"), self.national) | {"foreign": self.foreign, ANY: mean}
        return MarketShares({(ANY, origin): share for origin, share in rows.items()})


class _Method(NamedTuple):
    """A market, and how numbers are extrapolated in it."""

    market: _Market
    by_origin: bool

    @property
    def name(self) -> str:
        """For the table and the JSON."""
        return f"{self.market.name}, {'by origin' if self.by_origin else 'one share'}"


def run(people: int, seed: int, trials: int, shares: tuple[float, float]) -> dict[str, object]:
    """Print all tables; returns what they come to. ``shares``: of the operator among national and foreign SIMs."""
    day = FestivalDay(people, seed)
    everybody = day.count(_key(seed, 0))
    print(f"# Accuracy: {people:,} people, {day.records:,} records, seed {seed}\n")
    print("## Published numbers against where people truly were\n")
    errors: dict[str, object] = {}
    for layer in day.places.layers:
        of_layer = LayerErrors(day, everybody.released, layer.name)
        print("\n".join(of_layer.tables()))
        errors[layer.name] = of_layer.summary()
    equal = _Market("equal shares", shares[0], shares[0])
    unequal = _Market("foreigners less", *shares)
    found: dict[_Method, list[list[Held]]] = {}
    for market in (equal, unequal):
        found |= _covered(day, everybody.raw, market, trials, seed)
    print(_coverage_table(found, trials, day.settings.people.confidence))
    return {
        "people": people,
        "seed": seed,
        "records": day.records,
        "errors": errors,
        "trials": trials,
        "confidence": day.settings.people.confidence,
        "coverage": {
            method.name: {_size(size): each._asdict() for size, each in _by_size(held)}
            for method, held in found.items()
        },
    }


def _covered(
    day: FestivalDay, everybody: Mapping[RawKey, Mapping[str, int]], market: _Market, trials: int, seed: int
) -> dict[_Method, list[list[Held]]]:
    """The extrapolated numbers of each trial, by method."""
    areas = {layer.name: dict(zip(layer.ids, layer.areas, strict=True)) for layer in day.places.layers}
    about = market.shares(day), areas, day.settings.privacy.noise, quantile(day.settings.people.confidence)
    methods = {_Method(market, by_origin): Extrapolation(*about, by_origin) for by_origin in (False, True)}
    found: dict[_Method, list[list[Held]]] = {method: [] for method in methods}
    for trial in range(trials):
        drawn = np.random.default_rng([seed, trial, 1]).random(len(day.festival.population))
        counted = day.count(_key(seed, 1 + trial), drawn < market.of_each(day))
        for method, extrapolation in methods.items():
            found[method].append(extrapolation.of(counted, everybody))
    return found


def _key(seed: int, number: int) -> bytes:
    """The key of a run's epoch."""
    return np.random.default_rng([seed, number, 2]).bytes(32)


def _by_size(trials: list[list[Held]]) -> Iterator[tuple[tuple[int, int], Coverage]]:
    """What the trials say of all numbers, and of those of each size."""
    for size in ((0, SIZES[-1][1]), *SIZES):
        if found := coverage(of_size(trials, size)):
            yield size, found


def _coverage_table(found: Mapping[_Method, list[list[Held]]], trials: int, confidence: float) -> str:
    rows = [
        (
            f"{method.name}: {_size(size)}",
            f"{each.numbers:,}",
            f"{percent(each.share)} (± {100 * each.error:.1f})",
            f"± {percent(each.width)}",
            percent(each.bias, signed=True),
        )
        for method, held in found.items()
        for size, each in _by_size(held)
    ]
    return "\n".join(
        [
            "## Extrapolation to people: how often the interval holds\n",
            f"{trials} trials a market, each with other customers. The number to be held is the one that would have",
            "been counted had everybody been a customer: the interval is about sampling and the error of published",
            "numbers, not about the error of positions, which is above.\n",
            table(
                f"Intervals of {percent(confidence)}",
                ("market, method: counted of everybody", "numbers", "held", "width", "bias"),
                rows,
            ),
        ]
    )


def _size(size: tuple[int, int]) -> str:
    if size == (0, SIZES[-1][1]):
        return "all"
    return f"{size[0]:,} to {size[1] - 1:,}" if size[1] < SIZES[-1][1] else f"{size[0]:,} and more"


def main() -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trials", type=int, default=40, help="customers drawn anew, in each of two markets")
    parser.add_argument("--share", type=float, default=0.4, help="of the operator among national SIMs")
    parser.add_argument("--foreign-share", type=float, default=0.25, help="of the operator among foreign SIMs")
    arguments = parser.parse_args()
    shares = arguments.share, arguments.foreign_share
    emit({"bench": "accuracy", **run(arguments.people, arguments.seed, arguments.trials, shares)})
    return 0


if __name__ == "__main__":
    end(main)
