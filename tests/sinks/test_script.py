"""The script's call: what is in it, in pieces that Lua can take, and what its answers say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from redis.crc import key_slot

from config.sections import RedisSettings
from config.times import DAY, HOUR
from indicators.calendar import Window
from sinks.script import Command, Outcome, Script, answered
from sinks.values import Values
from tests.sinks.released import NOON, crowd, publication

SCRIPT = Script(RedisSettings(), Values(), lambda start: Window(DAY, NOON - HOUR, NOON + DAY - HOUR))


def keys_and_arguments(call: Command) -> tuple[list[Any], list[Any]]:
    """The keys and the arguments of a call of EVAL."""
    count = int(call[2])
    return call[3 : 3 + count], call[3 + count :]


def test_all_keys_of_a_call_are_in_one_slot_of_a_cluster() -> None:
    window = publication(
        crowd(40, "{x}", "}{"), {("{x}", "}{"): 15}, parts={"dwell": {("{x}",): {"0-15m": 40}}}, layer="pl{a}ces"
    )
    keys, _ = keys_and_arguments(SCRIPT.call(window, ["gone", "{y}"]))
    assert "foule:{pl{a}ces}:occupancy:1d:20140628T0900Z" in keys
    assert "foule:{pl{a}ces}:series:5m:{y}" in keys
    assert len({key_slot(key.encode()) for key in keys}) == 1


def test_lua_unpacks_no_more_than_its_stack_holds() -> None:
    zones = [f"{n:04}" for n in range(2_500)]
    window = publication(crowd(40, *zones), parts={"dwell": {(zone,): {"0-15m": 40} for zone in zones}})
    _, arguments = keys_and_arguments(SCRIPT.call(window, ()))
    chunks = [msgspec.msgpack.decode(chunk) for chunk in arguments[12:]]
    assert [len(chunk) for chunk in chunks] == [1000, 1000, 500, 2001, 2001, 1001]
    assert arguments[11] == 3


@pytest.mark.parametrize(
    ("width", "shortest", "kept", "said"),
    [
        ("5m", True, True, "part"),
        ("1h", False, True, ""),
        ("1d", False, True, "day"),
        ("1d", True, True, "day"),
        ("5m", True, False, ""),
        ("1d", False, False, ""),
    ],
)
def test_a_window_is_a_part_of_a_days_occupancy_the_day_or_nothing(
    width: str, shortest: bool, kept: bool, said: str
) -> None:
    script = SCRIPT if kept else Script(RedisSettings(), Values(), None)
    _, arguments = keys_and_arguments(script.call(publication({}, width=width, shortest=shortest), ()))
    assert arguments[7] == said


def test_an_answer_is_an_outcome_or_the_zones_to_withdraw() -> None:
    assert answered([b"placed"]) is Outcome.PLACED
    assert answered([b"refused", b"8"]) is Outcome.REFUSED
    assert answered([b"withdraw", b"beach", "Ch\u00e2telaillon".encode()]) == ("beach", "Ch\u00e2telaillon")
