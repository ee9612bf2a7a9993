"""How workers share the partitions of their group, and the times by which the group notices that one is gone.

Faust takes aiokafka's assignor from its driver module, by name; :func:`share_by_number` puts ours there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.transport.drivers import aiokafka as driver

from config.settings import KafkaSettings

#: Seconds. aiokafka asks a member that was idle for longer to leave the group, and never lets it back in; a worker
#: without a partition is idle. Whether a worker lives is told by its heartbeats.
_NEVER_IDLE = 1e9

#: A heartbeat may get lost, or two, before the session ends.
_HEARTBEATS_A_SESSION = 5

_LONGER = 10.0


class ByNumber(AbstractPartitionAssignor):  # type: ignore[misc]
    """Gives a partition number of every topic to the same member, so that a shard's frontier is where its events are.

    Members in the order of their ids take the numbers in turn. The id of a static member begins with its instance's
    name, so that the same workers share in the same way after every rebalance.
    """

    name = "by-number"
    version = 0

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Which partitions each member gets; every member reads the same topics."""
        ordered = sorted(members)
        topics = sorted({topic for metadata in members.values() for topic in metadata.subscription})
        shares: dict[str, dict[str, list[int]]] = {member: {} for member in ordered}
        for topic in topics:
            for partition in sorted(cluster.partitions_for_topic(topic) or ()):
                shares[ordered[partition % len(ordered)]].setdefault(topic, []).append(partition)
        return {
            member: ConsumerProtocolMemberAssignment(cls.version, sorted(share.items()), b"")
            for member, share in shares.items()
        }

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """What a member says of itself when it joins."""
        return ConsumerProtocolMemberMetadata(cls.version, sorted(topics), b"")

    @classmethod
    def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Nothing is kept from one assignment to the next."""


def share_by_number() -> None:
    """From now on, Faust's consumers of this process join their group with :class:`ByNumber`."""
    driver.RoundRobinPartitionAssignor = ByNumber  # type: ignore[attr-defined]


def group_options(kafka: KafkaSettings) -> dict[str, Any]:
    """What Faust's application needs for the membership that the settings describe."""
    session, rebalance = kafka.session_timeout / 1000, kafka.rebalance_timeout / 1000
    return {
        "broker_session_timeout": session,
        "broker_heartbeat_interval": session / _HEARTBEATS_A_SESSION,
        "broker_rebalance_timeout": rebalance,
        # joining is answered when all have joined; and Faust wants it longer than the session
        "broker_request_timeout": max(session, rebalance) + _LONGER,
        "broker_max_poll_interval": _NEVER_IDLE,
        "consumer_group_instance_id": kafka.instance,
    }
