"""What a run left in Kafka and Redis, in the oracle's shape; a test fails where it contradicts itself."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from config.settings import Settings
from foule.oracle.oracle import Keys, Tallies
from foule.proof import in_redis, on_kafka
from foule.proof.logs import applied_advances, dead_letters, due_letters, event_logs, locator, oracle_of
from foule.proof.released import Released
from foule.proof.tallies import TallyLog
from streams.counting import Counting
from zones import Layer

__all__ = ["applied_advances", "dead_letters", "due_letters", "event_logs", "locator", "oracle_of", "raw_tallies"]
__all__ += ["released_in_kafka", "released_in_redis", "released_of_values"]


def raw_tallies(settings: Settings, layers: Sequence[Layer], keys: Keys) -> dict[int, Tallies]:
    """By shard, the raw counts that the tallies topic holds, before any threshold; ``keys``: of the epochs."""
    with TallyLog(settings, keys) as log:
        log.read()
    tallies = log.by_shard(Counting.of(settings, layers).cells)
    assert log.problems == []
    return tallies


def released_in_kafka(settings: Settings) -> Tallies:
    """All that the output topics hold."""
    return _sound(on_kafka.of_topics(settings))


def released_of_values(settings: Settings, values: Iterable[Mapping[str, Any]]) -> Tallies:
    """Published records (docs/contracts.md) as windows."""
    return _sound(on_kafka.of_values(settings, values))


def released_in_redis(settings: Settings) -> Tallies:
    """All windows that Redis holds, with all their indicators; live hashes and series say the same."""
    return _sound(in_redis.of_redis(settings))


def _sound(released: Released) -> Tallies:
    assert released.problems == []
    return released.tallies
