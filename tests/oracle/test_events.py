"""Which records can be used, and the one reason where they cannot (docs/contracts.md)."""

import json

import pytest

from foule.oracle.oracle import Parameters, run
from foule.oracle.parameters import HOUR, MINUTE
from tests.oracle.cases import TEN, cells, count, event, locate, log, settings, verdict


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"   ",
        b"\xff",
        b'{"ts":1,"subscriber":"a","cell":"\xe9"}',
        b"\xef\xbb\xbf" + event(0),
        event(0) + b"\x00",
        event(0) + b"\n" + event(0),
        event(0)[:-1],
        b"[" + event(0) + b"]",
        b"null",
        b"1",
        b'"text"',
        b'{"a":[{}',
        b"{}]}",
        event(0)[:-1] + b',"x":NaN}',
        event(0)[:-1] + b',"x":-Infinity}',
        event(1.0),
        event(1e12),
        event(0).replace(b"%d" % TEN, b"true"),
        event([1]),
        b'{"ts":1e12,"subscriber":"a","cell":"beach-1"}',
        event(0, subscriber=1.5),
        event(0, subscriber=False),
        event(0, subscriber=["a"]),
        event(0, cell={}),
        event(0, cell=1.5),
        event(0, mcc=208.0),
        event(0, home=[]),
        event(0, tac=3.5),
        event(0, tac=True),
        event(0, rat=4),
        event(0, lat="46"),
        event(0, lat=True),
        event(0, lat=90.01),
        event(0, lat=-91),
        event(0, lon=180.5),
        event(0, lon=-181),
        event(0)[:-1] + b',"lat":1e999}',
        b'{"ts":1,"subscriber":"\\ud800","cell":"beach-1"}',
        b'{"ts":1,"subscriber":"a","cell":"\\udc00\\ud800"}',
        event(0)[:-1] + b',"x":"\\ud800"}',
        event(0)[:-1] + b',"x":[{"y":["\\udfff"]}]}',
        event(0)[:-1] + b',"\\udbff":0}',
        b'{"ts":true,"subscriber":"a","cell":"beach-1","ts":1}',
    ],
)
def test_what_is_not_an_object_with_fields_of_the_right_types_is_malformed(value: bytes | None) -> None:
    assert verdict(value) == "malformed"


def test_nesting_without_end_and_numbers_of_thousands_of_digits_are_malformed_and_no_error() -> None:
    assert verdict(b"[" * 100_000) == "malformed"
    assert verdict(event(0)[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}") == "malformed"
    assert verdict(event(0)[:-1] + b',"lat":' + b"9" * 6000 + b"}") == "malformed"


@pytest.mark.parametrize(
    "value",
    [
        b"{}",
        event(None),
        b'{"subscriber":"a","cell":"beach-1"}',
        event(0, subscriber=None),
        event(0, subscriber=""),
        event(0, cell=None),
        event(0, cell=""),
        event(0, cell=None, lat=46.1),
        event(0, cell=None, lon=1.1),
        event(0, cell=None, lat=None, lon=1),
        b'{"ts":1,"subscriber":"a","cell":"beach-1","cell":null}',
    ],
)
def test_without_time_subscriber_or_place_a_field_is_missing(value: bytes) -> None:
    assert verdict(value) == "missing_field"


@pytest.mark.parametrize("ts", ["2014-06-28", "", str(TEN), -1, 253_402_300_800_000, 2**63, 10**30, -(10**30)])
def test_a_time_as_text_or_outside_the_years_1970_to_9999_is_bad(ts: int | str) -> None:
    assert verdict(json.dumps({"ts": ts, "subscriber": "a", "cell": "beach-1"}).encode()) == "bad_time"


def test_an_integer_of_more_than_4300_characters_is_malformed_and_no_error() -> None:
    assert verdict(event(0).replace(b"%d" % TEN, b"1" * 4_300)) == "bad_time"
    assert verdict(event(0).replace(b"%d" % TEN, b"-" + b"1" * 4_299)) == "bad_time"
    assert verdict(event(0, subscriber=208).replace(b"208", b"1" * 4_300)) == "accepted"
    for field in ("ts", "subscriber", "cell", "mcc", "home", "tac", "lat"):
        assert verdict(event(0)[:-1] + b',"%s":%s}' % (field.encode(), b"1" * 4_301)) == "malformed"
        assert verdict(event(0)[:-1] + b',"%s":-%s}' % (field.encode(), b"1" * 4_300)) == "malformed"


@pytest.mark.parametrize("ts", [0, 253_402_300_799_999])
def test_the_first_and_the_last_instant_of_the_years_1970_to_9999_are_good(ts: int) -> None:
    assert verdict(json.dumps({"ts": ts, "subscriber": "a", "cell": "beach-1"}).encode()) == "accepted"


def test_not_before_is_good_and_not_after_is_bad() -> None:
    bounded = settings(not_before=TEN, not_after=TEN + 10)
    found = [verdict(event(at), parameters=bounded) for at in (-1, 0, 9, 10)]
    assert found == ["bad_time", "accepted", "accepted", "bad_time"]


def test_future_is_more_than_max_skew_ahead_of_the_kafka_timestamp() -> None:
    assert verdict(event(0), stamp=TEN - 5 * MINUTE) == "accepted"
    assert verdict(event(1), stamp=TEN - 5 * MINUTE) == "future"
    assert verdict(event(0), stamp=0) == "future"
    assert verdict(event(0), stamp=-1) == "accepted"


def test_an_unknown_cell_does_not_fall_back_to_its_point() -> None:
    assert verdict(event(0, cell="nowhere", lat=46.1, lon=-1.1)) == "unknown_cell"
    assert verdict(event(0, cell=None, lat=46.1, lon=-1.1)) == "accepted"
    assert verdict(event(0, cell="", lat=46.1, lon=-1.1)) == "accepted"


def test_the_first_reason_that_holds_counts() -> None:
    early = TEN - HOUR
    assert verdict(event("x", subscriber=True)) == "malformed"
    assert verdict(event(0, subscriber="", lat=91)) == "malformed"
    assert verdict(event("x", subscriber="")) == "missing_field"
    assert verdict(event("x", cell="nowhere"), stamp=early) == "bad_time"
    assert verdict(event(0, cell="nowhere"), stamp=early) == "future"
    result = run(settings(), {0: log(event(HOUR), event(0, cell="nowhere"), event(0))}, {}, locate)
    assert list(result.verdicts.values()) == ["accepted", "unknown_cell", "late"]


MACHINES = settings(machine_tacs={"35000001", "01234567"}, machine_networks=("20815", "310260"))


@pytest.mark.parametrize(
    ("subscriber", "tac", "machine"),
    [
        ("a", "35000001", True),
        ("a", 35000001, True),
        ("a", "01234567", True),
        ("a", 1234567, True),
        ("a", "1234567", False),
        ("a", -1234567, False),
        ("a", "35000002", False),
        ("a", "3500000", False),
        ("a", "", False),
        ("a", None, False),
        ("208151234567890", None, True),
        ("20815123456789", None, True),
        (208151234567890, None, True),
        ("310260123456789", "35000002", True),
        ("208101234567890", None, False),
        ("2081512345678", None, False),
        ("2081512345678901", None, False),
        ("20815123456789a", None, False),
    ],
)
def test_machines_are_told_by_the_type_of_the_device_or_the_network_of_an_imsi(
    subscriber: str | int, tac: str | int | None, machine: bool
) -> None:
    value = event(0, subscriber=subscriber, tac=tac)
    assert verdict(value, parameters=MACHINES) == ("machine" if machine else "accepted")
    assert verdict(value) == "accepted"


def test_machine_is_the_last_reason_before_late_and_changes_nothing() -> None:
    assert verdict(event(0, cell="nowhere", tac="35000001"), parameters=MACHINES) == "unknown_cell"
    assert verdict(event(0, tac="35000001"), stamp=TEN - HOUR, parameters=MACHINES) == "future"
    values = [event(0), event(HOUR, "b", tac="35000001"), event(MINUTE), event(HOUR), event(0, "b", tac="35000001")]
    result = run(MACHINES, {0: log(*values)}, {}, locate)
    assert list(result.verdicts.values()) == ["accepted", "machine", "accepted", "accepted", "machine"]
    assert (result.read, result.accepted, result.late, dict(result.rejected)) == (5, 3, 0, {"machine": 2})
    assert result.tallies == run(MACHINES, {0: log(event(0), event(MINUTE), event(HOUR))}, {}, locate).tallies


def test_of_a_repeated_key_the_last_value_counts() -> None:
    value = b'{"ts":"x","subscriber":"b","cell":"nowhere","lat":99,"ts":%d,"cell":"port-1","lat":1}' % TEN
    result = count(value)
    assert result.verdicts == {(0, 0): "accepted"}
    assert set(cells(result, "appeared")) == {(0, "port")}


def test_a_whole_number_is_the_subscriber_or_the_cell_that_its_text_names() -> None:
    values = [event(0, subscriber=208), event(1, subscriber="208"), event(2, subscriber="0208")]
    assert cells(count(*values), "appeared") == {(0, "beach"): 2}
    assert verdict(event(0, cell=17)) == "unknown_cell"


def test_what_is_in_fields_that_are_not_mapped_is_of_no_matter() -> None:
    assert verdict(event(0, other=[True, {"ts": "x"}, 1.5, None])) == "accepted"
    assert verdict(event(0)[:-1] + b',"y":1e999,"z":' + b"9" * 6_000 + b"}") == "accepted"


def test_field_names_are_those_of_the_settings() -> None:
    fields = Parameters().fields._replace(ts="t", subscriber="user", cell="lac")
    value = json.dumps({"t": TEN, "user": "a", "lac": "beach-1", "ts": True, "cell": False}).encode()
    assert verdict(value, parameters=settings(fields=fields)) == "accepted"
    assert verdict(value) == "malformed"


def test_every_record_read_is_accepted_late_or_rejected() -> None:
    values = [event(HOUR), event(0), None, b"{}", event("x"), event(HOUR, cell="?"), event(HOUR + 1)]
    result = run(settings(), {0: log(*values), 3: log(event(0))}, {}, locate)
    assert (result.read, result.accepted, result.late) == (8, 3, 1)
    assert dict(result.rejected) == {"malformed": 1, "missing_field": 1, "bad_time": 1, "unknown_cell": 1}
    assert result.verdicts[3, 0] == "accepted"
