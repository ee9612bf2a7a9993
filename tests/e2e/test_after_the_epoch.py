"""A copy of all that foule wrote during an epoch gives no pseudonym once the epoch's key is destroyed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

import pytest

from anonymizer.keys import EpochKeys, MemoryKeyStore
from anonymizer.pseudonyms import Pseudonymiser
from config.errors import KeyMissingError
from config.settings import Settings, load
from foule.oracle.oracle import Keys
from foule.proof.topics import read_topic
from streams.checkpoint import Record, Restorer
from streams.parts import ShardParts
from streams.shard import Shard
from tests.conftest import SettingsMaker
from tests.e2e.festival import DAY_AFTER, festival_settings
from tests.e2e.running import Worker, foule, wait_until, wait_until_released
from tests.e2e.test_privacy import in_redis, left_behind
from tests.privacy.scan import find_identifiers
from tests.services.settings_file import FreshNames
from zones import load as load_places

DAY = "20140628"
KEY_BYTES = 32
KEY_ID = re.compile(rb"%s/[0-9a-f]{16}" % DAY.encode())

Copy = dict[str, list[bytes]]


@pytest.fixture
def festival(tmp_path: Path, settings_for: SettingsMaker) -> Path:
    return festival_settings(tmp_path, settings_for, log={"level": "debug"})


def on_disk(folder: Path) -> Iterator[bytes]:
    """Every file of a worker."""
    for file in folder.rglob("*"):
        if file.is_file():
            yield file.read_bytes()


def copied(settings: Settings, names: FreshNames, worker: Worker) -> Copy:
    """All that the attacker copies: topics, the Redis for numbers, the worker's disk; without the key store, the
    events and the dead letters."""
    places = left_behind(settings, names)
    del places["key store"]
    return places | {"disk": list(on_disk(worker.folder))}


def keys_in(copy: Copy, key_ids: set[str]) -> set[str]:
    """Whose key stands somewhere in the copy, tried at every place: a key is known by its id, which is in clear."""
    found = set()
    labels = {key_id.partition("/")[0] for key_id in key_ids}
    for piece in itertools.chain(*copy.values()):
        for at in range(len(piece) - KEY_BYTES + 1):
            digest = blake2b(key=piece[at : at + KEY_BYTES], digest_size=8, person=b"foule key id").hexdigest()
            found |= {f"{label}/{digest}" for label in labels} & key_ids
    return found


def forms(pseudonymiser: Pseudonymiser, ids: list[str]) -> set[str]:
    """The pseudonyms of these ids as the numbers that the scan looks for: packed, in either order, and as text."""
    return {str(pseudonym) for pseudonym in pseudonymiser.of(ids).pseudonyms.tolist() if pseudonym >= 2**40}


def snapshots(settings: Settings) -> Mapping[int, bytes]:
    """The newest snapshot of each shard."""
    restorers: dict[int, Restorer] = {}
    for record in read_topic(settings, settings.topics.checkpoints):
        restorers.setdefault(record.partition, Restorer()).take(Record(record.key, record.value, record.offset))
    found = {partition: restorer.result().snapshot for partition, restorer in restorers.items()}
    return {partition: snapshot for partition, snapshot in found.items() if snapshot}


def devices(settings: Settings, kept: Mapping[int, bytes], keys: Keys) -> int:
    """How many devices the snapshots give to who has these keys."""
    store = MemoryKeyStore()
    for label, key in keys.items():
        store.put_if_absent(label, key, 1)
    parts = ShardParts.of(settings, load_places(settings.zones), EpochKeys(store, 1 << 40, lambda: 0))
    return sum(Shard.restored(partition, parts, snapshot).devices for partition, snapshot in kept.items())


def test_a_copy_of_everything_gives_no_pseudonym_once_the_key_is_destroyed(
    festival: Path, fresh_names: FreshNames, keys: Keys
) -> None:
    settings = load(festival)
    with Worker(festival) as worker:
        foule("simulate", "--settings", festival, "--people", "300", "--end", "2014-06-28T16:00", "--no-finish")
        wait_until(lambda: snapshots(settings).keys() == set(range(4)), 60, "every shard has a checkpoint", [worker])
        wait_until(lambda: DAY in keys, 10, "the key is seen", [worker])
        copy, kept, key = copied(settings, fresh_names, worker), snapshots(settings), keys[DAY]
        foule("simulate", "--settings", festival, "--people", "300", "--start", "2014-06-28T16:00")
        wait_until_released(settings, DAY_AFTER, 120, [worker])
        wait_until(lambda: b"ended/" + DAY.encode() in ended(settings), 60, "the key is destroyed", [worker])
        wait_until(lambda: key not in in_redis(settings.keys.url.reveal()), 30, "the store has it no more", [worker])

    ids = sorted({record.key.decode() for record in read_topic(settings, settings.topics.events) if record.key})
    assert len(ids) > 200
    pseudonyms = forms(Pseudonymiser(key), ids)
    assert devices(settings, kept, {DAY: key}) > 100  # they are in the copy, for who has the key

    # the attacker: knows every id, the code and the key's id, and has the copy
    key_ids = {match.decode() for piece in itertools.chain(*copy.values()) for match in KEY_ID.findall(piece)}
    assert Pseudonymiser(key, DAY).key_id in key_ids
    assert {place: find_identifiers(pieces, pseudonyms) for place, pieces in copy.items() if pieces} == {
        place: [] for place, pieces in copy.items() if pieces
    }
    assert keys_in(copy, key_ids) == set()
    with pytest.raises(KeyMissingError):
        devices(settings, kept, {})

    # what he looks for is found where it is
    one = int(min(pseudonyms))
    for form in (one.to_bytes(8, "little"), one.to_bytes(8, "big"), str(one).encode()):
        assert find_identifiers([b"a" + form], pseudonyms)
    assert keys_in({"planted": [b"zz" + key + b"z"]}, key_ids) == {Pseudonymiser(key, DAY).key_id}


def ended(settings: Settings) -> list[bytes]:
    """The names on the register of keys."""
    return [record.key or b"" for record in read_topic(settings, settings.topics.epochs)]
