"""The embedded servers start, answer, come back after a crash and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from redis import Redis

from config.errors import ServiceError
from foule.embedded import EmbeddedBroker, EmbeddedRedis
from foule.server_process import ServerProcess, accepts_connections

ROOT = Path(__file__).resolve().parents[2]


def wait_until(holds: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_a_record_sent_to_the_embedded_broker_can_be_read(embedded_broker: EmbeddedBroker) -> None:
    bootstrap = embedded_broker.bootstrap
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic("embedded-test", 2, 1)])
    admin.close()
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    sent = producer.send("embedded-test", key=b"k", value=b"v", partition=1, timestamp_ms=1_400_000_000_000)
    sent.get(timeout=10)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=9000)
    consumer.assign([TopicPartition("embedded-test", 1)])
    record = next(consumer)
    consumer.close()
    assert (record.key, record.value, record.offset) == (b"k", b"v", 0)
    assert record.timestamp == 1_400_000_000_000


def test_a_stopped_server_leaves_no_process_no_port_and_no_folder() -> None:
    server = EmbeddedRedis()
    with server:
        folder, port, pid = server.folder, server.port, server.pid
        assert pid is not None and folder.is_dir() and accepts_connections(port)
    assert server.pid is None
    assert not folder.exists()
    assert not accepts_connections(port)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_killed_server_comes_back_on_its_port_with_what_it_had_written() -> None:
    with EmbeddedRedis(persistent=True) as server:
        Redis.from_url(server.url).set("kept", "yes")
        url = server.url
        server.kill()
        assert not accepts_connections(server.port)
        server.start()
        assert server.url == url
        assert Redis.from_url(url).get("kept") == b"yes"


def test_a_server_without_persistence_writes_nothing_but_its_log() -> None:
    with EmbeddedRedis() as server:
        Redis.from_url(server.url).set("secret", "value")
        assert [file.name for file in server.folder.iterdir()] == ["server.log"]


def test_servers_end_when_the_program_that_started_them_is_killed() -> None:
    program = (
        "import time; from foule.embedded import EmbeddedRedis\n"
        "server = EmbeddedRedis().start(); print(server.port, server.folder, flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout:
        port, folder = starter.stdout.readline().split()
    assert accepts_connections(int(port))
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    assert wait_until(lambda: not accepts_connections(int(port)) and not Path(folder).exists())


class Refusing(ServerProcess):
    """A program that says why it does not start and ends."""

    name = "Refusing server"

    def command(self) -> list[str]:
        return ["/bin/sh", "-c", "echo no room on the disk; exit 3"]

    def answers(self) -> bool:
        return True


def test_a_server_that_ends_at_its_start_is_reported_with_its_log() -> None:
    server = Refusing()
    with pytest.raises(ServiceError, match=r"Refusing server ended at its start(.|\n)*no room on the disk"):
        server.start()
    with pytest.raises(ServiceError, match="not started"):
        _ = server.folder


def test_a_server_that_never_answers_is_stopped_and_reported() -> None:
    class Silent(Refusing):
        name = "Silent server"
        start_within = 0.3

        def command(self) -> list[str]:
            return ["/bin/sleep", "600"]

    server = Silent()
    with pytest.raises(ServiceError, match=r"did not answer on port \d+ within 0.3 s"):
        server.start()
    assert server.pid is None


def test_a_program_that_does_not_exist_is_named() -> None:
    class Absent(Refusing):
        def command(self) -> list[str]:
            return ["/nowhere/to/be/found"]

    with pytest.raises(ServiceError, match="/nowhere/to/be/found: No such file"):
        Absent().start()
