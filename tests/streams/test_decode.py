"""A fetch is decoded as each of its records alone would be, and as the oracle reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from config.sections import EventsSettings, OriginsSettings
from foule.oracle.events import Event, read_event
from foule.oracle.oracle import Parameters
from indicators.origins import Origins
from streams.decode import REASONS, Decoder
from streams.fetch import contiguous
from streams.machines import Machines
from tests.crowds import SMALL, Universe
from tests.damage import NOON, crafted, fuzz
from tests.streams.shards import places_of, settings_of
from zones import Layer, Places
from zones.locate import Locator

PARAMETERS = Parameters(not_before=1_000, not_after=NOON + 10**9)
PLACES = places_of(Universe(PARAMETERS, SMALL))
DECODER = Decoder(settings_of(PARAMETERS).events, PLACES)


class Read(NamedTuple):
    """What became of one record: a reason, or the event."""

    reason: str | None
    ts: int = 0
    subscriber: str = ""
    place: int = -1
    origin: int = 0


def decoded(values: Sequence[bytes | None], stamps: Sequence[int] | None = None, by: Decoder = DECODER) -> list[Read]:
    """Decode the values as one fetch."""
    timestamps = np.full(len(values), -1) if stamps is None else np.array(stamps, np.int64)
    events, rejected = by.decode(contiguous(3, 100, list(values), timestamps))
    assert events.rows.dtype == events.times.dtype == np.int64 and events.places.dtype == np.int32
    assert events.origins.dtype == np.int16 and len(events.origins) == len(events.rows)
    assert len(events.rows) == len(events.times) == len(events.subscribers) == len(events.places)
    assert all(first < second for first, second in pairwise(events.rows.tolist()))
    assert all(first.row < second.row for first, second in pairwise(rejected))
    read = {row: Read(reason) for row, reason in rejected}
    numbers = (events.rows, events.times, events.places, events.origins)
    columns = zip(*(column.tolist() for column in numbers), strict=True)
    for (row, ts, place, origin), subscriber in zip(columns, events.subscribers, strict=True):
        assert row not in read
        read[row] = Read(None, ts, subscriber, place, origin)
    assert sorted(read) == list(range(len(values)))
    return [read[row] for row in range(len(values))]


def by_the_oracle(value: bytes | None, stamp: int = -1, parameters: Parameters = PARAMETERS) -> Read:
    event = read_event(parameters, value, stamp)
    if not isinstance(event, Event):
        return Read(event)
    if event.cell is not None:
        place = int(PLACES.of_cells([event.cell])[0])
    else:
        place = int(PLACES.of_points(np.array([event.lat]), np.array([event.lon]))[0])
    return Read("unknown_cell") if place < 0 else Read(None, event.ts, event.subscriber, place)


def event(**fields: Any) -> bytes:
    return json.dumps({"ts": NOON, "subscriber": "a", "cell": "c0"} | fields).encode()


GOOD = event()

# --- as the oracle, record by record

_NUMBERS = ["0", "-0", "1", "-1", "90", "180.5", "46.1", "-180", "1e2", "1E400", "NaN", "9" * 20, "1403949600000"]
_NUMBERS += ["1.0", "253402300799999", "253402300800000", "01", "1403949600001", "9223372036854775808", "7" * 4400]
_TEXTS = ['"c0"', '"c1"', '"c5"', '""', '"a"', '"12"', '"\\u0061"', '"\\ud800"', '"\\ud83d\\ude00"', '"é"', '"x\\ny"']
_OTHER = ["null", "true", "false", "[]", "{}", "[{}]", '{"ts":1}', "nul", "", "-Infinity", '"']
_USUAL = {
    "ts": ["1403949600000", "1403949600123"],
    "subscriber": ['"a"', '"b"', "208"],
    "cell": ['"c0"', '"c4"'],
    "lat": ["46.1", "46"],
    "lon": ["-1.1"],
    "mcc": ["208", '"208"'],
    "home": ['"17"'],
    "rat": ['"4G"'],
}


@st.composite
def objects(draw: st.DrawFn) -> bytes:
    """Something like a JSON object with some of the mapped fields, usual or not, in any order, some twice."""
    names = draw(st.lists(st.sampled_from([*_USUAL, "ts", "subscriber", "cell", "x"]), max_size=10))
    names = [*draw(st.sampled_from([[], ["ts", "subscriber", "cell"], ["lat", "lon", "subscriber", "ts"]])), *names]
    odd = st.sampled_from(_NUMBERS + _TEXTS + _OTHER)
    pairs = []
    for name in names:
        usual = st.sampled_from(_USUAL.get(name, _OTHER))
        pairs.append(f'"{name}":{draw(st.one_of(usual, usual, usual, odd))}')
    space = draw(st.sampled_from(["", "", " ", "\n\t"]))
    text = space + "{" + f"{space},{space}".join(pairs) + "}" + space
    return text.encode()


RECORDS = st.one_of(
    objects(),
    objects(),
    st.just(GOOD),
    st.sampled_from([event(subscriber=n, cell=f"c{n % 6}", ts=NOON + n) for n in range(8)]),
    st.integers(0, 10_000).map(lambda seed: next(fuzz(seed, 1)).value),
    st.binary(max_size=6),
)
STAMPS = st.sampled_from([-1, 0, NOON, NOON - 300_000, NOON - 300_001])


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(RECORDS, STAMPS), max_size=12))
def test_a_fetch_of_any_records_is_read_as_the_oracle_reads_each(records: list[tuple[bytes | None, int]]) -> None:
    values, stamps = [value for value, _ in records], [stamp for _, stamp in records]
    expected = [by_the_oracle(value, stamp) for value, stamp in records]
    assert decoded(values, stamps) == expected
    assert [decoded([value], [stamp])[0] for value, stamp in records] == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(objects(), max_size=10))
def test_good_records_alone_are_read_as_among_damaged_ones(values: list[bytes]) -> None:
    good = [value for value in values if by_the_oracle(value).reason is None]
    alone = decoded(good)
    assert alone == [by_the_oracle(value) for value in good]
    with_damage = decoded([None, *good, b"{"])
    assert with_damage == [Read("malformed"), *alone, Read("malformed")]


def test_thousands_of_damaged_records_between_good_ones_are_read_as_each_alone() -> None:
    damaged = list(fuzz(3, 6_000))
    values: list[bytes | None] = []
    for n, one in enumerate(damaged):
        values += [one.value] if n % 3 else [one.value, event(subscriber=f"s{n}", ts=NOON + n, cell=f"c{n % 6}")]
    whole = decoded(values)
    assert whole == [by_the_oracle(value) for value in values]
    told = [one for one in damaged if one.reason is not None]
    by_value = dict(zip(values, whole, strict=True))
    assert all(by_value[one.value].reason == one.reason for one in told)
    assert {read.reason for read in whole} == {None, *REASONS} - {"future", "machine"}


@pytest.mark.parametrize("run", crafted(GOOD))
def test_records_crafted_to_fit_together_are_malformed_each(run: list[bytes]) -> None:
    bad = Read("malformed")
    alone = decoded([GOOD])[0]
    assert decoded(run) == [bad] * len(run)
    assert decoded([GOOD, *run, GOOD]) == [alone, *[bad] * len(run), alone]
    assert decoded([*run, *run]) == [bad] * (2 * len(run))


def test_an_empty_fetch_has_no_events() -> None:
    assert decoded([]) == []


# --- the reasons, and their order

MALFORMED = event(lat=91)
MISSING = event(subscriber="")


@pytest.mark.parametrize(
    ("value", "stamp", "reason"),
    [
        (event(subscriber="", lat=91, ts="x"), -1, "malformed"),
        (event(cell="nowhere", rat=4), 0, "malformed"),
        (event(subscriber="", ts="x", cell="nowhere"), 0, "missing_field"),
        (event(cell=None, lat=46.1, ts=-1), 0, "missing_field"),
        (event(ts="2014-06-28", cell="nowhere"), 0, "bad_time"),
        (event(ts=999, cell="nowhere"), 0, "bad_time"),
        (event(ts=NOON + 10**9, cell="nowhere"), 0, "bad_time"),
        (event(ts=10**30, cell="nowhere"), 0, "bad_time"),
        (event(cell="nowhere"), NOON - 300_001, "future"),
        (event(cell="nowhere"), NOON - 300_000, "unknown_cell"),
        (event(cell="nowhere", lat=46.1, lon=-1.1), -1, "unknown_cell"),
        (event(), NOON - 300_001, "future"),
        (event(), NOON - 300_000, None),
        (event(), -1, None),
        (event(ts=1_000), -1, None),
        (event(ts=NOON + 10**9 - 1), -1, None),
    ],
)
@pytest.mark.parametrize("beside", [[], [GOOD], [b"damage"]])
def test_the_first_reason_that_holds_counts(value: bytes, stamp: int, reason: str | None, beside: list[bytes]) -> None:
    read = decoded([value, *beside], [stamp] + [NOON] * len(beside))
    assert read[0].reason == reason
    assert by_the_oracle(value, stamp).reason == reason


def test_text_and_integers_name_the_same_subscriber_and_cell() -> None:
    numbers = Places([Layer("l", ("z",), ("z",), (None,))], ["17"], np.array([[0]], np.int32), [None], "", ())
    decoder = Decoder(EventsSettings(), numbers)
    values = [event(subscriber=one, cell=cell) for one in (208, "208") for cell in (17, "17")]
    for fetch in (values, values[:1], values[1:2], [*values, None]):
        good = [read for read in decoded(fetch, by=decoder) if read.reason is None]
        assert {(read.subscriber, read.place) for read in good} == {("208", 0)}


def test_fields_have_the_names_of_the_settings() -> None:
    named = EventsSettings(ts="time", subscriber="user", cell="lac-ci", lat="y", lon="x", mcc="m", home="h", rat="r")
    decoder = Decoder(named, PLACES)
    value = b'{"time":5,"user":"u","lac-ci":"c2","ts":true,"subscriber":[],"cell":{},"lat":"","rat":1}'
    assert decoded([value], by=decoder) == [Read(None, 5, "u", int(PLACES.of_cells(["c2"])[0]))]
    assert decoded([value.replace(b'"time"', b'"Time"'), GOOD], by=decoder) == [Read("missing_field")] * 2


def test_points_and_cells_are_located_side_by_side() -> None:
    layer = Layer("shore", ("beach", "sea"), ("", ""), (None, None))
    locator = Locator(np.array([shapely.box(-2, 46, -1, 47), shapely.box(-4, 46, -2, 47)]))
    places = Places([layer], ["in-sea", "nowhere"], np.array([[1], [2]], np.int32), [locator], "", ())
    values = [
        event(cell=None, lat=46.5, lon=-1.5),
        event(cell="in-sea", lat=46.5, lon=-1.5),
        event(cell="", lat=46.5, lon=-3),
        event(cell=None, lat=-46.5, lon=-1.5),
        event(cell="nowhere"),
        event(cell="unheard of", lat=46.5, lon=-1.5),
    ]
    decoder = Decoder(EventsSettings(), places)
    names = [
        None if read.place < 0 else layer.zone_name(int(places.zones[read.place, 0]))
        for read in decoded(values, by=decoder)
    ]
    assert names == ["beach", "sea", "sea", "outside", "outside", None]
    only_points = decoded([values[0], values[3]], by=decoder)
    assert [int(places.zones[read.place, 0]) for read in only_points] == [0, 2]


def test_a_point_is_looked_up_only_where_there_is_no_cell() -> None:
    class Asked:
        points: list[float] = []  # noqa: RUF012

        def of_cells(self, cells: Sequence[str]) -> Any:
            return np.zeros(len(cells), np.int32)

        def of_points(self, lat: Any, lon: Any) -> Any:
            self.points += lat.tolist()
            return np.ones(len(lat), np.int32)

    asked = Asked()
    values = [event(lat=1, lon=1), event(cell=None, lat=2, lon=1), event(cell="", lat=3, lon=1), event()]
    assert [read.place for read in decoded(values, by=Decoder(EventsSettings(), asked))] == [0, 1, 1, 0]
    assert asked.points == [2.0, 3.0]


def test_bounds_of_time_beyond_what_is_good_anyway_change_nothing() -> None:
    wide = msgspec.structs.replace(EventsSettings(), not_before=-(10**18), not_after=10**18)
    values = [event(ts=ts) for ts in (-1, 0, 253_402_300_799_999, 253_402_300_800_000)]
    for by in (Decoder(wide, PLACES), Decoder(EventsSettings(), PLACES)):
        assert [read.reason for read in decoded(values, by=by)] == ["bad_time", None, None, "bad_time"]


# --- from where devices are

ORIGINS = Origins.of(OriginsSettings())
FROM = Decoder(EventsSettings(), PLACES, ORIGINS)


def labels(values: Sequence[bytes | None], by: Decoder = FROM) -> list[str]:
    return [read.reason or ORIGINS.label(read.origin, None) for read in decoded(values, by=by)]


def test_each_event_has_the_origin_that_its_own_record_tells() -> None:
    values = [
        event(mcc=208, home="75"),
        b"damage",
        event(mcc="262"),
        event(mcc="208", home=17),
        event(subscriber=None, mcc="222"),
        event(subscriber="214010000000001"),
        event(cell="nowhere", mcc="234"),
        event(subscriber=208010000000001, home="2A"),
        event(),
        None,
    ]
    reasons = {1: "malformed", 4: "missing_field", 6: "unknown_cell", 9: "malformed"}
    found = {0: "national:75", 2: "foreign:DE", 3: "national:17", 5: "foreign:ES", 7: "national:2A", 8: "unknown"}
    assert labels(values) == [(reasons | found)[row] for row in range(len(values))]
    assert [labels([value])[0] for value in values] == labels(values)


def test_origins_go_along_when_events_are_left_out() -> None:
    values = [event(mcc=mcc, subscriber=str(mcc)) for mcc in (262, 208, 222, 214)]
    events, _ = FROM.decode(contiguous(0, 0, list[bytes | None](values), np.full(4, -1)))
    kept = events.only(np.array([True, False, True, False]))
    assert [ORIGINS.label(code, None) for code in kept.origins.tolist()] == ["foreign:DE", "foreign:IT"]


def test_where_nothing_needs_origins_they_are_not_looked_up() -> None:
    assert [read.origin for read in decoded([event(mcc="262"), event(mcc="208", home="75")])] == [0, 0]


# --- machines

METERS = Decoder(EventsSettings(), PLACES, ORIGINS, Machines({"35000001", "01124500"}, {"20815", "310260"}))


@pytest.mark.parametrize(
    ("value", "stamp", "reason"),
    [
        (event(tac="35000001"), -1, "machine"),
        (event(tac=35000001), -1, "machine"),
        (event(tac=1124500), -1, "machine"),
        (event(tac="1124500"), -1, None),
        (event(tac="35000002"), -1, None),
        (event(tac=None), -1, None),
        (event(subscriber="208150123456789"), -1, "machine"),
        (event(subscriber=20815012345678), -1, "machine"),
        (event(subscriber="310260123456789"), -1, "machine"),
        (event(subscriber="2081501234567"), -1, None),
        (event(subscriber="2081501234567890"), -1, None),
        (event(subscriber="20815012345678x"), -1, None),
        (event(subscriber="208160123456789"), -1, None),
        (event(tac="35000001", cell="nowhere"), -1, "unknown_cell"),
        (event(tac="35000001"), NOON - 300_001, "future"),
        (event(tac="35000001", ts=-1), -1, "bad_time"),
        (event(tac="35000001", subscriber=""), -1, "missing_field"),
        (event(tac="35000001", subscriber=None), -1, "missing_field"),
        (event(tac=[]), -1, "malformed"),
        (event(tac=1.5), -1, "malformed"),
    ],
)
def test_an_otherwise_good_event_of_a_machine_is_rejected(value: bytes, stamp: int, reason: str | None) -> None:
    assert decoded([value], [stamp], METERS)[0].reason == reason
    read = decoded([GOOD, value, b"damage", GOOD], [-1, stamp, -1, -1], METERS)
    assert [one.reason for one in read] == [None, reason, "malformed", None]


def test_without_such_settings_no_event_is_of_a_machine() -> None:
    assert decoded([event(tac="35000001"), event(subscriber="208150123456789")])[0].reason is None
    assert Machines.of(EventsSettings()) is None
