"""The files of the observatories: what stands in each column, and what is not known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

from config.errors import FouleError
from config.sections import TimeSettings
from config.times import HOUR, MINUTE, Duration
from foule.history.history import History
from foule.history.observatory import Observatory, Origin, origin_of
from indicators.calendar import DAY_MS
from tests.foule.history.coast import ATLAS, SETTINGS, Topics, quiet

NAMES = {"national:17": "Charente-Maritime", "national:75": "Paris", "foreign:DE": "Germany"}
FIVE = 5 * MINUTE


def written(folder: Path, topics: Topics, habitual: bool = False) -> dict[str, list[str]]:
    """The lines of each file, without the header."""
    files = Observatory(topics.history(), ATLAS, NAMES, habitual).write(folder, quiet)
    assert files == sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.csv"))
    lines = {file: (folder / file).read_bytes().decode("utf-8").split("\n") for file in files}
    assert all(found[-1] == "" for found in lines.values())
    return {file.removeprefix("coast/").removesuffix("_2014-06-28.csv"): found[1:-1] for file, found in lines.items()}


def test_totals_are_of_all_provenances_and_categories(tmp_path: Path) -> None:
    found = written(tmp_path, Topics().zone("beach", people=120, nights=30, arrivals=50).zone("hills", people=70))
    assert found == {
        "Diurne": ["2014-06-28;La plage;TOUTES;TOUTES;120", "2014-06-28;hills;TOUTES;TOUTES;70"],
        "Nuitee": ["2014-06-28;La plage;TOUTES;TOUTES;30"],
    }
    header = (tmp_path / "coast/Diurne_2014-06-28.csv").read_text().splitlines()[0]
    assert header == "Date;ZoneObservation;Provenance;CategorieVisiteur;Volume"


def test_volumes_are_of_people_where_these_were_estimated_and_occupation_is_of_devices(tmp_path: Path) -> None:
    topics = Topics().zone("beach", people=120, nights=30, estimate={"people": [300, 270, 330], "nights": [75, 60, 90]})
    topics.indicator("origins", {"zone": "beach"}, {"local": 80, "other": 40}, estimate={"local": [200, 180, 220]})
    topics.zone("beach", FIVE, people=60, estimate={"people": [150, 130, 170]})
    assert written(tmp_path, topics) == {
        "Diurne": ["2014-06-28;La plage;TOUTES;TOUTES;300"],
        "Nuitee": ["2014-06-28;La plage;TOUTES;TOUTES;75"],
        "Diurne_Provenance": [
            "2014-06-28;La plage;AUTRES;TOUTES;;;;40",
            "2014-06-28;La plage;LOCAL;Resident;Charente-Maritime;;;200",
        ],
        "Occupation": ["2014-06-28;La plage;60;04:00;60.0;1;2.00"],
    }


def test_categories_have_the_provenance_that_they_imply(tmp_path: Path) -> None:
    people = {"resident": 90, "habitual": 80, "tourist": 70, "visitor": 60, "transit": 50}
    topics = Topics().indicator("categories", {"zone": "beach"}, people)
    topics.indicator("categories", {"zone": "hills"}, {"tourist": 40, "other": 44})
    assert written(tmp_path, topics)["Diurne_Categorie"] == [
        "2014-06-28;La plage;LOCAL;Resident;90",
        "2014-06-28;La plage;TOUTES;Excursionniste;60",
        "2014-06-28;La plage;TOUTES;Habituellement present;80",
        "2014-06-28;La plage;TOUTES;Touriste;70",
        "2014-06-28;La plage;TOUTES;Transit;50",
        "2014-06-28;hills;TOUTES;AUTRES;44",
        "2014-06-28;hills;TOUTES;Touriste;40",
    ]


ORIGINS = {"local": 90, "national:75": 40, "national": 31, "foreign:DE": 32, "foreign": 33, "unknown": 34, "other": 35}


def test_nights_by_origin_are_of_tourists_unless_local_or_pooled(tmp_path: Path) -> None:
    found = written(tmp_path, Topics().indicator("night_origins", {"zone": "beach"}, ORIGINS))["Nuitee_Provenance"]
    assert found == [
        "2014-06-28;La plage;AUTRES;TOUTES;;;;35",
        "2014-06-28;La plage;ETRANGER;Touriste;;AUTRES;;33",
        "2014-06-28;La plage;ETRANGER;Touriste;;Germany;DE;32",
        "2014-06-28;La plage;INCONNUE;Touriste;;;;34",
        "2014-06-28;La plage;LOCAL;Resident;Charente-Maritime;;;90",
        "2014-06-28;La plage;NONLOCAL;Touriste;AUTRES;;;31",
        "2014-06-28;La plage;NONLOCAL;Touriste;Paris;;;40",
    ]


def test_where_somebody_can_be_habitually_present_a_night_tells_no_tourist(tmp_path: Path) -> None:
    topics = Topics().indicator("night_origins", {"zone": "beach"}, {"local": 90, "national:75": 40})
    assert written(tmp_path, topics, habitual=True)["Nuitee_Provenance"] == [
        "2014-06-28;La plage;LOCAL;Resident;Charente-Maritime;;;90",
        "2014-06-28;La plage;NONLOCAL;TOUTES;Paris;;;40",
    ]


def test_origins_of_a_day_tell_residents_and_no_other_category(tmp_path: Path) -> None:
    topics = Topics().indicator("origins", {"zone": "hills"}, {"national:75": 40, "foreign:DE": 30})
    topics.indicator("origins", {"zone": "hills"}, {"national:75": 20}, HOUR)
    assert written(tmp_path, topics)["Diurne_Provenance"] == [
        "2014-06-28;hills;ETRANGER;TOUTES;;Germany;DE;30",
        "2014-06-28;hills;NONLOCAL;TOUTES;Paris;;;40",
    ]
    header = (tmp_path / "coast/Diurne_Provenance_2014-06-28.csv").read_text().splitlines()[0]
    assert header == "Date;ZoneObservation;Provenance;CategorieVisiteur;NomDepartement;Pays;CodePays;Volume"


@pytest.mark.parametrize(
    ("segment", "area", "expected"),
    [
        ("local", "99", Origin("LOCAL", "99", "")),
        ("local", None, Origin("LOCAL", "", "")),
        ("national:2A", "17", Origin("NONLOCAL", "2A", "")),
        ("foreign:XK", "17", Origin("ETRANGER", "", "XK", "XK")),
    ],
)
def test_a_code_stands_for_a_name_that_is_not_known(segment: str, area: str | None, expected: Origin) -> None:
    assert origin_of(segment, area, NAMES) == expected


def test_zones_with_the_same_title_are_told_apart(tmp_path: Path) -> None:
    found = written(tmp_path, Topics().zone("port", people=40).zone("old-port", people=41).zone("gone", people=42))
    assert [line.split(";")[1] for line in found["Diurne"]] == ["Le port (old-port)", "Le port (port)", "gone"]


def test_occupancy_has_the_peak_at_local_time(tmp_path: Path) -> None:
    topics = Topics().zone("beach", people=150)
    for after, people in ((0, 40), (HOUR, 90), (2 * HOUR, 50)):
        topics.zone("beach", FIVE, after, people=people)
    topics.zone("port", FIVE, 0, people=33)
    assert written(tmp_path, topics)["Occupation"] == [
        "2014-06-28;La plage;90;05:00;60.0;3;2.50",
        "2014-06-28;Le port (port);33;04:00;33.0;1;",
    ]


def test_a_title_with_a_semicolon_is_quoted(tmp_path: Path) -> None:
    layer = ATLAS.layer("coast")
    atlas = type(ATLAS)([dataclasses.replace(layer, titles=("plage; nord", *layer.titles[1:]))])
    Observatory(Topics().zone("beach", people=40).history(), atlas, {}, False).write(tmp_path, quiet)
    assert '2014-06-28;"plage; nord";TOUTES;TOUTES;40\n' in (tmp_path / "coast/Diurne_2014-06-28.csv").read_text()


def test_windows_of_a_day_are_needed(tmp_path: Path) -> None:
    hourly = msgspec.structs.replace(SETTINGS, time=TimeSettings(windows=(Duration(HOUR),)))
    with pytest.raises(FouleError, match=r"time\.windows has no 1d"):
        Observatory(History(hourly), ATLAS, {}, False).write(tmp_path, quiet)


def test_days_that_are_not_written_again_stay(tmp_path: Path) -> None:
    written(tmp_path, Topics().zone("beach", people=120))
    later = Topics().zone("beach", DAY_MS, DAY_MS, people=50)
    assert Observatory(later.history(), ATLAS, {}, False).write(tmp_path, quiet) == ["coast/Diurne_2014-06-29.csv"]
    assert len(list((tmp_path / "coast").iterdir())) == 2
