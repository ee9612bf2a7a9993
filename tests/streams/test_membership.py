"""Who gets which partitions, and how long the group waits for whom."""

from __future__ import annotations

import pytest
from faust.transport.drivers import aiokafka as driver

from config.settings import Duration, KafkaSettings
from streams.membership import ByNumber, group_options, share_by_number

TOPICS = {"events": 5, "foule.frontier": 5, "foule.tallies": 1}


class Cluster:
    """How many partitions each topic has."""

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(TOPICS[topic])) if topic in TOPICS else None


def shares(members: list[str], topics: list[str]) -> dict[str, dict[str, list[int]]]:
    said = {member: ByNumber.metadata(topics) for member in members}
    assigned = ByNumber.assign(Cluster(), said)
    return {member: dict(assignment.assignment) for member, assignment in assigned.items()}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7])
def test_every_partition_has_one_owner_and_a_number_is_the_same_owners_in_every_topic(count: int) -> None:
    shared = shares([f"worker-{number}" for number in range(count)], [*TOPICS])
    owners: dict[tuple[str, int], str] = {}
    for member, share in shared.items():
        for topic, partitions in share.items():
            for partition in partitions:
                assert owners.setdefault((topic, partition), member) == member
    assert sorted(owners) == sorted((topic, number) for topic, n in TOPICS.items() for number in range(n))
    assert all(owners["events", number] == owners["foule.frontier", number] for number in range(5))
    sizes = [len(share.get("events", [])) for share in shared.values()]
    assert max(sizes) - min(sizes) <= 1


def test_a_topic_that_is_not_there_is_nobodys() -> None:
    assert shares(["a", "b"], ["events", "unknown"]) == {"a": {"events": [0, 2, 4]}, "b": {"events": [1, 3]}}


def test_fausts_consumers_join_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "RoundRobinPartitionAssignor"
    monkeypatch.setattr(driver, name, getattr(driver, name))
    share_by_number()
    assert getattr(driver, name) is ByNumber


@pytest.mark.parametrize(("session", "rebalance"), [(10, 30), (60, 3), (1800, 60)])
def test_several_heartbeats_fit_into_a_session_and_a_request_outlasts_both(session: int, rebalance: int) -> None:
    times = group_options(
        KafkaSettings(session_timeout=Duration(session * 1000), rebalance_timeout=Duration(rebalance * 1000))
    )
    assert times["broker_heartbeat_interval"] <= session / 3
    assert times["broker_request_timeout"] > max(session, rebalance)
    assert (times["broker_session_timeout"], times["broker_rebalance_timeout"]) == (session, rebalance)
