"""Fixtures that start real servers once a run, and the embedded ones where a real one is absent.

With FOULE_REQUIRE_REAL=1 an absent real server is an error. A test marked ``real_kafka``, or one that takes
the fixture ``real_kafka``, never runs on the embedded broker.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest
from redis import Redis

from config.errors import ServiceError
from foule.embedded import EmbeddedBroker, EmbeddedRedis
from foule.oracle.oracle import Keys
from foule.proof.witness import KeyWitness
from tests.services import real_kafka as kafka_service
from tests.services.real_kafka import RealKafka
from tests.services.real_redis import RealRedis
from tests.services.settings_file import FreshNames, make_names, write_settings

REQUIRE_REAL = os.environ.get("FOULE_REQUIRE_REAL", "") not in ("", "0")


class Broker(NamedTuple):
    """The broker of this run: where it is, and whether it is Apache Kafka."""

    bootstrap: str
    real: bool

    @property
    def membership(self) -> dict[str, str]:
        """Settings of the section ``kafka`` that this broker needs."""
        return {} if self.real else {"rebalance_timeout": EmbeddedBroker.rebalance_timeout}


class SettingsMaker(Protocol):
    """``settings_for(tmp_path, time={"windows": ["1m"]}, ...)`` writes a settings file, returns its path."""

    def __call__(self, folder: Path, /, **sections: Mapping[str, object]) -> Path: ...


def pytest_configure(config: pytest.Config) -> None:
    # a shell that starts a job in the background lets it ignore Ctrl-C, and so would all that the tests start
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # kafka-python reads its message schemas in a way that Python 3.11 discourages
    config.addinivalue_line("filterwarnings", "ignore:(read|open)_text is deprecated:DeprecationWarning")
    # the Kafka clients leave a connection that a broker has closed to the garbage collector
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket.*proto=6:ResourceWarning")
    config.addinivalue_line(
        "markers", "real_kafka: needs Apache Kafka; skipped, saying why, where it cannot be started"
    )


def pytest_report_header(config: pytest.Config) -> str:
    kafka, redis = _kafka_absent(), RealRedis.absent()
    brokers = f"embedded broker ({kafka})" if kafka else f"Apache Kafka {kafka_service.version()}"
    stores = f"embedded Valkey ({redis})" if redis else "redis-server"
    demanded = ", real ones demanded" if REQUIRE_REAL else ""
    return f"services: {brokers}; {stores}{demanded}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("real_kafka") is not None:
        _demand(_kafka_absent())


@pytest.fixture(scope="session")
def _real_kafka() -> Iterator[RealKafka | None]:
    if _kafka_absent() is not None:
        yield None
        return
    with RealKafka() as kafka:
        yield kafka


@pytest.fixture
def real_kafka(_real_kafka: RealKafka | None) -> RealKafka:
    """Apache Kafka, one for the whole run; the test is skipped where it cannot be started."""
    if _real_kafka is None:
        _demand(_kafka_absent())
    assert _real_kafka is not None
    return _real_kafka


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """The embedded broker, one for the whole run, also where Apache Kafka is at hand."""
    with EmbeddedBroker() as broker:
        yield broker


@pytest.fixture(scope="session")
def broker(_real_kafka: RealKafka | None, request: pytest.FixtureRequest) -> Broker:
    """Apache Kafka, or the embedded broker where it cannot be started."""
    if _real_kafka is not None:
        return Broker(_real_kafka.bootstrap, real=True)
    if REQUIRE_REAL:
        _demand(_kafka_absent())
    return Broker(request.getfixturevalue("embedded_broker").bootstrap, real=False)


@pytest.fixture
def kafka_bootstrap(broker: Broker) -> str:
    """``127.0.0.1:PORT`` of the run's broker."""
    return broker.bootstrap


@pytest.fixture(scope="session")
def _redis_servers() -> Iterator[tuple[EmbeddedRedis, EmbeddedRedis]]:
    absent = RealRedis.absent()
    if REQUIRE_REAL:
        _demand(absent)
    make: Callable[..., EmbeddedRedis] = EmbeddedRedis if absent else RealRedis
    with make(persistent=True) as indicators, make(persistent=False) as keys:
        yield indicators, keys


@pytest.fixture
def redis_url(_redis_servers: tuple[EmbeddedRedis, EmbeddedRedis]) -> str:
    """URL of the Redis for indicators, empty at the test's start; it writes an append-only file."""
    return _emptied(_redis_servers[0].url)


@pytest.fixture
def key_redis_url(_redis_servers: tuple[EmbeddedRedis, EmbeddedRedis]) -> str:
    """URL of the Redis for keys, empty at the test's start; it writes nothing to disk."""
    return _emptied(_redis_servers[1].url)


@pytest.fixture
def keys(key_redis_url: str) -> Iterator[Keys]:
    """The keys of epochs by label, seen in the Redis for keys while the test runs."""
    with KeyWitness(key_redis_url) as witness:
        yield witness.keys


@pytest.fixture
def fresh_names() -> FreshNames:
    """A topic prefix and a consumer group that no other test uses."""
    return make_names()


@pytest.fixture
def settings_for(broker: Broker, redis_url: str, key_redis_url: str, fresh_names: FreshNames) -> SettingsMaker:
    """Writes settings files for the run's servers, with the test's own topics and group.

    Sections given add to and replace what is set here. Metrics are off (port 0). Events are kept for a century:
    a broker goes by the records' own timestamps, and many tests are in the summer of 2014.
    """
    standard: dict[str, Mapping[str, object]] = {
        "kafka": {"bootstrap": broker.bootstrap, "group": fresh_names.group, **broker.membership},
        "topics": {**fresh_names.topics, "events_retention": "36500d"},
        "redis": {"url": redis_url},
        "keys": {"url": key_redis_url},
        "metrics": {"port": 0},
    }

    def make(folder: Path, /, **sections: Mapping[str, object]) -> Path:
        names = [*standard, *(name for name in sections if name not in standard)]
        merged = {name: {**standard.get(name, {}), **sections.get(name, {})} for name in names}
        return write_settings(folder / "foule.toml", merged)

    return make


@cache
def _kafka_absent() -> str | None:
    """Why Apache Kafka is not used in this run; fetches it where nothing else stands in the way."""
    reason = RealKafka.absent()
    if reason is not None:
        return reason
    try:
        kafka_service.libraries()
    except ServiceError as error:
        return str(error)
    return None


def _demand(absent: str | None) -> None:
    """Skip the test for the reason that a real server is absent, or fail it where real ones are demanded."""
    if absent is None:
        return
    if REQUIRE_REAL:
        pytest.fail(f"FOULE_REQUIRE_REAL is set, but: {absent}", pytrace=False)
    pytest.skip(absent)


def _emptied(url: str) -> str:
    with Redis.from_url(url) as client:
        client.flushall()
    return url
