"""A folder of released windows: the records of the contract twice, whole or not at all, never replaced."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from config.errors import FouleError
from foule.release_folder import ReleaseFolder
from sinks.kafka import records
from tests.sinks.released import NOON, empty, publication

SOME = publication({"beach": {"people": 40, "arrivals": 12}, "port": {"people": 11}}, {("beach", "port"): 10})


def filled(path: Path) -> Path:
    with ReleaseFolder(path) as folder:
        folder.write(SOME)
        folder.write(empty())
        folder.complete({"k": 10})
    return path


def test_the_lines_are_the_values_of_the_kafka_records(tmp_path: Path) -> None:
    out = filled(tmp_path / "out")
    for kind in ("presence", "flows"):
        expected = [record.value for record in records(SOME) if record.topic == f"foule.{kind}"]
        assert (out / f"{kind}.jsonl").read_bytes().splitlines() == expected != []


def test_the_tables_say_the_same_as_the_lines(tmp_path: Path) -> None:
    out = filled(tmp_path / "out")
    for kind in ("presence", "flows"):
        rows = pq.read_table(out / f"{kind}.parquet").to_pylist()
        assert {row["start"] for row in rows} == {datetime.fromtimestamp(NOON / 1000, UTC)}
        for row in rows:
            for name in ("start", "end"):
                row[name] = int(row[name].timestamp() * 1000)
        known = [{name: value for name, value in row.items() if value is not None} for row in rows]
        assert known == [json.loads(line) for line in (out / f"{kind}.jsonl").read_text().splitlines()]


def test_the_notice_says_what_the_tables_do_not_have(tmp_path: Path) -> None:
    out = filled(tmp_path / "out")
    assert "Quartiles, km and estimates of people are in JSON Lines only." in (out / "README.txt").read_text()
    for kind in ("presence", "flows", "indicators"):
        assert not {"quartiles", "km", "estimate"} & set(pq.read_schema(out / f"{kind}.parquet").names)
    assert not list(out.glob("occupancy*"))


def test_it_says_that_it_is_not_for_publication(tmp_path: Path) -> None:
    out = filled(tmp_path / "out")
    assert (out / "README.txt").read_text().startswith("NOT FOR PUBLICATION\n")
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest == {"not_for_publication": True, "k": 10, "rows": {"presence": 2, "flows": 1, "indicators": 0}}


def test_a_folder_that_holds_a_release_is_never_written_again(tmp_path: Path) -> None:
    out = filled(tmp_path / "out")
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(FouleError, match="holds a release already, and nothing released is ever overwritten"):
        ReleaseFolder(out)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_release_that_appeared_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with ReleaseFolder(out) as late:
        before = filled(out).stat().st_ino
        with pytest.raises(FouleError, match="holds a release already"):
            late.complete({})
    assert out.stat().st_ino == before
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("kind", ["file", "full", "nowhere"])
def test_where_it_cannot_write_it_says_so_before_anything_is_counted(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.touch()
    elif kind == "full":
        out.mkdir()
        (out / "notes.txt").touch()
    else:
        out = tmp_path / "absent" / "out"
    with pytest.raises(FouleError, match=r"is not an empty folder|cannot be written: No such file"):
        ReleaseFolder(out)
    assert [path for path in tmp_path.iterdir() if path != out] == []


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert len(list(filled(tmp_path / "out").iterdir())) == 8


def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="disk"), ReleaseFolder(tmp_path / "out") as folder:
        folder.write(SOME)
        raise RuntimeError("disk")
    assert list(tmp_path.iterdir()) == []
