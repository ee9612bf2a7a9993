"""Trip matrices in the columns of the Spanish study."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from config.errors import FouleError
from config.sections import TimeSettings
from config.times import HOUR, MINUTE, Duration
from foule.history.history import History
from foule.history.mitma import band_of, write_matrices
from indicators.calendar import DAY_MS
from tests.foule.history.coast import ATLAS, SETTINGS, Topics, quiet

HEADER = (
    "fecha|periodo|origen|destino|distancia|actividad_origen|actividad_destino|estudio_origen_posible|"
    "estudio_destino_posible|residencia|renta|edad|sexo|viajes|viajes_km"
)
NA = "NA|NA|NA|NA|NA|NA|NA|NA"


def written(folder: Path, history: History, hourly: bool = False) -> dict[str, list[str]]:
    files = write_matrices(folder, history, ATLAS, hourly, quiet)
    return {Path(file).name: gzip.decompress((folder / file).read_bytes()).decode().splitlines() for file in files}


def test_trips_of_a_day_are_a_file(tmp_path: Path) -> None:
    topics = Topics().indicator("trips", {"from": "port", "to": "beach"}, 28)
    topics.indicator("trips", {"from": "beach", "to": "outside"}, 40).indicator(
        "trips", {"from": "old-port", "to": "beach"}, 30
    )
    topics.indicator("trips", {"from": "hills", "to": "beach"}, 50).flow("beach", "port", 60)
    assert written(tmp_path, topics.history()) == {
        "20140628_Viajes_coast.csv.gz": [
            HEADER,
            f"20140628|NA|beach|externo|NA|{NA}|40|NA",
            f"20140628|NA|hills|beach|NA|{NA}|50|NA",
            f"20140628|NA|old-port|beach|NA|{NA}|30|10.008",
            f"20140628|NA|port|beach|10-50|{NA}|28|311.346",
        ]
    }
    assert (tmp_path / "coast/ficheros-diarios/2014-06/20140628_Viajes_coast.csv.gz").exists()


def test_trips_are_of_people_where_these_were_estimated(tmp_path: Path) -> None:
    pair = {"from": "port", "to": "beach"}
    topics = Topics().indicator("trips", pair, 28, estimate={"people": [70, 50, 90]})
    [lines] = written(tmp_path, topics.history()).values()
    assert lines[1:] == [f"20140628|NA|port|beach|10-50|{NA}|70|778.366"]


def test_flows_of_an_hour_are_in_the_file_of_their_calendar_day(tmp_path: Path) -> None:
    topics = Topics().flow("port", "beach", 30, HOUR, 19 * HOUR).flow("port", "beach", 31, HOUR, 20 * HOUR)
    topics.flow("port", "beach", 25, HOUR, 0).flow("port", "beach", 90).flow("port", "beach", 26, 5 * MINUTE)
    assert written(tmp_path, topics.history(), hourly=True) == {
        "20140628_Viajes_coast.csv.gz": [
            HEADER,
            f"20140628|04|port|beach|10-50|{NA}|25|277.988",
            f"20140628|23|port|beach|10-50|{NA}|30|333.585",
        ],
        "20140629_Viajes_coast.csv.gz": [HEADER, f"20140629|00|port|beach|10-50|{NA}|31|344.705"],
    }


@pytest.mark.parametrize(
    ("km", "band"),
    [
        (None, "NA"),
        (0.0, "NA"),
        (0.499, "NA"),
        (0.5, "0.5-2"),
        (1.999, "0.5-2"),
        (2.0, "2-10"),
        (10.0, "10-50"),
        (49.9, "10-50"),
        (50.0, ">50"),
        (660.0, ">50"),
    ],
)
def test_a_distance_has_its_band(km: float | None, band: str) -> None:
    assert band_of(km) == band


def test_the_same_trips_give_the_same_bytes(tmp_path: Path) -> None:
    topics = Topics().indicator("trips", {"from": "port", "to": "beach"}, 28)
    topics.indicator("trips", {"from": "beach", "to": "port"}, 29)
    for name in ("one", "two"):
        write_matrices(tmp_path / name, topics.history(), ATLAS, False, quiet)
        topics.records.reverse()
    one, two = (next((tmp_path / name).rglob("*.gz")).read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_calendar_day_of_which_kafka_may_have_deleted_hours_is_not_written(tmp_path: Path) -> None:
    topics = Topics().flow("port", "beach", 30, HOUR, 0).flow("port", "beach", 31, HOUR, HOUR)
    topics.flow("port", "beach", 32, HOUR, DAY_MS)
    history = History(SETTINGS)
    for topic, record in topics.records:
        # the first record that is left is the ninth of its partition
        history.take(topic, record._replace(offset=record.offset + 8))
    history.settle()
    assert list(written(tmp_path, history, hourly=True)) == ["20140629_Viajes_coast.csv.gz"]


@pytest.mark.parametrize(("hourly", "missing"), [(False, "has no 1d"), (True, "has no 1h")])
def test_windows_of_the_width_are_needed(tmp_path: Path, hourly: bool, missing: str) -> None:
    settings = msgspec.structs.replace(SETTINGS, time=TimeSettings(windows=(Duration(5 * MINUTE),)))
    with pytest.raises(FouleError, match=missing):
        write_matrices(tmp_path, History(settings), ATLAS, hourly, quiet)


def test_an_id_that_holds_the_separator_is_quoted(tmp_path: Path) -> None:
    found = written(tmp_path, Topics().indicator("trips", {"from": "a|b", "to": "beach"}, 28).history())
    assert found["20140628_Viajes_coast.csv.gz"][1].startswith('20140628|NA|"a|b"|beach|NA|')
