"""The end of a log is the offset after its last record, however the records were batched."""

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from config.errors import TopicsError
from config.settings import KafkaSettings
from foule.embedded import EmbeddedBroker
from streams.log_ends import log_ends
from tests.services.real_kafka import RealKafka
from tests.services.settings_file import FreshNames


@pytest.fixture(params=["embedded_broker", pytest.param("real_kafka", marks=pytest.mark.real_kafka)])
def kafka(request: pytest.FixtureRequest) -> KafkaSettings:
    server: EmbeddedBroker | RealKafka = request.getfixturevalue(request.param)
    return KafkaSettings(bootstrap=server.bootstrap)


def test_every_record_of_the_last_batch_counts(kafka: KafkaSettings, fresh_names: FreshNames) -> None:
    topic = fresh_names.topics["events"]
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap) as admin:
        admin.create_topics({topic: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True)
    assert log_ends(kafka, topic) == {0: 0, 1: 0, 2: 0}
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=50)
    for count in (1, 100, 7):
        for _ in range(count):
            producer.send(topic, value=b"x", partition=1)
        producer.flush()
    producer.send(topic, value=b"x", partition=2)
    producer.flush()
    producer.close()
    assert log_ends(kafka, topic) == {0: 0, 1: 108, 2: 1}


def test_a_missing_topic_is_named(kafka: KafkaSettings, fresh_names: FreshNames) -> None:
    topic = fresh_names.topics["events"]
    with pytest.raises(TopicsError, match=f"topic {topic} is missing: create it with: foule topics"):
        log_ends(kafka, topic)
