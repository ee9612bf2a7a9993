"""A worker that needs a key which was made and is not there waits for it, and goes on without it only when nobody has
it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec import structs
from prometheus_client import CollectorRegistry

from anonymizer.cipher import Cipher
from anonymizer.keys import MemoryKeyStore
from config.errors import KeyStoreError
from config.settings import Duration, IndicatorsSettings
from foule.oracle.parameters import HOUR, MINUTE
from indicators.bins import DAYS
from sinks.prometheus import Metrics
from streams.crowd import CrowdAgent
from streams.wire import Claim, EarlyEnd, Seal, TallyPart
from tests.damage import NOON
from tests.streams.agents import CLOSING, SETTINGS, SHORE, TOPICS, event, events, seals
from tests.streams.memory import Memory, entry, register_in
from tests.streams.shards import parts_of

DAY = "20140628"
LOST_AFTER = 120.0
"""Seconds: that of the register in memory."""


class Store(MemoryKeyStore):
    """A key store that can be emptied, and does not answer while it is ``silent``."""

    silent = False

    def get(self, epoch: str) -> bytes | None:
        self._answer()
        return super().get(epoch)

    def put_if_absent(self, epoch: str, key: bytes, ttl_ms: int) -> bytes:
        self._answer()
        return super().put_if_absent(epoch, key, ttl_ms)

    def _answer(self) -> None:
        if self.silent:
            raise KeyStoreError("the key store does not answer")

    def empty(self) -> None:
        self._keys.clear()

    @property
    def labels(self) -> list[str]:
        return sorted(self._keys)


class Place:
    """Kafka in memory and a key store, which workers share; a worker's pause takes its time on Kafka's clock."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.store = Store()
        self.settings = SETTINGS
        self.registry = CollectorRegistry()
        self.at: dict[float, Callable[[], None]] = {}

    async def pause(self, seconds: float) -> None:
        self.memory.seconds += seconds
        assert self.memory.seconds < 5_000
        for due in [when for when in self.at if when <= self.memory.seconds]:
            self.at.pop(due)()

    def worker(self) -> CrowdAgent:
        self.registry = CollectorRegistry()
        register = register_in(self.memory)
        parts = parts_of(SHORE, self.store, register=register, settings=self.settings)
        return CrowdAgent(self.settings, parts, self.memory, Metrics(self.registry), register)

    async def started(self) -> CrowdAgent:
        worker = self.worker()
        await worker.assign()
        return worker

    @property
    def lost_keys(self) -> float | None:
        return self.registry.get_sample_value("foule_lost_keys_total")

    def put_back(self, key: bytes) -> None:
        """Somebody who has the day's key gives it back to the store."""
        self.store.put_if_absent(DAY, key, 1)

    def early_ends(self) -> list[EarlyEnd]:
        return [message for message in self.memory.messages(TOPICS.tallies) if isinstance(message, EarlyEnd)]

    def register(self) -> list[str]:
        """What the register says, without the ids of the keys."""
        return [entry(sent.key, b"") for sent in self.memory.to(TOPICS.epochs)]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    found = Place()
    monkeypatch.setattr(asyncio, "sleep", found.pause)
    return found


async def after_a_checkpoint(place: Place) -> None:
    """A worker counts, writes a checkpoint whose watermark is two minutes before one, tells of windows until two, and
    is gone."""
    worker = await place.started()
    await worker.take(events(*CLOSING))
    await worker.checkpoint()
    await worker.take(events(event(2 * HOUR, "c"), start=2))


MORE = [*CLOSING, event(2 * HOUR, "c"), event(3 * HOUR, "d")]
WATERMARK = NOON + HOUR - 2 * MINUTE


async def test_a_shard_whose_key_nobody_has_waits_for_it_and_then_says_what_is_lost_before_it_goes_on(
    place: Place,
) -> None:
    await after_a_checkpoint(place)
    place.store.empty()
    said = len(place.memory.to(TOPICS.tallies))
    worker = await place.started()
    assert place.memory.seconds == pytest.approx(LOST_AFTER, abs=2)
    await worker.take(events(*MORE))
    claim, early, *rest = place.memory.messages(TOPICS.tallies)[said:]
    assert isinstance(claim, Claim)
    assert early == EarlyEnd(claim.settings, claim.token, 0, WATERMARK, WATERMARK)
    assert {type(message) for message in rest} == {TallyPart, Seal}
    assert place.lost_keys == 1
    assert place.register() == ["made/20140628", "lost/20140628", "made/20140628.1"]
    assert place.store.labels == [f"{DAY}.1"]
    assert all(message.start > WATERMARK for message in rest if isinstance(message, TallyPart))
    assert seals(place.memory)[-1].watermark == NOON + 3 * HOUR - 2 * MINUTE


async def test_the_next_owner_of_a_checkpoint_under_a_lost_key_says_the_same_at_once(place: Place) -> None:
    await after_a_checkpoint(place)
    place.store.empty()
    await place.started()
    then = place.memory.seconds
    worker = await place.started()
    assert place.memory.seconds == then
    assert [early.watermark for early in place.early_ends()] == [WATERMARK] * 2
    await worker.take(events(*MORE))
    await worker.checkpoint()
    await place.started()  # from a checkpoint under the next key
    assert (len(place.early_ends()), place.lost_keys) == (2, 0)


async def test_a_worker_that_still_has_the_lost_key_begins_anew_as_well_when_it_is_given_the_shard(
    place: Place,
) -> None:
    worker = await place.started()
    await worker.take(events(*CLOSING))
    await worker.release()
    await register_in(place.memory).give_up(DAY)
    await worker.assign()
    assert len(place.early_ends()) == 1
    await worker.take(events(*MORE))
    assert place.store.labels == [DAY, f"{DAY}.1"]


async def test_while_the_store_does_not_answer_nothing_is_given_up_however_long_it_takes(place: Place) -> None:
    await after_a_checkpoint(place)
    place.store.silent = True

    def answer() -> None:
        place.store.silent = False

    place.at[20 * LOST_AFTER] = answer
    await place.started()
    assert 20 * LOST_AFTER <= place.memory.seconds < 20 * LOST_AFTER + 2
    assert (place.early_ends(), place.lost_keys, place.register()) == ([], 0, ["made/20140628"])


async def test_a_shard_goes_on_as_if_nothing_had_been_as_soon_as_somebody_puts_its_key_back(place: Place) -> None:
    await after_a_checkpoint(place)
    held = place.store.get(DAY)
    assert held is not None
    place.store.empty()
    place.at[LOST_AFTER / 2] = lambda: place.put_back(held)
    second = await place.started()
    assert LOST_AFTER / 2 <= place.memory.seconds < LOST_AFTER / 2 + 2
    assert (place.early_ends(), place.lost_keys) == ([], 0)
    await second.take(events(*MORE))
    assert place.register() == ["made/20140628"]


async def test_a_worker_puts_the_keys_that_it_holds_back_with_a_checkpoint(place: Place) -> None:
    worker = await place.started()
    await worker.take(events(*CLOSING))
    held = place.store.get(DAY)
    place.store.empty()
    await worker.checkpoint()
    assert place.store.get(DAY) == held
    place.store.empty()
    place.store.silent = True
    await worker.checkpoint()
    place.store.silent = False
    await worker.checkpoint()
    assert (place.store.get(DAY), place.store.labels) == (held, [DAY])


async def test_a_key_that_another_has_made_is_waited_for_and_not_made_a_second_time(place: Place) -> None:
    await (await place.started()).take(events(event(0)))  # of which no checkpoint is written
    held = place.store.get(DAY)
    assert held is not None
    place.store.empty()
    seen: list[list[str]] = []

    def put_back() -> None:
        seen.append(place.store.labels)
        place.put_back(held)

    place.at[LOST_AFTER / 2] = put_back
    second = await place.started()
    assert place.memory.seconds == 0
    await second.take(events(*CLOSING))
    assert seen == [[]]
    assert LOST_AFTER / 2 <= place.memory.seconds < LOST_AFTER / 2 + 2
    assert (place.store.get(DAY), place.register()) == (held, ["made/20140628"])


async def test_a_shard_without_a_checkpoint_has_lost_nothing_and_counts_all_again_under_the_next_key(
    place: Place,
) -> None:
    await (await place.started()).take(events(*CLOSING))
    key = place.store.get(DAY)
    place.store.empty()
    before = [(part.start, plain(part, key)) for part in tallies(place)]
    second = await place.started()
    await second.take(events(*CLOSING))
    key = place.store.get(f"{DAY}.1")
    again = [(part.start, plain(part, key)) for part in tallies(place)[len(before) :]]
    assert before == again != []
    assert (place.early_ends(), place.store.labels) == ([], [f"{DAY}.1"])


@pytest.mark.parametrize("lost", [False, True])
async def test_of_an_epoch_of_several_days_the_days_before_its_key_was_lost_are_forgotten(
    place: Place, lost: bool
) -> None:
    place.settings = structs.replace(
        SETTINGS,
        time=structs.replace(SETTINGS.time, epoch_days=2, windows=(Duration(24 * HOUR),)),
        indicators=IndicatorsSettings(recurrence=True),
    )
    day, label = 24 * HOUR, DAY
    first = await place.started()
    begun = [event(0), event(day), event(day + HOUR)]
    await first.take(events(*begun))
    await first.checkpoint()
    if lost:
        place.store.empty()
        label += ".1"
    second = await place.started()
    await second.take(events(*begun, event(day + 2 * HOUR), event(2 * day, "b"), event(2 * day + HOUR, "b")))
    whole_days = {part.start: part for part in tallies(place)}
    assert len(whole_days) == 2
    last = whole_days[max(whole_days)]
    [cell] = plain(last, place.store.get(label))["recurrence"]
    assert DAYS.name(cell % len(DAYS), cell % len(DAYS)) == ("1" if lost else "2")
    assert [early.watermark for early in place.early_ends()] == [NOON + day + HOUR - 2 * MINUTE] * lost


def plain(part: TallyPart, key: bytes | None) -> dict[str, dict[int, int]]:
    """The counts of a part, without the sums of record keys, which are others under each key."""
    return {indicator: counts.as_dict() for indicator, counts in part.counts(Cipher(key or b"")).items()}


def tallies(place: Place) -> list[TallyPart]:
    return [message for message in place.memory.messages(TOPICS.tallies) if isinstance(message, TallyPart)]
