"""The Parquet data set: what pyarrow reads back, the same bytes again, and partitions that keep what they have."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from config.errors import FouleError
from config.times import HOUR, MINUTE
from foule.history.dataset import write_dataset
from indicators.calendar import DAY_MS
from tests.foule.history.coast import ATLAS, START, Topics, quiet

TEN = 10 * MINUTE
FIVE = 5 * MINUTE


def coast() -> Topics:
    topics = Topics()
    topics.zone("beach", people=120, arrivals=50, nights=30).zone("port", people=70)
    topics.zone("beach", FIVE, 0, people=40).zone("beach", FIVE, FIVE, people=80).zone("beach", FIVE, TEN, people=60)
    topics.zone("beach", FIVE, DAY_MS, people=44)
    topics.flow("beach", "port", 60).flow("outside", "beach", 35)
    topics.indicator("dwell_origins", {"zone": "beach", "origin": "local"}, {"0-1h": 25, "1h+": 31})
    return topics.indicator("trips", {"from": "port", "to": "beach"}, 28)


def write(folder: Path, topics: Topics) -> list[str]:
    return write_dataset(folder, topics.history(), ATLAS, quiet)


def rows(folder: Path, table: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = ds.dataset(folder / table, partitioning="hive").to_table().to_pylist()
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def at(after: int = 0) -> datetime:
    return datetime.fromtimestamp((START + after) / 1000, UTC)


def test_numbers_come_back_in_the_long_form_by_layer_width_and_local_day(tmp_path: Path) -> None:
    files = write(tmp_path, coast())
    assert files == sorted(contents(tmp_path))
    assert "zones/layer=coast/width=5m/date=2014-06-29/part-0.parquet" in files
    found = rows(tmp_path, "zones")
    assert len(found) == 10
    day = {"layer": "coast", "width": "1d", "date": "2014-06-28", "start": at(), "end": at(DAY_MS)}
    beach = {"zone": "beach", "title": "La plage", "coverage": 1.0, "version": 1}
    beach |= dict.fromkeys(("people_estimate", "low", "high"))
    assert {**day, **beach, "indicator": "presence", "origin": None, "segment": None, "people": 120} in found
    parted = {**day, **beach, "indicator": "dwell_origins", "origin": "local", "segment": "1h+", "people": 31}
    assert parted in found
    assert next(row["date"] for row in found if row["people"] == 44) == "2014-06-29"


def test_people_who_are_estimated_are_beside_the_devices(tmp_path: Path) -> None:
    topics = Topics().zone("beach", people=120, estimate={"people": [300, 270, 330]}).zone("port", people=70)
    topics.flow("beach", "port", 60, estimate={"people": [150, 130, 170]})
    topics.indicator("dwell", {"zone": "port"}, {"0-1h": 25, "1h+": 31}, estimate={"0-1h": [60, 40, 80]})
    write(tmp_path, topics)
    columns = ("people", "people_estimate", "low", "high")
    found = [tuple(row[name] for name in columns) for name in ("zones", "pairs") for row in rows(tmp_path, name)]
    assert sorted(found, key=str) == [
        (120, 300, 270, 330),
        (25, 60, 40, 80),
        (31, None, None, None),
        (60, 150, 130, 170),
        (70, None, None, None),
    ]


def test_pairs_have_the_distance_of_their_zones(tmp_path: Path) -> None:
    write(tmp_path, coast())
    found = {(row["indicator"], row["from"], row["to"]): row for row in rows(tmp_path, "pairs")}
    assert set(found) == {("flows", "beach", "port"), ("flows", "outside", "beach"), ("trips", "port", "beach")}
    trips = found["trips", "port", "beach"]
    assert (trips["people"], trips["from_title"], trips["to_title"]) == (28, "Le port", "La plage")
    assert trips["km"] == pytest.approx(11.12, abs=0.01)
    outside = found["flows", "outside", "beach"]
    assert (outside["km"], outside["from_title"]) == (None, None)


def test_occupancy_is_of_the_shortest_windows_and_the_day(tmp_path: Path) -> None:
    write(tmp_path, coast())
    found = {(row["zone"], row["date"]): row for row in rows(tmp_path, "occupancy")}
    beach = found["beach", "2014-06-28"]
    assert (beach["peak"], beach["peak_start"], beach["mean"], beach["windows"]) == (80, at(FIVE), 60.0, 3)
    assert (beach["people"], beach["turnover"], beach["flows_in"], beach["flows_out"]) == (120, 2.0, 35, 60)
    port = found["port", "2014-06-28"]
    assert (port["peak"], port["windows"], port["people"], port["flows_in"]) == (None, 0, 70, 60)
    later = found["beach", "2014-06-29"]
    assert (later["peak"], later["people"], later["turnover"]) == (44, None, None)


def test_the_same_numbers_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    topics = coast()
    write(tmp_path / "one", topics)
    topics.records.reverse()
    write(tmp_path / "two", topics)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    write(tmp_path / "two", topics)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_day_that_is_written_again_keeps_what_kafka_has_no_more(tmp_path: Path) -> None:
    write(tmp_path, coast())
    before = contents(tmp_path)
    write(tmp_path, Topics().zone("beach", FIVE, FIVE, people=90, version=2).zone("beach", FIVE, HOUR, people=50))
    found = [row for row in rows(tmp_path, "zones") if (row["width"], row["date"]) == ("5m", "2014-06-28")]
    assert [(row["start"], row["people"]) for row in found] == [
        (at(), 40),
        (at(FIVE), 90),
        (at(TEN), 60),
        (at(HOUR), 50),
    ]
    beach = next(row for row in rows(tmp_path, "occupancy") if (row["zone"], row["date"]) == ("beach", "2014-06-28"))
    assert (beach["peak"], beach["windows"], beach["people"], beach["flows_out"]) == (90, 4, 120, 60)
    changed = {name for name, content in contents(tmp_path).items() if content != before[name]}
    partition = "layer=coast/width=5m/date=2014-06-28/part-0.parquet"
    assert changed == {f"zones/{partition}", f"occupancy/{partition}"}


def test_an_older_version_replaces_nothing(tmp_path: Path) -> None:
    write(tmp_path, Topics().zone("beach", people=50, version=9))
    write(tmp_path, Topics().zone("beach", people=40, version=3))
    assert [row["people"] for row in rows(tmp_path, "zones")] == [50]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    write(tmp_path, coast())
    last = tmp_path / "pairs/layer=coast/width=1d/date=2014-06-28/part-0.parquet"
    last.write_bytes(b"PAR1")
    before = contents(tmp_path)
    with pytest.raises(FouleError, match=r"part-0.parquet: cannot be read .*give another --out"):
        write(tmp_path, coast().zone("hills", people=99))
    assert contents(tmp_path) == before
    assert not list(tmp_path.glob(".*"))


def test_another_table_in_its_place_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path, coast())
    path = tmp_path / "zones/layer=coast/width=1d/date=2014-06-28/part-0.parquet"
    pq.write_table(pa.table({"zone": ["beach"]}), path)
    with pytest.raises(FouleError, match="has other columns than this version of foule writes"):
        write(tmp_path, coast())
    assert pq.ParquetFile(path).read().num_rows == 1


def test_where_it_cannot_write_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(FouleError, match=r"out: cannot be written: .*; give another --out"):
        write(tmp_path / "out", coast())


def test_a_day_with_an_hour_more_is_one_partition(tmp_path: Path) -> None:
    autumn = date(2014, 10, 25)
    topics = Topics()
    calendar = topics.history().calendar
    start, end = (calendar.day_start(autumn.toordinal() + days) for days in (0, 1))
    assert end - start == 25 * HOUR
    topics.add("presence", {"layer": "coast", "zone": "beach", "start": start, "end": end, "people": 40})
    assert write(tmp_path, topics)[1] == "zones/layer=coast/width=1d/date=2014-10-25/part-0.parquet"
