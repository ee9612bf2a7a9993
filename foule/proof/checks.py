"""The checks: raw tallies, decisions and published numbers against the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import asdict

from config.settings import Settings
from foule.oracle.publication import Rules
from foule.oracle.result import ALL, Result, Tallies, WindowKey, add
from foule.oracle.visits import Cell
from foule.proof import in_redis, on_kafka
from foule.proof.derived import occupancy_of, people_of, quartiles_of
from foule.proof.differences import compare, window_in_words
from foule.proof.released import Estimates, Occupancies, Released
from foule.proof.tallies import TallyLog
from indicators.calendar import label_of_start
from indicators.cells import OF_PAIRS, Cells
from streams.counting import Counting
from zones import Layer


class Check(NamedTuple):
    """One thing that must hold: what, whether it does, and the figures that show it."""

    name: str
    holds: bool
    detail: str


class Proof(NamedTuple):
    """The checks, and the windows that Redis holds."""

    checks: list[Check]
    released: Released


def prove(settings: Settings, layers: Sequence[Layer], oracle: Result, tallies: TallyLog) -> Proof:
    """Read what was published back and compare it with the oracle; the release must have caught up.

    ``tallies``: read to its end. Raises ServiceError, ContractError.
    """
    expected = oracle.released(Rules.of(settings, layers), tallies.label)
    redis, topics = in_redis.of_redis(settings), on_kafka.of_topics(settings)
    of_redis = _without_pairs(people_of(settings, layers, redis.tallies))
    checks = [
        check_tallies(tallies, Counting.of(settings, layers).cells, oracle),
        check_decisions(tallies, oracle),
        check_windows("windows in Redis", redis, expected),
        check_numbers("numbers in Redis", redis, expected),
        check_numbers("numbers on the Kafka topics", topics, expected),
        check_quartiles("quartiles in Redis", redis),
        check_quartiles("quartiles on the Kafka topics", topics),
        check_people("people estimated in Redis", redis, of_redis),
        check_people("people estimated on the Kafka topics", topics, people_of(settings, layers, topics.tallies)),
        check_occupancy(redis, occupancy_of(settings, expected)),
    ]
    return Proof(checks, redis)


def check_tallies(tallies: TallyLog, cells: Sequence[Cells], oracle: Result) -> Check:
    """Whether every shard's raw tallies of complete windows are the oracle's; of a shuffled feed, their sums."""
    expected = {shard: oracle.complete(shard) for shard in oracle.by_shard}
    found = tallies.by_shard(cells)
    if ALL in expected:
        found = {ALL: add(found.values())}
    wrong = _in_words(compare(expected, found), tallies.problems)
    count = sum(Released(of_shard).numbers for of_shard in expected.values())
    return Check(
        "raw tallies of all shards together" if ALL in expected else "raw tallies of every shard",
        not wrong,
        wrong or f"{count:,} counts, all as the oracle's",
    )


def check_decisions(tallies: TallyLog, oracle: Result) -> Check:
    """Whether exactly the complete windows are decided, every shard in them."""
    wrong = sorted(oracle.complete().keys() ^ tallies.decisions.keys())
    detail = f"{len(tallies.decisions):,}, with something to publish in {tallies.released:,}"
    if wrong:
        detail += f"; {len(wrong):,} are not those that were complete ({window_in_words(wrong[0])})"
    if tallies.incomplete:
        detail += f"; {tallies.incomplete:,} without every shard"
    return Check("complete windows decided", not wrong and not tallies.incomplete, detail)


def check_windows(name: str, found: Released, expected: Tallies) -> Check:
    """Whether the windows that are there are those that must be released."""
    wrong = sorted(expected.keys() ^ found.tallies.keys())
    detail = f"{len(found.tallies):,}; {len(expected):,} must be released"
    return Check(name, not wrong, f"{detail} ({window_in_words(wrong[0])})" if wrong else detail)


def check_numbers(name: str, found: Released, expected: Tallies) -> Check:
    """Whether every number is the oracle's, and nothing contradicts itself or the contract."""
    wrong = _in_words(compare(expected, found.tallies), found.problems)
    return Check(name, not wrong, wrong or f"{Released(expected).numbers:,}, all as the oracle's")


def check_quartiles(name: str, found: Released) -> Check:
    """Whether every published histogram of lengths of stay has its quartiles beside it, and nothing else has any."""
    wrong = compare(quartiles_of(found.tallies), found.quartiles)
    return Check(name, not wrong, wrong or f"of {_count(found.quartiles):,} histograms, all follow from them")


def check_people(name: str, found: Released, expected: Estimates) -> Check:
    """Whether the people who are estimated follow from the published numbers, and are there if they must be."""
    wrong = compare(expected, found.estimates)
    right = f"of {_count(expected):,} numbers, all follow from them" if expected else "none, without market shares"
    return Check(name, not wrong, wrong or right)


def check_occupancy(found: Released, expected: Occupancies) -> Check:
    """Whether Redis has the occupancy of each day and zone that follows from the numbers that must be released."""
    wrong = compare(_fields(expected), _fields(found.occupancy))
    zones = sum(len(of_day) for of_layer in expected.values() for of_day in of_layer.values())
    return Check("occupancy in Redis", not wrong, wrong or f"of {zones:,} zones and days, all as by the oracle")


def _without_pairs(people: Estimates) -> Estimates:
    """Redis has no room for an estimate beside the number of a pair."""
    return {
        window: {name: cells for name, cells in indicators.items() if name not in OF_PAIRS}
        for window, indicators in people.items()
        if indicators.keys() - OF_PAIRS
    }


def _count(found: Mapping[WindowKey, Mapping[str, Mapping[Cell, object]]]) -> int:
    return sum(len(cells) for indicators in found.values() for cells in indicators.values())


def _fields(found: Occupancies) -> dict[str, dict[str, dict[str, dict[str, object]]]]:
    """By layer, local day, zone and field."""
    return {
        layer: {
            label_of_start(day): {zone: asdict(value) for zone, value in zones.items()} for day, zones in days.items()
        }
        for layer, days in found.items()
    }


def _in_words(differences: str, problems: Sequence[str]) -> str:
    """Both in one line, of the problems the first."""
    others = [f"{len(problems):,} contradictory or not as the contract says ({problems[0]})"] if problems else []
    return "; ".join([*filter(None, [differences]), *others])
