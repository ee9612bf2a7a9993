"""The topics are created as planned; what differs is said with what to change, and is not touched."""

from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from config.errors import ServiceError, TopicsError
from config.settings import Duration, EventsSettings, KafkaSettings, Secret, Settings, TopicsSettings, load
from foule.server_process import free_port
from streams import topics
from streams.connection import client_options
from streams.topics import TopicPlan, TopicState
from tests.conftest import SettingsMaker


@pytest.fixture
def settings(settings_for: SettingsMaker, tmp_path: Path) -> Settings:
    return load(settings_for(tmp_path, topics={"partitions": 3}), environ={})


def planned(settings: Settings) -> dict[str, TopicPlan]:
    return {topic.name: topic for topic in topics.plan(settings)}


def make_topic(settings: Settings, name: str, partitions: int, config: dict[str, str]) -> None:
    with KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap) as admin:
        wanted = {"num_partitions": partitions, "replication_factor": 1, "configs": config}
        admin.create_topics({name: wanted}, wait_for_metadata=True)


def put(settings: Settings, name: str) -> None:
    with closing(KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)) as producer:
        producer.send(name, b"x", b"key").get(10)


def test_topics_of_shards_have_the_partitions_of_events_and_the_tallies_one() -> None:
    names = TopicsSettings(partitions=6, replication=2)
    plan = planned(Settings(topics=names))
    assert {name: topic.partitions for name, topic in plan.items()} == {
        names.events: 6,
        names.rejected: 6,
        names.frontier: 6,
        names.tallies: 1,
        names.checkpoints: 6,
        names.epochs: 1,
        names.presence: 6,
        names.flows: 6,
        names.indicators: 6,
    }
    assert {topic.replication for topic in plan.values()} == {2}


def test_the_topics_of_the_shuffle_are_planned_only_where_the_feed_is_shuffled() -> None:
    names = TopicsSettings(partitions=6, shuffled_retention=Duration.parse("20m"))
    plain, shuffled = (
        planned(Settings(topics=names, events=EventsSettings(shuffle=shuffle))) for shuffle in (False, True)
    )
    assert shuffled.keys() - plain.keys() == {names.shuffled, names.sources}
    assert (shuffled[names.shuffled].partitions, shuffled[names.sources].partitions) == (6, 6)
    assert shuffled[names.shuffled].config["retention.ms"] == "1200000"
    assert shuffled[names.sources].config == plain[names.checkpoints].config


def test_checkpoints_are_compacted_in_small_segments_and_all_else_is_deleted() -> None:
    plan = planned(Settings())
    checkpoints = plan.pop("foule.checkpoints").config
    assert plan.pop("foule.epochs").config == checkpoints
    assert checkpoints["cleanup.policy"] == "compact"
    assert int(checkpoints["segment.bytes"]) == 16 * 1024 * 1024
    assert {topic.config["cleanup.policy"] for topic in plan.values()} == {"delete"}


def test_retention_follows_the_settings_and_segments_are_short_enough_for_it() -> None:
    names = TopicsSettings(rejected_retention=Duration.parse("10m"), tallies_retention=Duration.parse("2d"))
    plan = planned(Settings(topics=names))
    assert plan[names.rejected].config["retention.ms"] == "600000"
    assert plan[names.tallies].config["retention.ms"] == str(2 * 24 * 3600 * 1000)
    for topic in plan.values():
        assert int(topic.config["segment.ms"]) <= int(topic.config.get("retention.ms", "3600000"))


def test_a_dead_letter_may_be_larger_than_the_largest_event() -> None:
    plan = planned(Settings())
    largest = {name: int(topic.config["max.message.bytes"]) for name, topic in plan.items()}
    assert largest["foule.rejected"] > largest["events"]


def test_missing_topics_are_created_once_and_are_then_as_planned(settings: Settings) -> None:
    missing = topics.check(settings)
    assert len(missing) == len(topics.plan(settings))
    assert all("is missing: create it with: foule topics" in problem for problem in missing)
    assert topics.create(settings) == [topic.name for topic in topics.plan(settings)]
    assert topics.check(settings) == []
    assert topics.create(settings) == []
    topics.require(settings)


def test_only_what_is_missing_is_created(settings: Settings) -> None:
    make_topic(settings, settings.topics.events, 3, {"retention.ms": "3600000"})
    created = topics.create(settings)
    assert settings.topics.events not in created
    assert len(created) == len(topics.plan(settings)) - 1


def test_another_number_of_partitions_is_a_problem_with_the_remedy(settings: Settings) -> None:
    make_topic(settings, settings.topics.events, 5, {})
    make_topic(settings, settings.topics.frontier, 4, {})
    topics.create(settings)
    problems = topics.check(settings)
    events = [line for line in problems if line.startswith(f"topic {settings.topics.events} ")]
    frontier = [line for line in problems if line.startswith(f"topic {settings.topics.frontier} has 4")]
    assert len(events) == 1
    assert "has 5 partitions, expected 3: set topics.partitions = 5 if it always had as many; where some" in events[0]
    assert "new topic (topics.events), and set topics.checkpoints and topics.tallies to new names" in events[0]
    assert len(frontier) == 1
    with pytest.raises(TopicsError, match="has 4 partitions, expected 3: delete it"):
        topics.require(settings)


def test_a_changelog_with_another_number_of_partitions_goes_together_with_the_tallies() -> None:
    plan = planned(Settings(topics=TopicsSettings(partitions=8)))["foule.checkpoints"]
    [problem] = TopicState(plan, exists=True, partitions=4, replication=1, config={}).problems
    assert problem.startswith(
        "topic foule.checkpoints has 4 partitions, expected 8: delete it and the topic of tallies"
    )


@pytest.mark.real_kafka
def test_other_settings_of_a_topic_of_ours_are_problems(settings: Settings) -> None:
    make_topic(settings, settings.topics.checkpoints, 3, {"cleanup.policy": "delete"})
    topics.create(settings)
    problems = topics.check(settings)
    assert any(
        "has cleanup.policy=delete, expected compact: change it with kafka-configs --alter" in problem
        for problem in problems
    )
    assert all(problem.startswith(f"topic {settings.topics.checkpoints} ") for problem in problems)


def test_changelogs_that_were_deleted_alone_are_a_problem(settings: Settings) -> None:
    topics.create(settings)
    assert topics.check(settings) == []
    put(settings, settings.topics.checkpoints)
    assert topics.check(settings) == []
    put(settings, settings.topics.tallies)
    assert topics.check(settings) == []
    anew = msgspec.structs.replace(settings.topics, checkpoints=f"{settings.topics.checkpoints}.anew")
    again = msgspec.structs.replace(settings, topics=anew)
    topics.create(again)
    (problem,) = topics.check(again)
    assert problem.startswith(f"topic {anew.checkpoints} is empty and {anew.tallies} is not, so it was deleted")
    assert f"delete {anew.tallies} too" in problem


@pytest.mark.real_kafka
def test_of_a_topic_of_events_kept_by_others_only_the_cleanup_policy_matters(settings: Settings) -> None:
    make_topic(settings, settings.topics.events, 3, {"retention.ms": "123456", "cleanup.policy": "compact"})
    topics.create(settings)
    (problem,) = topics.check(settings)
    assert "has cleanup.policy=compact, expected delete" in problem


@pytest.mark.real_kafka
def test_kafka_keeps_the_settings_that_were_asked_for(settings: Settings) -> None:
    topics.create(settings)
    plan = topics.plan(settings)
    with KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap) as admin:
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in plan]
        kept = admin.describe_configs(asked, config_filter="modified")["topic"]
    for topic in plan:
        assert {key: kept[topic.name][key]["value"] for key in topic.config} == dict(topic.config)


@pytest.mark.real_kafka
def test_a_refused_topic_is_reported_with_kafkas_reason(settings: Settings) -> None:
    names = msgspec.structs.replace(settings.topics, replication=3)
    with pytest.raises(TopicsError, match=r"refuses to create topic .*events: .*replication factor"):
        topics.create(msgspec.structs.replace(settings, topics=names))


def test_fewer_replicas_than_planned_are_a_problem() -> None:
    plan = TopicPlan("foule.tallies", 1, 3, {})
    state = TopicState(plan, exists=True, partitions=1, replication=1, config={})
    assert state.problems == [
        "topic foule.tallies has 1 replicas, expected 3: reassign them with kafka-reassign-partitions, or set"
        " topics.replication"
    ]


def test_settings_that_the_broker_does_not_report_are_not_problems() -> None:
    plan = TopicPlan("foule.tallies", 1, 1, {"retention.ms": "1"})
    assert TopicState(plan, exists=True, partitions=1, replication=1, config={}).problems == []


def test_an_absent_kafka_is_said_with_its_address() -> None:
    address = f"127.0.0.1:{free_port()}"
    settings = Settings(kafka=KafkaSettings(bootstrap=address))
    with pytest.raises(ServiceError, match=f"Kafka does not answer at {address}: Connection refused; start it"):
        topics.check(settings)


def test_login_and_certificates_reach_the_client() -> None:
    kafka = KafkaSettings(
        bootstrap="a:1,b:2",
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        username="foule",
        password=Secret("hidden"),
        ca_file=Path("/etc/ca.pem"),
    )
    assert client_options(kafka) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "foule",
        "sasl_plain_password": "hidden",
        "ssl_cafile": "/etc/ca.pem",
    }
    assert client_options(KafkaSettings()) == {
        "bootstrap_servers": ["127.0.0.1:9092"],
        "security_protocol": "PLAINTEXT",
    }
