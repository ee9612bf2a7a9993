"""How each fault is done. What a fault begins and only time can end, such as a restart, goes on in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from redis import Redis, RedisError

from config.errors import ServiceError
from indicators.calendar import Calendar
from sinks.contract import CHANGES
from streams.connection import client_options
from tests.chaos import plan
from tests.chaos.group import ENDING, PAUSED, RUNNING, STARTING, Member
from tests.chaos.plan import Fault
from tests.chaos.stage import SEAL_EVERY, Stage, terminate

PAUSE_SECONDS = 20.0
REDIS_DOWN_SECONDS = 15.0
_BROKER_DOWN_SECONDS = 2.0
_PATIENCE = 45.0
_POLL = 0.05
_RECOVERS_WITHIN = 120.0


class Done(NamedTuple):
    """A fault as it was done: ``at`` in seconds since the Unix epoch, ``detail`` in words."""

    fault: Fault
    at: float
    detail: str


class Injector:
    """Does faults, one after the other; raises ServiceError where one cannot be done at all."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._group = stage.group
        self._calendar = Calendar.of(stage.settings.time)
        self._background: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._broker_up, self._numbers_up, self._keys_there = (threading.Event() for _ in range(3))
        for event in (self._broker_up, self._numbers_up, self._keys_there):
            event.set()
        self._how: dict[str, Callable[[Fault], str]] = {
            plan.KILL: self._kill,
            plan.RELEASE: self._kill_release_agent,
            plan.PAUSE: self._pause,
            plan.TERMINATE: self._terminate,
            plan.ADD: self._add,
            plan.REMOVE: self._remove,
            plan.BROKER: self._restart_broker,
            plan.KEYS: self._empty_keys,
            plan.REDIS_DOWN: self._take_redis_down,
            plan.REDIS_RESTART: self._restart_redis,
        }
        self._at = 0.0

    def do(self, fault: Fault) -> Done:
        """Do it; returns as soon as it is done, not when all has recovered."""
        self._at = 0.0
        detail = self._how[fault.kind](fault)
        return Done(fault, self._at, detail)

    def recover(self) -> None:
        """Wait until every server runs again and no worker starts, is paused or ends."""
        for thread in self._background:
            thread.join(_RECOVERS_WITHIN)
        if self._failures:
            raise self._failures[0]
        _wait(self._group.settled, _RECOVERS_WITHIN, "every worker runs or has ended")

    # --- workers

    def _kill(self, fault: Fault) -> str:
        return self._kill_and_replace(self._pick(fault, others=0))

    def _kill_and_replace(self, member: Member) -> str:
        self._now()
        self._group.kill(member)
        return f"{member.name}, then {self._group.start().name}"

    def _terminate(self, fault: Fault) -> str:
        member = self._pick(fault, others=0)
        self._now()
        self._group.terminate(member)
        return f"{member.name}, then {self._group.start().name}"

    def _pause(self, fault: Fault) -> str:
        member = self._pick(fault, others=0)
        self._now()
        self._group.pause(member, PAUSE_SECONDS)
        return member.name

    def _add(self, fault: Fault) -> str:
        self._now()
        return self._group.start().name

    def _remove(self, fault: Fault) -> str:
        member = self._pick(fault, others=1)
        self._now()
        self._group.terminate(member)
        return member.name

    def _pick(self, fault: Fault, others: int) -> Member:
        """A worker that runs, while ``others`` more run, and the keys are not with it alone."""
        self._keys_there.wait(_PATIENCE)
        _wait(lambda: len(self._group.members(RUNNING)) > others, _PATIENCE, "a worker can be taken")
        members = self._group.members(RUNNING)
        return members[int(fault.pick * len(members))]

    def _kill_release_agent(self, fault: Fault) -> str:
        self._keys_there.wait(_PATIENCE)
        _wait(lambda: self._group.releasing() is not None, _PATIENCE, "a worker releases windows")
        seen = self._wait_for(fault.step)
        time.sleep(fault.delay)
        member = self._group.releasing()
        if member is None:  # what it was seen at may have been the last of one that is not it any more
            _wait(lambda: self._group.releasing() is not None, _PATIENCE, "a worker releases windows")
            member = self._group.releasing()
        assert member is not None
        return self._kill_and_replace(member) + ("" if seen else f"; nothing was {fault.step} within {_PATIENCE:g} s")

    def _wait_for(self, step: str) -> bool:
        if step == plan.SEALED:
            return self._stage.watch.wait_for_seal(_PATIENCE)
        if step == plan.IN_REDIS:
            return self._wait_for_redis()
        if step == plan.IN_KAFKA:
            return self._wait_for_presence()
        return self._stage.watch.wait_for_decision(_PATIENCE)

    def _wait_for_redis(self) -> bool:
        before: object = None
        deadline = time.monotonic() + _PATIENCE
        with self._stage.redis(self._stage.numbers) as client:
            while time.monotonic() < deadline:
                newest = _newest_change(client)
                if None not in (before, newest) and newest != before:
                    return True
                before = newest if before is None else before
        return False

    def _wait_for_presence(self) -> bool:
        self._broker_up.wait(_RECOVERS_WITHIN)
        settings = self._stage.settings
        topic = settings.topics.presence
        options = client_options(settings.kafka)
        consumer: Any = KafkaConsumer(**options, group_id=None, enable_auto_commit=False, auto_offset_reset="latest")
        try:
            consumer.assign([TopicPartition(topic, number) for number in range(settings.topics.partitions)])
            deadline = time.monotonic() + _PATIENCE
            while time.monotonic() < deadline:
                if consumer.poll(timeout_ms=100):
                    return True
            return False
        finally:
            consumer.close()

    # --- servers

    def _restart_broker(self, fault: Fault) -> str:
        self._broker_up.wait(_RECOVERS_WITHIN)
        self._now()
        self._broker_up.clear()
        self._stage.broker.kill()
        self._later(_BROKER_DOWN_SECONDS, self._stage.broker.start, self._broker_up)
        return ""

    def _take_redis_down(self, fault: Fault) -> str:
        self._numbers_up.wait(_RECOVERS_WITHIN)
        self._now()
        self._numbers_up.clear()
        self._stage.numbers.kill()
        self._later(REDIS_DOWN_SECONDS, self._stage.numbers.start, self._numbers_up)
        return ""

    def _restart_redis(self, fault: Fault) -> str:
        self._numbers_up.wait(_RECOVERS_WITHIN)
        self._now()
        self._numbers_up.clear()
        terminate(self._stage.numbers)
        self._later(0.0, self._stage.numbers.start, self._numbers_up)
        return ""

    def _empty_keys(self, fault: Fault) -> str:
        """While every shard is with a worker that lives, and so the keys with at least one."""
        self._keys_there.wait(_PATIENCE)
        _wait(self._every_shard_lives, _RECOVERS_WITHIN, "every shard is with a worker that lives")
        with self._stage.redis(self._stage.keys) as client:
            names = set(client.keys())
            self._now()
            self._keys_there.clear()
            client.flushall()

        def put_back() -> None:
            with self._stage.redis(self._stage.keys) as client:
                _wait(lambda: not self._missing(names, client), _RECOVERS_WITHIN, "workers put the keys back")

        self._later(0.0, put_back, self._keys_there)
        return f"it held {len(names)}"

    def _missing(self, names: Iterable[bytes], client: Redis) -> list[bytes]:
        """Keys of these names that are not there, and that a shard still needs: it is not past their epoch."""
        there: Any = set(client.keys())
        slowest = self._calendar.epoch_of(min(self._stage.watch.marks.values()))
        labels = {name: name.decode().rpartition(":")[2].partition(".")[0] for name in names}
        return [name for name, label in labels.items() if name not in there and label >= slowest.label]

    def _every_shard_lives(self) -> bool:
        ending = self._group.members(ENDING, PAUSED, STARTING)
        since = max(time.time() - 2 * SEAL_EVERY, self._group.changed_at)
        return not ending and self._stage.watch.all_sealed_since(since)

    def _later(self, seconds: float, work: Callable[[], object], done: threading.Event) -> None:
        def wait_and_work() -> None:
            time.sleep(seconds)
            try:
                work()
            except BaseException as error:
                self._failures.append(error)
            finally:
                done.set()

        thread = threading.Thread(target=wait_and_work, daemon=True)
        self._background.append(thread)
        thread.start()

    def _now(self) -> None:
        self._at = time.time()


def _newest_change(client: Redis) -> object:
    """The newest change that Redis has announced, an empty list before the first; None while it is down."""
    with suppress(RedisError):
        return client.xrevrange(CHANGES, count=1)
    return None


def _wait(done: Callable[[], bool], within: float, what: str) -> None:
    deadline = time.monotonic() + within
    while not done():
        if time.monotonic() > deadline:
            raise ServiceError(f"not within {within:g} s: {what}")
        time.sleep(_POLL)
