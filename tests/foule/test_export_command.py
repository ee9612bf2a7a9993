"""``foule export`` reads the output topics to their ends and writes what was released, no more and no less."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
from click.testing import CliRunner, Result
from kafka import KafkaProducer

from config.settings import Settings, load
from foule.cli import main
from foule.history.history import History
from foule.history.reading import read_topics
from sinks.kafka import HEADERS, Topics, records
from streams import topics
from tests.conftest import SettingsMaker
from tests.sinks.released import FIVE_MINUTES, NOON, publication
from tests.zones.country import feature, square, write_cells, write_zones

# 28 June 2014, 04:00 in Paris
DAY_START = 1_403_920_800_000


@pytest.fixture
def file(settings_for: SettingsMaker, tmp_path: Path) -> Path:
    coast = write_zones(tmp_path / "coast.geojson", feature("beach", square(0, 0)), feature("port", square(1, 0)))
    cells = write_cells(tmp_path / "cells.csv", "cell,lat,lon,net", "a,0.5,0.5,N", "b,0.5,1.5,N")
    found = settings_for(
        tmp_path, zones={"cells": str(cells), "min_difference": 0}, time={"windows": ["5m", "1h", "1d"]}
    )
    layers = f'[[zones.layers]]\nname = "coast"\nfile = "{coast}"\n[[zones.layers]]\nname = "nets"\ncolumn = "net"\n'
    found.write_text(found.read_text() + layers)
    topics.create(load(found))
    return found


@pytest.fixture
def settings(file: Path) -> Settings:
    return load(file)


@pytest.fixture
def producer(settings: Settings) -> Iterator[Any]:
    found = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap)
    yield found
    found.close()


def released(settings: Settings, producer: Any) -> list[dict[str, Any]]:
    """Sends what a worker would have released; returns the values."""
    topics = Topics(settings.topics.presence, settings.topics.flows)
    window = publication({"beach": {"people": 60, "arrivals": 12}}, {("outside", "beach"): 11}, layer="coast")
    later = publication({"port": {"people": 25}}, layer="coast", start=NOON + FIVE_MINUTES, version=2)
    day = publication(
        {"beach": {"people": 90}, "port": {"people": 50}}, layer="coast", width="1d", start=DAY_START, version=3
    )
    sent = []
    # the last one comes again, as after a takeover
    for one in (window, later, day, day):
        for record in records(one, topics):
            producer.send(record.topic, record.value, record.key, record.headers)
            sent.append(json.loads(record.value))
    trips = {"indicator": "trips", "layer": "coast", "from": "beach", "to": "port", "start": DAY_START}
    trips |= {"end": DAY_START + 86_400_000, "people": 30, "km": 111.19, "coverage": 1.0, "version": 3}
    producer.send(settings.topics.indicators, json.dumps(trips).encode(), b"coast|beach", list(HEADERS))
    producer.flush()
    return [*sent, trips]


def run(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", "--settings", str(file), *arguments], env={"COLUMNS": "120"})


def test_what_was_released_comes_back_from_the_data_set(
    file: Path, settings: Settings, producer: Any, tmp_path: Path
) -> None:
    values = released(settings, producer)
    result = run(file, "--format", "parquet", "--out", str(tmp_path / "out"), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    outcome = json.loads(result.stdout)
    assert (outcome["read"], outcome["again"], outcome["left_out"], outcome["partial_windows"]) == (
        len(values),
        2,
        {},
        0,
    )
    assert outcome["files"] == sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.parquet")
    )
    names = {"people": "presence", "arrivals": "arrivals"}
    expected = {
        (value["layer"], value.get("zone"), names[name], value["start"], value["end"], value["version"]): value[name]
        for value in values
        if "zone" in value
        for name in names
        if name in value
    }
    rows = ds.dataset(tmp_path / "out" / "zones", partitioning="hive").to_table().to_pylist()
    found = {
        (row["layer"], row["zone"], row["indicator"], *(_ms(row[at]) for at in ("start", "end")), row["version"]): row[
            "people"
        ]
        for row in rows
    }
    assert (found, len(rows)) == (expected, len(expected))
    pairs = ds.dataset(tmp_path / "out" / "pairs", partitioning="hive").to_table().to_pylist()
    assert [(row["indicator"], row["from"], row["to"], row["people"]) for row in pairs] == [
        ("trips", "beach", "port", 30),
        ("flows", "outside", "beach", 11),
    ]


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def test_every_format_is_written(file: Path, settings: Settings, producer: Any, tmp_path: Path) -> None:
    released(settings, producer)
    days = ("--from", "2014-06-28", "--to", "2014-06-28")
    for layout, name, text in (
        ("observatoire", "coast/Diurne_2014-06-28.csv", "2014-06-28;beach;TOUTES;TOUTES;90"),
        ("mitma", "coast/ficheros-diarios/2014-06/20140628_Viajes_coast.csv.gz", None),
        ("geojson", "coast_1d_20140628T0200Z.geojson", '"people":90'),
    ):
        out = tmp_path / layout
        layer = ("--layer", "coast") if layout == "geojson" else ()
        result = run(file, "--format", layout, "--out", str(out), *days, *layer)
        assert (result.exit_code, result.stderr) == (0, "")
        assert "8 records read, 2 of them again" in result.stdout
        assert (out / name).exists()
        assert text is None or text in (out / name).read_text()


def test_records_that_are_not_of_foule_are_told_and_the_rest_is_written(
    file: Path, settings: Settings, producer: Any, tmp_path: Path
) -> None:
    released(settings, producer)
    producer.send(settings.topics.presence, b"{", b"coast|beach", list(HEADERS), partition=1)
    producer.send(settings.topics.flows, b"{}", b"coast|beach", [("schema", b"2")], partition=0)
    producer.flush()
    result = run(file, "--format", "parquet", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert "1 records are not what foule writes, and are left out; the first: offset" in result.stdout
    assert "1 records are of another schema than this version of foule reads" in result.stdout
    assert "partition 0 of the topic of flows" in result.stdout
    assert (tmp_path / "out" / "zones").is_dir()


def test_reading_ends_where_the_topics_end_when_it_begins(settings: Settings, producer: Any) -> None:
    values = released(settings, producer)

    class Meanwhile(History):
        def take(self, topic: str, record: Any) -> None:
            if not self.read:
                [more, *_] = records(
                    publication({"beach": {"people": 70}}, layer="coast"), Topics(settings.topics.presence)
                )
                producer.send(settings.topics.flows, more.value, more.key, more.headers)
                producer.flush()
            super().take(topic, record)

    history = Meanwhile(settings)
    told: list[float] = []
    read_topics(settings, history, lambda done, note: told.append(done))
    assert (history.read, history.left_out) == (len(values), {})


def test_empty_topics_give_no_files(file: Path, tmp_path: Path) -> None:
    result = run(file, "--format", "observatoire", "--out", str(tmp_path / "out"))
    assert (result.exit_code, result.stdout) == (
        0,
        "0 records read, 0 of them again\nnothing to write: no such numbers\n",
    )


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--format", "parquet", "--hourly"), 2, "--hourly does not go with --format parquet"),
        (("--format", "mitma", "--window", "20140628T0200Z"), 2, "--window does not go with --format mitma"),
        (("--format", "xlsx"), 2, "'xlsx' is not one of"),
        (("--format", "geojson"), 1, "give one of coast, nets as --layer"),
        (("--format", "geojson", "--layer", "nets"), 1, "layer nets comes from a column of the cell catalogue"),
        (
            ("--format", "geojson", "--layer", "coast", "--width", "2h"),
            1,
            "one of time.windows is expected: 5m, 1h, 1d",
        ),
        (
            ("--format", "parquet", "--layer", "towns"),
            1,
            "--layer towns: the settings have no such layer, but coast, nets",
        ),
        (("--format", "parquet", "--from", "noon"), 1, "--from 'noon': a local day"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(
    file: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    result = run(file, "--out", str(tmp_path / "out"), *arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert said in " ".join(result.stderr.split())
    assert not (tmp_path / "out").exists()
