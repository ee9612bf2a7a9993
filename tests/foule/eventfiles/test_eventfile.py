"""Recorded files of every kind give the same records; damage is passed on and counted; --sort is by event time."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import EventFileError
from config.settings import EventsSettings, ReplaySettings, Settings, load
from foule.eventfiles import Batch, EventFile
from foule.eventfiles.container import LONGEST

ROOT = Path(__file__).resolve().parents[3]
UNICOM = ROOT.parent / "shared" / "data" / "unicom_xdr_201508.csv.gz"
HEADER = b"ts,subscriber,cell\n"


def mapped(**replay: Any) -> Settings:
    return Settings(replay=ReplaySettings(**replay))


def everything(path: Path, how: Settings | None = None, sort: bool = False) -> Batch:
    """All batches of the file as one."""
    with EventFile(path, how or Settings()) as file:
        batches = list(file.batches(sort))
        total = Batch(
            [key for batch in batches for key in batch.keys],
            [value for batch in batches for value in batch.values],
            pa.chunked_array([pa.array(batch.ts) for batch in batches], pa.int64()).to_numpy(),
            sum(batch.damaged for batch in batches),
            sum(batch.undated for batch in batches),
        )
        assert (file.rows, file.damaged, file.undated) == (len(total.values), total.damaged, total.undated)
    return total


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


ROWS = [
    {"ts": 1403949600000, "subscriber": "208011234567890", "cell": "a-1"},
    {"ts": 1403949601000, "subscriber": "208017654321098", "cell": "été 2"},
]
RECORDS = [
    {"ts": 1403949600000, "subscriber": "208011234567890", "cell": "a-1"},
    {"ts": 1403949601000, "subscriber": "208017654321098", "cell": "été 2"},
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["csv", "csv-bom-crlf", "jsonl", "parquet"])
def test_every_kind_of_file_gives_the_same_records(tmp_path: Path, kind: str, packed: bool) -> None:
    if kind == "parquet":
        pa.parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "plain")
        content = (tmp_path / "plain").read_bytes()
    elif kind == "jsonl":
        content = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
    else:
        lines = ["ts,subscriber,cell", *(",".join(map(str, row.values())) for row in ROWS)]
        bom_crlf = kind == "csv-bom-crlf"
        content = (b"\xef\xbb\xbf" if bom_crlf else b"") + ("\r\n" if bom_crlf else "\n").join(lines).encode()
    # the name says nothing about the content
    batch = everything(put(tmp_path, "events.dat", gzip.compress(content) if packed else content))
    assert [json.loads(value) for value in batch.values] == RECORDS
    assert batch.keys == [b"208011234567890", b"208017654321098"]
    assert batch.ts.tolist() == [1403949600000, 1403949601000]


def test_fields_get_the_names_of_the_settings_and_their_json_types(tmp_path: Path) -> None:
    path = put(
        tmp_path, "a.csv", b"t;imsi;y;x;country;dep;net;type\n5;12;45.5;-1e0;208;17;4G;01124500\n6;13;nan;1,5;;;;\n"
    )
    how = Settings(
        replay=ReplaySettings(
            ts="t",
            subscriber="imsi",
            cell=None,
            lat="y",
            lon="x",
            mcc="country",
            home="dep",
            rat="net",
            tac="type",
            delimiter=";",
        ),
        events=EventsSettings(ts="time", subscriber="who", rat="radio"),
    )
    first, second = (json.loads(value) for value in everything(path, how).values)
    from_where = {"mcc": "208", "home": "17", "radio": "4G", "tac": "01124500"}
    assert first == {"time": 5, "who": "12", "lat": 45.5, "lon": -1.0} | from_where
    # what is no number stays as it is, for the worker to reject; what is empty is left out
    assert second == {"time": 6, "who": "13", "lat": "nan", "lon": "1,5"}


def test_templates_join_columns_and_an_empty_part_leaves_the_field_out(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", b"day,clock,user,lac,ci\n2014-06-28,10:00:00,u,1,2\n2014-06-28,10:00:01,u,,2\n")
    how = mapped(ts="{day}T{clock}", subscriber="S%{user}", cell="{lac}-{ci}", time_format="iso")
    first, second = (json.loads(value) for value in everything(path, how).values)
    assert first == {"ts": 1403949600000, "subscriber": "S%u", "cell": "1-2"}
    assert second == {"ts": 1403949601000, "subscriber": "S%u"}


def test_a_time_that_cannot_be_read_goes_out_as_its_text(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", HEADER + b"08:31.0,u,c\n7,u,c\n,u,c\n")
    batch = everything(path)
    assert batch.values == [
        b'{"ts":"08:31.0","subscriber":"u","cell":"c"}',
        b'{"ts":7,"subscriber":"u","cell":"c"}',
        b'{"subscriber":"u","cell":"c"}',
    ]
    assert batch.ts.tolist() == [-1, 7, -1]
    assert (batch.damaged, batch.undated) == (0, 1)


def test_times_outside_the_calendar_are_sent_but_not_readable(tmp_path: Path) -> None:
    batch = everything(put(tmp_path, "a.csv", HEADER + b"-5,u,c\n253402300800000,u,c\n99999999999999999999,u,c\n"))
    assert [json.loads(value)["ts"] for value in batch.values] == [-5, 253402300800000, "99999999999999999999"]
    assert batch.ts.tolist() == [-1, -1, -1]


def test_csv_rows_with_the_wrong_number_of_columns_are_passed_on_as_they_are(tmp_path: Path) -> None:
    damage = [b"1,u", b"1,u,c,d", b'1,"u,c', b"\xff\xfe,u,c", b'1,u,"c"d']
    content = HEADER + b"1,u,c\n" + b"\n".join(damage) + b'\n\n2,"a,""b""",c\n'
    batch = everything(put(tmp_path, "a.csv", content))
    assert batch.values[1:-1] == damage
    assert batch.keys == [b"u", *[None] * len(damage), b'a,"b"']
    assert batch.ts.tolist() == [1, *[-1] * len(damage), 2]
    assert (batch.damaged, batch.undated) == (len(damage), 0)


JSON_DAMAGE = [b'{"ts":1', b"[1]", b"7", b'{"ts":NaN}', b'{"a":"\xff"}', b"{]}", b'{"a":' + b"[" * 5000]


def test_json_lines_that_are_no_objects_are_passed_on_as_they_are(tmp_path: Path) -> None:
    good = b'{"ts":1,"subscriber":"u","cell":"c"}'
    batch = everything(put(tmp_path, "a.jsonl", b"\n".join([good, *JSON_DAMAGE, good])))
    assert batch.values == [good, *JSON_DAMAGE, good]
    assert batch.damaged == len(JSON_DAMAGE)


def test_wrong_types_in_json_lines_stay_wrong(tmp_path: Path) -> None:
    line = b'{"ts":true,"subscriber":[1],"cell":1.5,"lat":null}'
    batch = everything(put(tmp_path, "a.jsonl", line), mapped(lat="lat", lon="lon"))
    assert [json.loads(value) for value in batch.values] == [{"ts": True, "subscriber": [], "cell": 1.5}]
    assert batch.keys == [None]


def test_a_subscriber_is_the_same_text_in_every_kind_of_file(tmp_path: Path) -> None:
    as_int = everything(put(tmp_path, "a.jsonl", b'{"ts":1,"subscriber":208011234567890,"cell":12}'))
    pa.parquet.write_table(
        pa.table({"ts": [1.0, None], "subscriber": [208011234567890.0, None], "cell": pa.array([12, 13])}),
        tmp_path / "p",
    )
    as_float = everything(tmp_path / "p")
    assert as_int.values == as_float.values[:1] == [b'{"ts":1,"subscriber":"208011234567890","cell":"12"}']
    assert as_float.values[1] == b'{"cell":"13"}'
    assert as_float.keys == [b"208011234567890", None]


def test_parquet_times_need_no_format(tmp_path: Path) -> None:
    clocks = pa.array([datetime(2014, 6, 28, 10), None], pa.timestamp("us"))
    pa.parquet.write_table(pa.table({"ts": clocks, "subscriber": ["u", "v"], "cell": ["c", "c"]}), tmp_path / "p")
    batch = everything(tmp_path / "p", mapped(time_format="%d.%m.%Y", time_zone="Europe/Paris"))
    assert batch.ts.tolist() == [1403942400000, -1]
    assert json.loads(batch.values[1]) == {"subscriber": "v", "cell": "c"}


def test_parquet_values_that_are_not_utf8_damage_their_row_only(tmp_path: Path) -> None:
    users = pa.array([b"u", b"\xff", b"w"], pa.binary())
    cells = pa.array(["c", "c", "d"]).dictionary_encode()
    pa.parquet.write_table(pa.table({"ts": [1, 2, 3], "subscriber": users, "cell": cells}), tmp_path / "p")
    batch = everything(tmp_path / "p")
    assert batch.keys == [b"u", None, b"w"]
    assert batch.values[1] == b"\xff"
    assert batch.damaged == 1


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_row_longer_than_a_record_can_be_is_cut_and_harms_no_other(tmp_path: Path, name: str) -> None:
    def row(user: bytes) -> bytes:
        return b"1,%b,c" % user if name == "a.csv" else b'{"ts":1,"subscriber":"%b","cell":"c"}' % user

    rows = [row(b"u"), row(b"x" * 3_000_000), row(b"v")]
    head = HEADER if name == "a.csv" else b""
    batch = everything(put(tmp_path, name, head + b"\n".join(rows)))
    assert batch.keys == [b"u", None, b"v"]
    assert batch.values[1] == rows[1][:LONGEST]
    assert batch.damaged == 1


def test_a_record_that_grows_too_long_is_cut_too(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"ts": [1], "subscriber": ["x" * LONGEST], "cell": ["c"]}), tmp_path / "p")
    batch = everything(tmp_path / "p")
    assert (len(batch.values[0]), batch.keys, batch.damaged) == (LONGEST, [None], 1)


def test_sorting_keeps_ties_in_file_order_and_leaves_damage_behind_the_row_it_follows(tmp_path: Path) -> None:
    lines = ["x,first,c", "30,a,c", "10,b,c", "broken", "20,d,c", "10,e,c", "30,f,c", "y,g,c"]
    batch = everything(put(tmp_path, "a.csv", HEADER + "\n".join(lines).encode()), sort=True)
    assert batch.keys == [b"first", b"b", None, b"e", b"d", b"a", b"f", b"g"]
    assert batch.ts.tolist() == [-1, 10, -1, 10, 20, 30, 30, -1]
    assert (batch.damaged, batch.undated) == (1, 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(max_size=12).filter(lambda line: b"\n" not in line), max_size=20))
def test_whatever_is_in_a_csv_every_line_but_blank_ones_is_one_row(tmp_path: Path, lines: list[bytes]) -> None:
    batch = everything(put(tmp_path, "a.csv", HEADER + b"\n".join(lines)))
    assert len(batch.values) == sum(1 for line in lines if line.strip(b"\r") and not line.strip(b"\r").isspace())


def test_a_file_of_many_blocks_is_read_whole_and_in_order(tmp_path: Path) -> None:
    rows = 60_000
    content = b"".join(b"%d,user-%d,some-cell-with-a-long-name-%d\n" % (row, row, row) for row in range(rows))
    batch = everything(put(tmp_path, "a.csv", HEADER + content))
    assert len(content) > 2 << 20
    assert batch.ts.tolist() == list(range(rows))
    assert batch.keys == [b"user-%d" % row for row in range(rows)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (b"\n\n", "blank lines only"),
        (b"PK\x03\x04rest", "zip archive"),
        ("ts,subscriber,cell".encode("utf-16"), "UTF-16"),
        (b"\xe9,b\n1,2\n", "no header"),
        (b"PAR1 and then nothing", "not a sound Parquet file"),
        (gzip.compress(HEADER + b"1,u,c\n" * 1000, mtime=0)[:-20], "gzip data is damaged"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(EventFileError, match=said) as caught:
        everything(put(tmp_path, "a.dat", content))
    assert "a.dat" in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(EventFileError, match="there is no such file"):
        EventFile(tmp_path / "none.csv", Settings())


def test_a_missing_column_names_the_setting_but_never_quotes_the_file(tmp_path: Path) -> None:
    with pytest.raises(EventFileError) as caught:
        everything(put(tmp_path, "a.csv", b"1403949600000,208011234567890,c-1\n"))
    message = str(caught.value)
    assert 'there is no column "subscriber", which replay.subscriber names' in message
    assert "208011234567890" not in message


def test_a_misspelt_column_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(EventFileError, match='is it "Subscriber"'):
        everything(put(tmp_path, "a.csv", b"ts,Subscriber,cell\n"))


def test_a_parquet_column_of_lists_is_refused(tmp_path: Path) -> None:
    pa.parquet.write_table(pa.table({"ts": [[1]], "subscriber": ["u"], "cell": ["c"]}), tmp_path / "p")
    with pytest.raises(EventFileError, match=r"column ts \(replay\.ts\) holds list"):
        everything(tmp_path / "p")


@pytest.mark.skipif(not UNICOM.exists(), reason="the real file ../shared/data/unicom_xdr_201508.csv.gz is not here")
def test_the_unicom_file_has_its_rows_its_damaged_times_and_its_range() -> None:
    how = load(ROOT / "examples" / "unicom.toml", {})
    batch = everything(UNICOM, how, sort=True)
    dated = batch.ts[batch.ts >= 0]
    assert len(batch.values) == 293_768
    assert (batch.damaged, batch.undated, len(batch.values) - len(dated)) == (0, 6_258, 6_258)
    assert len(set(batch.keys)) == 5_101
    assert (dated[1:] >= dated[:-1]).all()
    first, last = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (dated[0], dated[-1]))
    assert first.isoformat(timespec="milliseconds") == "2015-07-31T06:38:39.110+00:00"
    assert last.isoformat(timespec="milliseconds") == "2015-08-31T16:00:15.049+00:00"
    events = how.events
    assert events.not_before is not None
    assert events.not_after is not None
    assert events.not_before <= dated[0] <= dated[-1] < events.not_after
