"""The topics of foule: which there are, with what settings; creates what is missing and says what differs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from config.errors import TopicsError
from config.settings import Settings
from config.times import DAY, HOUR
from streams.connection import administration
from streams.log_ends import were_written

MAX_RECORD_BYTES = 1_048_588
"""The largest record batch of most topics: what Kafka takes unless told otherwise."""

MAX_REJECTED_BYTES = 2 * MAX_RECORD_BYTES
"""A dead letter is the original value and its headers, so a little larger than the largest event."""

MAX_TALLY_BYTES = 16 * 1024 * 1024
"""A tally or a decision holds a whole window of a layer, flows included."""

_CHECKPOINT_SEGMENT_BYTES = 16 * 1024 * 1024
_FRONTIER_RETENTION = DAY


class TopicPlan(NamedTuple):
    """One topic as it should be; ``config`` holds Kafka's own names and values.

    ``own`` is false for the topic of events: others may make and keep it, so that of an existing one only the
    number of partitions and the cleanup policy matter.
    """

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    own: bool = True


class TopicState(NamedTuple):
    """One topic as it is: ``problems`` is empty if it is as planned. A broker may not report ``config``."""

    plan: TopicPlan
    exists: bool
    partitions: int
    replication: int
    config: Mapping[str, str]

    @property
    def problems(self) -> list[str]:
        """What differs from the plan and what to change, a line each."""
        if not self.exists:
            return [f"topic {self.plan.name} is missing: create it with: foule topics"]
        return [*self._layout_problems(), *self._config_problems()]

    def _layout_problems(self) -> list[str]:
        plan, problems = self.plan, []
        if self.partitions != plan.partitions:
            problems.append(
                f"topic {plan.name} has {self.partitions} partitions, expected {plan.partitions}: "
                + self._partitions_advice()
            )
        if plan.own and self.replication < plan.replication:
            problems.append(
                f"topic {plan.name} has {self.replication} replicas, expected {plan.replication}: reassign"
                " them with kafka-reassign-partitions, or set topics.replication"
            )
        return problems

    def _partitions_advice(self) -> str:
        if not self.plan.own:
            return (
                f"set topics.partitions = {self.partitions} if it always had as many; where some were added later, the"
                " subscribers are in two partitions each and would be counted twice: have the feed go to a new topic"
                " (topics.events), and set topics.checkpoints and topics.tallies to new names"
            )
        if self.plan.config.get("cleanup.policy") == "compact":
            # tokens are its offsets: with smaller ones nothing would count behind the claims that are there
            return (
                "delete it and the topic of tallies, and create both again with: foule topics (what they hold is lost);"
                " empty the Redis of indicators, whose versions are offsets of tallies"
            )
        return "delete it and create it again with: foule topics (what it holds is lost)"

    def _config_problems(self) -> list[str]:
        compared = self.plan.config if self.plan.own else _only(self.plan.config, "cleanup.policy")
        different = {key: value for key, value in compared.items() if key in self.config and self.config[key] != value}
        return [
            f"topic {self.plan.name} has {key}={self.config[key]}, expected {value}: change it with"
            f" kafka-configs --alter --entity-type topics --entity-name {self.plan.name}"
            f" --add-config {key}={value}"
            for key, value in different.items()
        ]


def plan(settings: Settings) -> list[TopicPlan]:
    """Every topic that foule reads or writes, in the order of the flow."""
    topics = settings.topics
    layout: list[tuple[str, int, Mapping[str, str]]] = [
        (topics.events, topics.partitions, _kept(topics.events_retention)),
        (topics.rejected, topics.partitions, _kept(topics.rejected_retention, MAX_REJECTED_BYTES)),
        (topics.frontier, topics.partitions, _kept(_FRONTIER_RETENTION)),
        (topics.tallies, 1, _kept(topics.tallies_retention, MAX_TALLY_BYTES)),
        (topics.checkpoints, topics.partitions, _compacted()),
        (topics.epochs, 1, _compacted()),
        (topics.presence, topics.partitions, _kept(topics.output_retention)),
        (topics.flows, topics.partitions, _kept(topics.output_retention)),
        (topics.indicators, topics.partitions, _kept(topics.output_retention)),
    ]
    if settings.events.shuffle:
        layout += [
            (topics.shuffled, topics.partitions, _kept(topics.shuffled_retention)),
            (topics.sources, topics.partitions, _compacted()),
        ]
    return [
        TopicPlan(name, partitions, topics.replication, config, own=name != topics.events)
        for name, partitions, config in layout
    ]


def inspect(settings: Settings) -> list[TopicState]:
    """The state of every planned topic. Raises ServiceError if Kafka does not answer."""
    with administration(settings.kafka) as admin:
        return _states(admin, plan(settings))


def check(settings: Settings) -> list[str]:
    """What is wrong with the topics, a line each; empty if all are there and as planned.

    Raises ServiceError if Kafka does not answer.
    """
    return problems_of(inspect(settings), settings)


def problems_of(states: Sequence[TopicState], settings: Settings) -> list[str]:
    """As :func:`check`, of topics that were inspected."""
    return [problem for state in states for problem in state.problems] or _changelog_problems(settings)


def _changelog_problems(settings: Settings) -> list[str]:
    """What is wrong if changelogs were deleted and made anew, a line each.

    Tokens are offsets of the changelogs: those of new ones do not count behind the claims on the logs. An owner is in
    its changelog before it claims anything, so of two topics asked in this order the second cannot be empty alone.
    """
    topics = settings.topics
    changelogs = [topics.checkpoints, *([topics.sources] if settings.events.shuffle else [])]
    claimed, *kept = were_written(settings.kafka, [topics.tallies, *changelogs])
    return [
        f"topic {changelog} is empty and {topics.tallies} is not, so it was deleted, and nothing that is counted now"
        f" would count there: delete {', '.join(_claimed(settings))} too and create them with: foule topics (what they"
        " hold is lost); empty the Redis of indicators, whose versions are offsets of tallies"
        for changelog, there in zip(changelogs, kept, strict=True)
        if claimed and not there
    ]


def _claimed(settings: Settings) -> list[str]:
    topics = settings.topics
    return [topics.tallies, *([topics.checkpoints, topics.sources, topics.shuffled] if settings.events.shuffle else [])]


def require(settings: Settings) -> None:
    """Raise TopicsError, with every problem, unless all topics are there and as planned."""
    problems = check(settings)
    if problems:
        raise TopicsError("\n".join(problems))


def create(settings: Settings) -> list[str]:
    """Create the topics that are missing and wait until they can be used; returns their names.

    An existing topic is left as it is. Raises TopicsError if Kafka refuses to create one, ServiceError if it
    does not answer.
    """
    with administration(settings.kafka) as admin:
        missing = [state.plan for state in _states(admin, plan(settings)) if not state.exists]
        if missing:
            _create(admin, missing)
            admin.wait_for_topics([topic.name for topic in missing])
        return [topic.name for topic in missing]


def _kept(retention_ms: int, max_bytes: int = MAX_RECORD_BYTES) -> dict[str, str]:
    """Records are deleted after ``retention_ms``."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(int(retention_ms)),
        # only closed segments are deleted: with Kafka's week-long segments a day of retention would be eight
        "segment.ms": str(min(HOUR, int(retention_ms))),
        "max.message.bytes": str(max_bytes),
    }


def _compacted() -> dict[str, str]:
    """The newest record of each key stays; older ones, which recovery would read, go soon."""
    return {
        "cleanup.policy": "compact",
        "segment.bytes": str(_CHECKPOINT_SEGMENT_BYTES),
        "segment.ms": str(HOUR),
        "min.cleanable.dirty.ratio": "0.1",
        "delete.retention.ms": str(HOUR),
        "max.message.bytes": str(MAX_RECORD_BYTES),
    }


def _states(admin: KafkaAdminClient, plans: Sequence[TopicPlan]) -> list[TopicState]:
    described = {topic["name"]: topic for topic in admin.describe_topics([topic.name for topic in plans])}
    found = {name: topic["partitions"] for name, topic in described.items() if _is_there(name, topic)}
    configs = _configs(admin, [topic.name for topic in plans if topic.name in found])
    states = []
    for topic in plans:
        partitions = found.get(topic.name, [])
        replication = min((len(partition["replica_nodes"]) for partition in partitions), default=0)
        config = configs.get(topic.name, {})
        states.append(TopicState(topic, topic.name in found, len(partitions), replication, config))
    return states


def _is_there(name: str, topic: Mapping[str, int]) -> bool:
    error = for_code(topic["error_code"])
    if error is UnknownTopicOrPartitionError:
        return False
    if topic["error_code"] != 0:
        raise TopicsError(f"Kafka does not describe topic {name}: {error.__name__}: {error.description}")
    return True


def _configs(admin: KafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer = admin.describe_configs(asked, config_filter="all").get("topic", {})
    return {name: {key: str(entry["value"]) for key, entry in entries.items()} for name, entries in answer.items()}


def _create(admin: KafkaAdminClient, plans: Sequence[TopicPlan]) -> None:
    wanted = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": topic.replication,
            "configs": dict(topic.config),
        }
        for topic in plans
    }
    answer = admin.create_topics(wanted, raise_errors=False)
    refused = []
    for topic in answer["topics"]:
        error = for_code(topic["error_code"])
        # another process may have created it at the same moment
        if topic["error_code"] != 0 and error is not TopicAlreadyExistsError:
            refused.append(f"Kafka refuses to create topic {topic['name']}: {_reason(topic, error.__name__)}")
    if refused:
        raise TopicsError("\n".join(refused))


def _reason(topic: Mapping[str, object], error: str) -> str:
    message = topic.get("error_message")
    return f"{error}: {message}" if message else error


def _only(config: Mapping[str, str], key: str) -> dict[str, str]:
    return {key: config[key]}
