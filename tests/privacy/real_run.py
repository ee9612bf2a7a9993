"""Attack 2 on a small real run: workers, topics, both Redis and the worker's disk, searched byte by byte.

On Apache Kafka and redis-server where they are, else on the embedded ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from anonymizer.pseudonyms import Pseudonymiser
from config.errors import ServiceError
from config.settings import load
from foule.embedded import EmbeddedBroker, EmbeddedRedis
from foule.proof.topics import read_topic
from foule.proof.witness import KeyWitness
from simulator.geography import SETTINGS
from tests.e2e.running import Worker, foule, wait_until, wait_until_released
from tests.e2e.test_after_the_epoch import DAY, Copy, copied, devices, ended, forms, keys_in, snapshots
from tests.e2e.test_privacy import DAY_AFTER, in_redis
from tests.privacy.outcome import Outcome
from tests.privacy.scan import find_identifiers
from tests.services import real_kafka
from tests.services.real_kafka import RealKafka
from tests.services.real_redis import RealRedis
from tests.services.settings_file import FreshNames, make_names, write_settings

_MIDDAY = "2014-06-28T16:00"


def run(people: int = 300) -> list[Outcome]:
    """Two halves of a day of ``people``: everything is copied between them, the key store at the end as well."""
    with ExitStack() as stack, TemporaryDirectory() as folder:
        names = make_names()
        path, services = stack.enter_context(_services(Path(folder), names))
        settings = load(path)
        keys = stack.enter_context(KeyWitness(settings.keys.url.reveal())).keys
        foule("topics", "--settings", path)
        simulate = ("simulate", "--settings", path, "--people", str(people))
        with Worker(path) as worker:
            foule(*simulate, "--end", _MIDDAY, "--no-finish")
            wait_until(lambda: snapshots(settings).keys() == set(range(4)), 60, "all shards are on disk", [worker])
            wait_until(lambda: DAY in keys, 10, "the key is seen", [worker])
            copy, kept = copied(settings, names, worker), snapshots(settings)
            foule(*simulate, "--start", _MIDDAY)
            wait_until_released(settings, DAY_AFTER, 180, [worker])
            wait_until(lambda: b"ended/" + DAY.encode() in ended(settings), 60, "the key is destroyed", [worker])
            store = settings.keys.url.reveal()
            wait_until(lambda: keys[DAY] not in in_redis(store), 30, "the store has it no more", [worker])
            log = worker.log_text.encode()
        copy |= {"key store": list(in_redis(store)), "log": [log]}
        ids = sorted({record.key.decode() for record in read_topic(settings, settings.topics.events) if record.key})
        key = keys[DAY]
        pseudonyms = Pseudonymiser(key, DAY)
        inside = devices(settings, kept, {DAY: key})
    planted = {"planted": [ids[0].encode(), min(forms(pseudonyms, ids)).encode(), key]}
    off, on = (_found(places, ids, pseudonyms) for places in (copy | planted, copy))
    return [
        Outcome(
            id="2b",
            name=f"the same on a real run ({services})",
            claim="singling out",
            knows="all topics but events and dead letters, the Redis for numbers, the worker's disk and log, and, "
            "after the epoch, the key store",
            figure="identifiers, pseudonyms and keys found",
            without="the rules (one of each is planted)",
            off=float(off),
            on=float(on),
            target="0",
            works=off >= 3 and inside > 0,
            fails=on == 0,
            detail=f"{sum(map(len, (piece for pieces in copy.values() for piece in pieces))):,} bytes in "
            f"{len(copy)} places; {inside:,} of {len(ids):,} devices are in the copied snapshots for who has the key",
        )
    ]


def _found(places: Copy, ids: Sequence[str], pseudonyms: Pseudonymiser) -> int:
    pieces = [piece for found in places.values() for piece in found]
    needles = set(ids) | forms(pseudonyms, list(ids))
    return len(find_identifiers(pieces, needles)) + len(keys_in(places, {pseudonyms.key_id}))


@contextmanager
def _services(folder: Path, names: FreshNames) -> Iterator[tuple[Path, str]]:
    """A settings file for the festival on servers of its own, and what they are."""
    with ExitStack() as stack:
        broker, kafka = _broker(stack)
        make: type[EmbeddedRedis] = EmbeddedRedis if RealRedis.absent() else RealRedis
        numbers, keys = (stack.enter_context(make(persistent=persistent)) for persistent in (True, False))
        given = load(SETTINGS)
        layers = [{"name": layer.name, "file": layer.file} for layer in given.zones.layers]
        path = write_settings(
            folder / "foule.toml",
            {
                "kafka": {"bootstrap": broker.bootstrap, "group": names.group, **_membership(broker)},
                "topics": {**names.topics, "events_retention": "36500d"},
                "events": {"not_before": "2014-06-27T00:00:00+02:00"},
                "zones": {"cells": given.zones.cells, "layers": layers},
                "stream": {"checkpoint_every": "1s", "seal_every": "1s"},
                "redis": {"url": numbers.url},
                "keys": {"url": keys.url},
                "metrics": {"port": 0},
                "log": {"level": "debug"},
            },
        )
        yield path, f"{kafka}, {'redis-server' if make is RealRedis else 'embedded Valkey'}"


def _broker(stack: ExitStack) -> tuple[RealKafka | EmbeddedBroker, str]:
    if RealKafka.absent() is None:
        try:
            real_kafka.libraries()
        except ServiceError:
            pass
        else:
            return stack.enter_context(RealKafka()), f"Apache Kafka {real_kafka.version()}"
    return stack.enter_context(EmbeddedBroker()), "embedded broker"


def _membership(broker: RealKafka | EmbeddedBroker) -> dict[str, str]:
    return {} if isinstance(broker, RealKafka) else {"rebalance_timeout": EmbeddedBroker.rebalance_timeout}
