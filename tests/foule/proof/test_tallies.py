"""The log of tallies is read back as the release agents read it: what no owner wrote does not count."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaProducer

from config.errors import ContractError, ServiceError
from config.sections import LayerSettings
from config.settings import Settings, load
from foule.oracle.result import WindowKey
from foule.proof.tallies import TallyLog
from indicators.cells import Cells, OneOrigin
from indicators.counts import Tally
from indicators.plan import Plan
from streams import topics, wire
from streams.wire import Bookmark, Claim, Decision, Message, ReleaseClaim, Seal, TallyPart
from tests.cells import CIPHER, KEY, counts_of, key_id
from tests.conftest import SettingsMaker
from tests.sinks.released import FIVE_MINUTES, NOON, publication
from zones import Layer

WINDOW = WindowKey("places", FIVE_MINUTES, NOON, NOON + FIVE_MINUTES)
ONE, TWO = {0: 1}, {0: 2}
KEYS = {"20140628": KEY}
CELLS = Cells(Layer("places", ("beach",), ("",), (None,)), Plan(), OneOrigin())

Append = Callable[..., None]


@pytest.fixture
def settings(settings_for: SettingsMaker, tmp_path: Path) -> Settings:
    found = load(settings_for(tmp_path))
    topics.create(found)
    layers = (LayerSettings(name=WINDOW.layer, column=WINDOW.layer),)
    return msgspec.structs.replace(found, zones=msgspec.structs.replace(found.zones, layers=layers))


@pytest.fixture
def append(settings: Settings) -> Append:
    """Puts messages on the log."""

    def send(*messages: Message) -> None:
        producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
        for message in messages:
            producer.send(settings.topics.tallies, wire.encode(message)).get(30)
        producer.close()

    return send


def tally(token: int, people: dict[int, int], shard: int = 0) -> TallyPart:
    counted = Tally(0, FIVE_MINUTES, *WINDOW[2:], {"presence": counts_of(people)}, key_id())
    [part] = wire.parts_of(counted, shard, "s", token, CIPHER)
    return part


def seal(token: int, watermark: int, next_offset: int, shard: int = 0) -> Seal:
    return Seal("s", token, shard, watermark, next_offset, False, 0)


def decision(token: int, people: int) -> Decision:
    window = publication({"beach": {"people": people}}).window
    return Decision("s", token, 0, FIVE_MINUTES, *WINDOW[2:], window.to_bytes())


def test_tallies_of_a_former_owner_do_not_count(settings: Settings, append: Append) -> None:
    append(Claim("s", 0, 3), tally(3, ONE), Claim("s", 0, 7), tally(3, TWO), tally(7, ONE), seal(3, 9_000, 90))
    append(*[seal(0, 5_000, 50, shard) for shard in range(1, settings.topics.partitions)], seal(7, 6_000, 60))
    layers = [CELLS]
    with TallyLog(settings, KEYS) as log:
        log.read()
        assert log.problems == []
        assert log.by_shard(layers)[0] == {WINDOW: {"presence": {"beach": 1}}}
        assert (log.sealed(5_000), log.sealed(5_001)) == (True, False)
        assert (log.has_read({0: 60}), log.has_read({0: 61})) == (True, False)
        append(tally(7, ONE))
        log.read()
        log.by_shard(layers)
        assert log.problems == []
        append(tally(7, TWO))
        log.read()
        log.by_shard(layers)
        assert log.problems == ["a tally of shard 0 came again with other numbers"]
        assert (log.label(WINDOW, 0), log.label(WINDOW, 1)) == ("20140628", "20140628")


def test_tallies_under_a_key_that_nobody_has_seen_are_an_error(settings: Settings, append: Append) -> None:
    append(Claim("s", 0, 3), tally(3, ONE))
    with TallyLog(settings, {}) as log:
        log.read()
        with pytest.raises(ServiceError, match="under the key 20140628, which was not seen"):
            log.by_shard([CELLS])


def test_decisions_of_a_former_release_agent_do_not_count(settings: Settings, append: Append) -> None:
    append(ReleaseClaim("s"), ReleaseClaim("s"), decision(0, 40), decision(1, 30))
    append(Bookmark("s", 1, 4, [(None, 99)], [], []), decision(1, 30))
    with TallyLog(settings) as log:
        log.read()
        assert (log.problems, log.undecided, log.released) == ([], set(), 1)
        assert log.decisions[WINDOW].zones["beach"]["people"] == 30
        assert log.last_released is not None
        assert log.last_released.version == 5


def test_the_log_can_be_read_on_from_where_it_was(settings: Settings, append: Append) -> None:
    append(ReleaseClaim("s"), Claim("s", 0, 3), tally(3, ONE))
    with TallyLog(settings) as log:
        log.read()
        assert log.undecided == {WINDOW}
        append(Claim("s", 0, 7), tally(3, TWO), tally(7, ONE), decision(0, 30))
        log.read()
        assert (log.undecided, log.problems) == (set(), [])


def test_a_record_that_foule_did_not_write_is_an_error(settings: Settings) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
    producer.send(settings.topics.tallies, msgspec.json.encode({})).get(30)
    producer.close()
    with TallyLog(settings) as log, pytest.raises(ContractError, match="who else writes there"):
        log.read()
