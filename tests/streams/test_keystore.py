"""The key store on a real Redis: one key for all, gone in time, never in an error."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from anonymizer.keys import DESTROYED, KeyStore
from config.checks import KEY_RISKS
from config.errors import KeyStoreError, SettingsError
from config.secret import Secret
from config.sections import KeysSettings
from config.times import Duration
from foule.embedded import EmbeddedRedis
from foule.server_process import free_port
from streams.keystore import RedisKeyStore
from tests.services.real_redis import RealRedis
from tests.sinks.clients import consumer

KEY, OTHER = bytes(range(32)), bytes(range(100, 132))
HOUR = 3_600_000


@pytest.fixture
def store(key_redis_url: str) -> Iterator[RedisKeyStore]:
    store = RedisKeyStore(KeysSettings(url=Secret(key_redis_url)))
    yield store
    store.close()


@pytest.fixture
def redis(key_redis_url: str) -> Iterator[Any]:
    with consumer(key_redis_url) as client:
        yield client


def show(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error.__cause__) + repr(error.__context__)


def test_it_is_a_key_store(store: RedisKeyStore) -> None:
    as_protocol: KeyStore = store
    assert as_protocol.get("20140628") is None


def test_the_first_key_of_an_epoch_is_the_one_in_force(store: RedisKeyStore) -> None:
    assert store.put_if_absent("20140628", KEY, HOUR) == KEY
    assert store.put_if_absent("20140628", OTHER, HOUR) == KEY
    assert store.put_if_absent("20140629", OTHER, HOUR) == OTHER
    assert (store.get("20140628"), store.get("20140629")) == (KEY, OTHER)


def test_a_key_has_its_time_to_live_from_its_making(store: RedisKeyStore, redis: Any) -> None:
    store.put_if_absent("20140628", KEY, HOUR)
    store.put_if_absent("20140628", OTHER, 9 * HOUR)
    assert HOUR - 60_000 < redis.pttl("foule:key:20140628") <= HOUR


def test_many_workers_at_once_get_one_key(key_redis_url: str) -> None:
    stores = [RedisKeyStore(KeysSettings(url=Secret(key_redis_url))) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        in_force = set(pool.map(lambda n: stores[n].put_if_absent("20140628", bytes([n]) * 32, HOUR), range(16)))
    assert len(in_force) == 1
    assert stores[0].get("20140628") in in_force
    for store in stores:
        store.close()


def test_a_destroyed_key_is_gone_and_for_a_while_no_other_takes_its_place(store: RedisKeyStore, redis: Any) -> None:
    store.put_if_absent("20140628", KEY, 10 * HOUR)
    for _ in range(2):
        store.destroy("20140628", Duration(HOUR))
    assert store.get("20140628") == store.put_if_absent("20140628", KEY, 10 * HOUR) == DESTROYED
    assert redis.get("foule:key:20140628") == ""
    assert 0 < redis.pttl("foule:key:20140628") <= HOUR


def test_a_key_takes_the_place_of_another(store: RedisKeyStore, redis: Any) -> None:
    store.put_if_absent("20140628", KEY, 10 * HOUR)
    store.replace("20140628", KEY[::-1], HOUR)
    assert store.get("20140628") == KEY[::-1]
    assert 0 < redis.pttl("foule:key:20140628") <= HOUR


def test_a_redis_that_does_not_answer_is_an_error_that_names_its_setting() -> None:
    url = f"redis://:hunter2@127.0.0.1:{free_port()}/0"
    store = RedisKeyStore(KeysSettings(url=Secret(url)))
    questions: list[Callable[[], object]] = [
        lambda: store.get("e"),
        lambda: store.put_if_absent("e", KEY, HOUR),
        lambda: store.destroy("e", HOUR),
        lambda: store.replace("e", KEY, HOUR),
        store.persistence,
    ]
    for ask in questions:
        with pytest.raises(KeyStoreError, match=r"redis://\*\*\*@127\.0\.0\.1.*keys\.url.*does not answer") as caught:
            ask()
        assert "hunter2" not in show(caught.value) + repr(store)


def occupy(redis: Any) -> None:
    redis.lpush("foule:key:20140628", "something else")


def fill(redis: Any) -> None:
    redis.config_set("maxmemory", 1)


def forbid(redis: Any) -> None:
    redis.execute_command("ACL", "SETUSER", "default", "-set")


@pytest.fixture
def restored(redis: Any) -> Iterator[None]:
    yield
    redis.config_set("maxmemory", 0)
    redis.execute_command("ACL", "SETUSER", "default", "+set")


@pytest.mark.parametrize("break_it", [occupy, fill, forbid])
@pytest.mark.usefixtures("restored")
def test_a_refusal_is_an_error_without_a_trace_of_the_key(
    store: RedisKeyStore, redis: Any, break_it: Callable[[Any], None]
) -> None:
    break_it(redis)
    key = b"not-to-be-seen-anywhere-1234567."
    with pytest.raises(KeyStoreError, match="cannot keep the key of epoch 20140628: it refuses") as caught:
        store.put_if_absent("20140628", key, HOUR)
    assert "not-to-be-seen" not in show(caught.value)


def test_a_wrong_password_is_said(key_redis_url: str, redis: Any) -> None:
    redis.execute_command("ACL", "SETUSER", "someone", "on", ">right", "~*", "+@all")
    try:
        with pytest.raises(KeyStoreError, match="refuses the user or password"):
            RedisKeyStore(KeysSettings(url=Secret(key_redis_url.replace("//", "//someone:wrong@")))).get("e")
    finally:
        redis.execute_command("ACL", "DELUSER", "someone")


def test_an_address_that_is_none_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match=r"keys\.url"):
        RedisKeyStore(KeysSettings(url=Secret("http://:hunter2@host")))


def test_a_restart_of_redis_loses_the_keys_and_nothing_else() -> None:
    make = EmbeddedRedis if RealRedis.absent() else RealRedis
    with make() as server:
        store = RedisKeyStore(KeysSettings(url=Secret(server.url)))
        store.put_if_absent("20140628", KEY, HOUR)
        server.kill()
        with pytest.raises(KeyStoreError):
            store.get("20140628")
        server.start()
        assert store.get("20140628") is None
        assert store.put_if_absent("20140628", OTHER, HOUR) == OTHER
        store.close()


def test_a_redis_in_memory_does_not_persist(store: RedisKeyStore) -> None:
    assert store.persistence() == []


def test_snapshots_and_append_only_files_are_reported(redis_url: str) -> None:
    store = RedisKeyStore(KeysSettings(url=Secret(redis_url)))
    [only] = store.persistence()
    assert (only.risk, only.advice) == ("append-only file", "set appendonly no")
    assert "append-only file" in only.text
    with consumer(redis_url) as redis:
        redis.config_set("save", "3600 1")
        try:
            snapshots, append_only = store.persistence()
        finally:
            redis.config_set("save", "")
    assert (snapshots.risk, append_only.risk) == ("snapshots", "append-only file")
    assert 'save "3600 1"' in snapshots.text
    assert snapshots.remedy == 'set save "", or accept it by its name: keys.accept_risks = ["snapshots"]'
    store.close()


def test_replicas_are_reported(key_redis_url: str) -> None:
    make = EmbeddedRedis if RealRedis.absent() else RealRedis
    with make() as server, consumer(server.url) as replica, consumer(key_redis_url) as primary:
        replica.replicaof("127.0.0.1", key_redis_url.rpartition(":")[2].partition("/")[0])
        deadline = time.monotonic() + 20
        while primary.info("replication")["connected_slaves"] == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        for url, words in ((key_redis_url, "has replicas (1)"), (server.url, "is a replica")):
            way = RedisKeyStore(KeysSettings(url=Secret(url))).persistence()[0]
            assert way.risk == "replicas"
            assert words in way.text


@pytest.mark.parametrize(("command", "about"), [("config", "settings"), ("info", "state")])
def test_a_redis_that_does_not_tell_is_reported_as_unknown(
    key_redis_url: str, redis: Any, command: str, about: str
) -> None:
    redis.execute_command("ACL", "SETUSER", "someone", "on", ">right", "~*", "+@all", f"-{command}")
    try:
        url = Secret(key_redis_url.replace("//", "//someone:right@"))
        [only] = RedisKeyStore(KeysSettings(url=url)).persistence()
    finally:
        redis.execute_command("ACL", "DELUSER", "someone")
    assert only.risk == "unknown"
    assert only.text.startswith(f"does not show its {about}")


def test_each_way_can_be_accepted_by_its_name(redis: Any, key_redis_url: str) -> None:
    redis.config_set("save", "3600 1")
    redis.config_set("appendonly", "yes")
    redis.execute_command("ACL", "SETUSER", "someone", "on", ">right", "~*", "+@all", "-config")
    try:
        urls = (key_redis_url, key_redis_url.replace("//", "//someone:right@"))
        found = [way.risk for url in urls for way in RedisKeyStore(KeysSettings(url=Secret(url))).persistence()]
    finally:
        redis.execute_command("ACL", "DELUSER", "someone")
        redis.config_set("appendonly", "no")
        redis.config_set("save", "")
    assert set(found) == set(KEY_RISKS) - {"replicas"}


def test_keys_and_tombstones_tell_how_long_they_stay(store: RedisKeyStore, redis: Any) -> None:
    assert store.times_to_live() == []
    store.put_if_absent("20140628", KEY, HOUR)
    store.destroy("20140627", 2 * HOUR)
    redis.set("foule:key:20140626", b"somebody put it there")
    redis.set("something else", b"x")
    left = store.times_to_live()
    assert left.count(None) == 1
    assert [round(one / HOUR) for one in sorted(one for one in left if one is not None)] == [1, 2]
