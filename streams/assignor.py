"""Which worker gets which partitions: those of events and of the frontier that have the same number go together."""

from __future__ import annotations

from typing import Any

from faust.assignor.partition_assignor import PartitionAssignor

#: Without standby replicas Faust takes the round robin of aiokafka instead, which deals out partitions one by one over
#: all topics: a worker would be told what the shard of another one has to know. There are no tables, so none are made.
STANDBY_REPLICAS = 1


class TogetherAssignor(PartitionAssignor):
    """Faust's assignor without the standby replicas by which it is chosen: with them it leaves workers without work."""

    def __init__(self, app: Any, replicas: int = 0) -> None:
        super().__init__(app, replicas=0)
