"""One key an epoch, made by the first who needs it, shared by all, and gone when it is destroyed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import time
from typing import NamedTuple

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from anonymizer.cipher import Cipher
from anonymizer.keys import DESTROYED, KEY_BYTES, EpochKeys, FirstKeys, KeyStore, MemoryKeyStore, numbered
from anonymizer.pseudonyms import Pseudonymiser
from config.errors import ContractError, EpochEndedError, KeyMissingError, KeyStoreError
from indicators.calendar import Calendar

CALENDAR = Calendar("Europe/Paris", time(4), [300_000])
FIRST, SECOND = CALENDAR.epoch(0), CALENDAR.epoch(1)
HOUR = 3_600_000
IDS = ["208011234567890", "b"]


class Put(NamedTuple):
    epoch: str
    key: bytes
    ttl_ms: int


class LosingStore(MemoryKeyStore):
    """A key store that may lose a key, as one that is restarted does."""

    def lose(self, label: str) -> None:
        del self._keys[label]


class Recording(LosingStore):
    """A key store that tells what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[Put] = []

    def put_if_absent(self, epoch: str, key: bytes, ttl_ms: int) -> bytes:
        self.puts.append(Put(epoch, key, ttl_ms))
        return super().put_if_absent(epoch, key, ttl_ms)


def pseudonyms(keys: EpochKeys, epoch: int = 0) -> list[int]:
    found: list[int] = keys.pseudonymiser(CALENDAR.epoch(epoch)).of(IDS).pseudonyms.tolist()
    return found


def test_two_workers_with_one_store_have_the_same_pseudonyms() -> None:
    store = MemoryKeyStore()
    one, two = EpochKeys(store, HOUR, lambda: 0), EpochKeys(store, HOUR, lambda: 0)
    assert pseudonyms(one) == pseudonyms(two)
    assert pseudonyms(two, 1) == pseudonyms(one, 1)


def test_nobody_is_the_same_in_the_next_epoch_or_in_another_store() -> None:
    keys, elsewhere = EpochKeys(MemoryKeyStore(), HOUR, lambda: 0), EpochKeys(MemoryKeyStore(), HOUR, lambda: 0)
    assert len({*pseudonyms(keys), *pseudonyms(keys, 1), *pseudonyms(elsewhere)}) == 6


def test_the_key_in_force_is_the_stores_and_not_the_one_that_was_offered() -> None:
    store = MemoryKeyStore()
    key = bytes(range(32))
    store.put_if_absent(FIRST.label, key, HOUR)
    assert pseudonyms(EpochKeys(store, HOUR, lambda: 0)) == Pseudonymiser(key).of(IDS).pseudonyms.tolist()


def test_a_key_is_32_random_bytes_and_is_asked_for_once() -> None:
    stores = [Recording() for _ in range(50)]
    for store in stores:
        keys = EpochKeys(store, HOUR, lambda: 0)
        pseudonyms(keys)
        pseudonyms(keys)
    assert [len(store.puts) for store in stores] == [1] * 50
    made = {put.key for store in stores for put in store.puts}
    assert len(made) == 50
    assert {len(key) for key in made} == {KEY_BYTES} == {32}
    assert len({byte for key in made for byte in key}) > 200


@pytest.mark.parametrize(
    ("now", "ttl"),
    [
        (FIRST.end - 2 * HOUR, 3 * HOUR),
        (FIRST.end, HOUR),
        (FIRST.end + 365 * 24 * HOUR, HOUR),
    ],
)
def test_a_key_lives_max_age_beyond_the_later_of_the_epochs_end_and_its_making(now: int, ttl: int) -> None:
    store = Recording()
    pseudonyms(EpochKeys(store, HOUR, lambda: now))
    assert [(put.epoch, put.ttl_ms) for put in store.puts] == [(FIRST.label, ttl)]


def test_after_a_key_is_destroyed_its_epoch_gets_no_other_from_anybody() -> None:
    store = MemoryKeyStore()
    one, two = EpochKeys(store, HOUR, lambda: 0), EpochKeys(store, HOUR, lambda: 0)
    key_id = one.pseudonymiser(FIRST).key_id
    one.destroy(FIRST)
    assert store.get(FIRST.label) == DESTROYED
    for keys in (one, two):
        with pytest.raises(EpochEndedError, match=FIRST.label):
            keys.pseudonymiser(FIRST)
        with pytest.raises(EpochEndedError, match=FIRST.label):
            keys.same(FIRST, key_id)
        with pytest.raises(EpochEndedError, match=FIRST.label):
            keys.cipher(FIRST, key_id)
    one.destroy(SECOND)  # nobody ever needed it
    two.destroy(FIRST)
    assert store.get(FIRST.label) == DESTROYED


def test_a_straggler_that_holds_a_destroyed_key_does_not_put_it_back_and_forgets_it() -> None:
    store = MemoryKeyStore()
    one, straggler = EpochKeys(store, HOUR, lambda: 0), EpochKeys(store, HOUR, lambda: 0)
    pseudonyms(one), pseudonyms(straggler)
    one.destroy(FIRST)
    straggler.keep()
    assert store.get(FIRST.label) == DESTROYED
    assert repr(straggler) == "EpochKeys([])"


def test_a_key_that_the_register_calls_destroyed_is_forgotten_whatever_the_store_has() -> None:
    store, register = Recording(), Register()
    keys = EpochKeys(store, HOUR, lambda: 0, register)
    entered(keys, register)
    register.ended.add(FIRST.label)
    store.lose(FIRST.label)
    keys.keep()
    assert store.get(FIRST.label) is None
    with pytest.raises(EpochEndedError):
        keys.pseudonymiser(FIRST)
    assert len(store.puts) == 1


@pytest.mark.parametrize(("made", "end"), [(FIRST.start, FIRST.end + HOUR), (FIRST.end + 5, FIRST.end + 5 + HOUR)])
def test_a_key_that_has_outlived_its_time_is_used_no_more_and_not_put_back(made: int, end: int) -> None:
    store, register, now = Recording(), Register(), made
    keys = EpochKeys(store, HOUR, lambda: now, register)
    entered(keys, register)
    register.made[FIRST.label] = made
    now = end - 1
    assert keys.pseudonymiser(FIRST).key_id
    store.lose(FIRST.label)
    keys.keep()
    assert (store.puts[-1].ttl_ms, store.get(FIRST.label) is None) == (1, False)
    now = end
    store.lose(FIRST.label)
    keys.keep()
    assert store.get(FIRST.label) is None
    with pytest.raises(EpochEndedError):
        keys.pseudonymiser(FIRST)


def test_a_key_is_overwritten_in_memory_when_it_is_forgotten() -> None:
    keys = EpochKeys(MemoryKeyStore(), HOUR, lambda: 0)
    pseudonyms(keys)
    [held] = keys._held.values()
    assert any(held.key)
    keys.destroy(FIRST)
    assert held.key == bytes(KEY_BYTES)


def test_a_key_is_held_until_it_is_destroyed_so_that_a_store_gets_it_back_while_windows_wait() -> None:
    store, now = LosingStore(), [0]
    keys = EpochKeys(store, HOUR, lambda: now[0])
    pseudonyms(keys)
    key = store.get(FIRST.label)
    now[0] = FIRST.end + HOUR // 2
    store.lose(FIRST.label)
    keys.keep()
    assert store.get(FIRST.label) == key
    keys.destroy(FIRST)
    keys.keep()
    assert (store.get(FIRST.label), repr(keys)) == (DESTROYED, "EpochKeys([])")


def test_a_store_that_does_not_answer_is_asked_again() -> None:
    class Silent(MemoryKeyStore):
        silent = True

        def put_if_absent(self, epoch: str, key: bytes, ttl_ms: int) -> bytes:
            if self.silent:
                raise KeyStoreError("no answer")
            return super().put_if_absent(epoch, key, ttl_ms)

    store = Silent()
    keys = EpochKeys(store, HOUR, lambda: 0)
    with pytest.raises(KeyStoreError):
        keys.pseudonymiser(FIRST)
    store.silent = False
    assert pseudonyms(keys)


def test_no_repr_shows_a_key() -> None:
    store = MemoryKeyStore()
    keys = EpochKeys(store, HOUR, lambda: 0)
    pseudonyms(keys)
    key = store.get(FIRST.label)
    assert key is not None
    as_store: KeyStore = store
    shown = repr(keys) + repr(as_store) + str(keys) + str(store)
    assert shown.count("MemoryKeyStore(1 keys)") == 2 and FIRST.label in shown
    assert key.hex() not in shown and repr(key)[2:-1] not in shown


def test_a_key_is_known_again_by_its_id() -> None:
    store = MemoryKeyStore()
    made = EpochKeys(store, HOUR, lambda: 0).pseudonymiser(FIRST)
    again = EpochKeys(store, HOUR, lambda: 0).same(FIRST, made.key_id)
    assert again.key_id == made.key_id
    assert again.of(["a"]) == made.of(["a"])


@pytest.mark.parametrize("another_is_made", [False, True])
def test_a_lost_key_is_not_replaced_where_pseudonyms_are_in_use(another_is_made: bool) -> None:
    store = LosingStore()
    made = EpochKeys(store, HOUR, lambda: 0).pseudonymiser(FIRST)
    store.lose(FIRST.label)
    if another_is_made:
        EpochKeys(store, HOUR, lambda: 0).pseudonymiser(FIRST)
    for asked in (EpochKeys(store, HOUR, lambda: 0).same, EpochKeys(store, HOUR, lambda: 0).cipher):
        with pytest.raises(KeyMissingError, match=FIRST.label):
            asked(FIRST, made.key_id)


def test_what_one_worker_seals_opens_for_another_and_under_no_other_key() -> None:
    store = MemoryKeyStore()
    one, two = EpochKeys(store, HOUR, lambda: 0), EpochKeys(store, HOUR, lambda: 0)
    first, second = one.pseudonymiser(FIRST).key_id, one.pseudonymiser(SECOND).key_id
    sealed = one.cipher(FIRST, first).seal(b"visits", b"")
    assert two.cipher(FIRST, first).open(sealed, b"") == b"visits"
    assert two.cipher(FIRST, first) is two.cipher(FIRST, first)
    key = store.get(FIRST.label)
    assert key is not None
    for other in (two.cipher(SECOND, second), Cipher(key[::-1])):
        with pytest.raises(ContractError):
            other.open(sealed, b"")


def test_a_cipher_is_dropped_with_its_key() -> None:
    store = LosingStore()
    keys = EpochKeys(store, HOUR, lambda: 0)
    key_id = keys.pseudonymiser(FIRST).key_id
    store.lose(FIRST.label)
    assert keys.cipher(FIRST, key_id).seal(b"", b"")
    keys.destroy(FIRST)
    with pytest.raises(EpochEndedError):
        keys.cipher(FIRST, key_id)


def test_the_key_of_a_cipher_is_not_the_one_that_makes_pseudonyms() -> None:
    store = MemoryKeyStore()
    keys = EpochKeys(store, HOUR, lambda: 0)
    sealed = keys.cipher(FIRST, keys.pseudonymiser(FIRST).key_id).seal(b"visits", b"")
    key = store.get(FIRST.label)
    assert key is not None
    with pytest.raises(InvalidTag):
        AESGCM(key).decrypt(sealed[:12], sealed[12:], b"")


def test_a_worker_gives_an_emptied_store_its_keys_back() -> None:
    store = LosingStore()
    keys = EpochKeys(store, HOUR, lambda: 0)
    before = pseudonyms(keys)
    store.lose(FIRST.label)
    keys.keep()
    assert pseudonyms(EpochKeys(store, HOUR, lambda: 0)) == before


class Register(FirstKeys):
    """Says of each epoch how many of its keys were lost, and which key is in force; what is offered waits in
    ``offered`` until :meth:`enter`."""

    def __init__(self) -> None:
        self.number = 0
        self.offered: list[tuple[str, str]] = []
        self.entered: dict[str, str] = {}
        self.ended: set[str] = set()
        self.made: dict[str, int] = {}

    def is_ended(self, epoch: str) -> bool:
        return epoch in self.ended

    def made_at(self, label: str) -> int | None:
        return self.made.get(label)

    def label(self, epoch: str) -> str:
        return numbered(epoch, self.number)

    def in_force(self, label: str) -> str | None:
        return self.entered.get(label)

    def offer(self, label: str, key_id: str) -> None:
        self.offered.append((label, key_id))
        raise KeyStoreError("the register does not know it yet")

    def enter(self) -> None:
        """What was offered is in the register; the first under a label is in force."""
        for label, key_id in self.offered:
            self.entered.setdefault(label, key_id)

    def is_lost(self, label: str) -> bool:
        return label in self.labels(FIRST.label)[: self.number]

    def labels(self, epoch: str) -> list[str]:
        return [numbered(epoch, number) for number in range(self.number + 1)]


def entered(keys: EpochKeys, register: Register, epoch: int = 0) -> list[int]:
    """The pseudonyms under a key that is in force by now."""
    with suppress(KeyStoreError):
        keys.pseudonymiser(CALENDAR.epoch(epoch))
    register.enter()
    return pseudonyms(keys, epoch)


def test_a_key_is_in_the_store_before_it_is_offered_and_not_used_before_it_is_in_force() -> None:
    store, register = Recording(), Register()
    keys = EpochKeys(store, HOUR, lambda: 0, register)
    for _ in range(2):
        with pytest.raises(KeyStoreError, match="does not know it yet"):
            keys.pseudonymiser(FIRST)
    assert [put.epoch for put in store.puts] == [FIRST.label]
    assert {label for label, _ in register.offered} == {FIRST.label}
    register.enter()
    assert keys.pseudonymiser(FIRST).key_id == register.entered[FIRST.label]


def test_who_offers_a_key_and_ends_leaves_nothing_that_others_wait_for() -> None:
    store = MemoryKeyStore()
    with pytest.raises(KeyStoreError):
        EpochKeys(store, HOUR, lambda: 0, Register()).pseudonymiser(FIRST)
    left = store.get(FIRST.label)
    assert left is not None
    register = Register()
    assert (
        entered(EpochKeys(store, HOUR, lambda: 0, register), register)
        == Pseudonymiser(left).of(IDS).pseudonyms.tolist()
    )


def test_of_two_keys_the_one_that_is_in_force_is_used_and_comes_back_in_the_place_of_the_other() -> None:
    store, register = LosingStore(), Register()
    one, other = EpochKeys(store, HOUR, lambda: 0, register), EpochKeys(store, HOUR, lambda: 0, register)
    with pytest.raises(KeyStoreError):
        one.pseudonymiser(FIRST)
    store.lose(FIRST.label)  # the store is emptied just now
    with pytest.raises(KeyStoreError):
        other.pseudonymiser(FIRST)
    other.keep()  # not in force: it leaves alone what is there
    register.enter()
    with pytest.raises(KeyMissingError, match="another one is in its place"):
        other.pseudonymiser(FIRST)
    with pytest.raises(KeyMissingError, match="another one is in its place"):
        other.pseudonymiser(FIRST)
    one.keep()
    assert pseudonyms(other) == pseudonyms(one)


def test_a_key_that_may_not_be_in_force_does_not_come_in_the_place_of_another() -> None:
    store = LosingStore()
    keys = EpochKeys(store, HOUR, lambda: 0, Register())
    with pytest.raises(KeyStoreError):
        keys.pseudonymiser(FIRST)
    store.lose(FIRST.label)
    store.put_if_absent(FIRST.label, bytes(32), HOUR)
    keys.keep()
    assert store.get(FIRST.label) == bytes(32)


def test_the_next_key_of_an_epoch_has_a_label_of_its_own_and_makes_everybody_another() -> None:
    store, register = MemoryKeyStore(), Register()
    keys = EpochKeys(store, HOUR, lambda: 0, register)
    before, key_id = entered(keys, register), keys.pseudonymiser(FIRST).key_id
    register.number = 1
    assert not {*entered(keys, register)} & {*before}
    assert (keys.is_lost(key_id), keys.is_lost(keys.pseudonymiser(FIRST).key_id)) == (True, False)
    labels = [FIRST.label, f"{FIRST.label}.1", f"{FIRST.label}.2"]
    assert [store.get(label) is not None for label in labels] == [True, True, False]


def test_a_lost_key_is_not_put_back_and_the_others_are() -> None:
    store, register = Recording(), Register()
    keys = EpochKeys(store, HOUR, lambda: 0, register)
    entered(keys, register)
    register.number = 1
    entered(keys, register)
    for label in register.labels(FIRST.label):
        store.lose(label)
    store.puts.clear()
    keys.keep()
    assert [put.epoch for put in store.puts] == [f"{FIRST.label}.1"]


def test_all_keys_of_an_epoch_are_destroyed_also_those_that_were_lost_and_came_back() -> None:
    store, register = MemoryKeyStore(), Register()
    keys = EpochKeys(store, HOUR, lambda: 0, register)
    for register.number in range(3):
        entered(keys, register)
    entered(keys, register, 1)
    keys.destroy(FIRST)
    assert [store.get(label) for label in register.labels(FIRST.label)] == [DESTROYED] * 3
    assert store.get(numbered(SECOND.label, 2)) is not None


class Slow(MemoryKeyStore):
    """A key store during whose answers other threads go on: ``meanwhile``."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], None]] = []

    def put_if_absent(self, label: str, key: bytes, ttl_ms: int) -> bytes:
        found = super().put_if_absent(label, key, ttl_ms)
        while self.meanwhile:
            self.meanwhile.pop()()
        return found


def test_a_key_that_is_destroyed_while_the_store_answers_is_not_put_back_nor_anything_in_its_place() -> None:
    store, register = Slow(), Register()
    keys = EpochKeys(store, HOUR, lambda: 0, register)
    entered(keys, register)
    store.meanwhile.append(lambda: keys.destroy(FIRST))
    keys.keep()
    assert store.get(FIRST.label) == DESTROYED
    assert repr(keys) == "EpochKeys([])"
