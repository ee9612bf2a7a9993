"""From where a device is follows from the country of its SIM, then from its home area."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from config.sections import OriginsSettings
from indicators.origin_tables import Country
from indicators.origins import UNKNOWN, Origins

AREAS = {"75": "Paris", "01": "Ain", "2A": "Corse-du-Sud"}
COUNTRIES = [
    Country("US", "United States", ("310", "311")),
    Country("DE", "Germany", ("262",)),
    Country("FR", "France", ("208", "209")),
]
ORIGINS = Origins(AREAS, COUNTRIES, ["208"])
LABELS = ["unknown", "national:75", "national:01", "national:2A", "foreign:DE", "foreign:FR", "foreign:US"]


def origin(mcc: str | int | None = None, home: str | int | None = None, subscriber: str = "a") -> str:
    codes = ORIGINS.codes([mcc], [home], [subscriber])
    assert codes.dtype == np.int16
    return ORIGINS.label(int(codes[0]), None)


def test_codes_are_unknown_then_areas_as_in_their_table_then_countries_by_their_code() -> None:
    assert [ORIGINS.label(code, None) for code in range(ORIGINS.size)] == LABELS
    assert UNKNOWN == 0


@pytest.mark.parametrize(
    ("mcc", "home", "subscriber", "label"),
    [
        ("262", None, "a", "foreign:DE"),
        (262, None, "a", "foreign:DE"),
        ("262", "75", "a", "foreign:DE"),
        ("311", None, "a", "foreign:US"),
        ("209", "75", "a", "foreign:FR"),
        ("208", "75", "a", "national:75"),
        (208, 75, "a", "national:75"),
        ("208", None, "a", "unknown"),
        ("208", "", "a", "unknown"),
        ("208", "99", "a", "unknown"),
        ("208", "01", "a", "national:01"),
        ("208", "1", "a", "unknown"),
        ("208", 1, "a", "unknown"),
        ("208", "2A", "a", "national:2A"),
        ("999", "75", "a", "unknown"),
        ("0262", "75", "a", "unknown"),
        (10**400, "75", "a", "unknown"),
        # without an MCC: that of an IMSI, or else the home area
        (None, "75", "a", "national:75"),
        ("", "75", "a", "national:75"),
        (None, None, "a", "unknown"),
        (None, None, "262010123456789", "foreign:DE"),
        ("", "75", "26201012345678", "foreign:DE"),
        (None, "75", "208010123456789", "national:75"),
        (None, "75", "999010123456789", "unknown"),
        (None, "75", "2620101234567", "national:75"),
        (None, "75", "2620101234567890", "national:75"),
        (None, "75", "26201012345678x", "national:75"),
        (None, "75", "٢٦٢010123456789", "national:75"),
        ("208", "75", "262010123456789", "national:75"),
    ],
)
def test_the_country_of_the_sim_decides_and_at_home_the_area(
    mcc: str | int | None, home: str | int | None, subscriber: str, label: str
) -> None:
    assert origin(mcc, home, subscriber) == label


def test_whole_columns_are_read_as_each_event_alone() -> None:
    rows = list(product(["262", 208, None, "", "999"], ["75", 75, None, "x"], ["a", "", "310260123456789"]))
    columns = [list(column) for column in zip(*rows, strict=True)]
    codes = ORIGINS.codes(columns[0], columns[1], columns[2])
    assert [ORIGINS.label(code, None) for code in codes.tolist()] == [origin(*row) for row in rows]


def test_an_empty_fetch_has_no_origins() -> None:
    assert ORIGINS.codes([], [], []).tolist() == []


def test_in_its_own_area_an_origin_is_local_and_of_no_pool() -> None:
    assert [ORIGINS.label(code, "01") for code in range(ORIGINS.size)] == [
        "local" if label == "national:01" else label for label in LABELS
    ]
    pools = [ORIGINS.pool(code, "01") for code in range(ORIGINS.size)]
    assert pools == [None, "national", None, "national", "foreign", "foreign", "foreign"]
    assert [ORIGINS.pool(code, None) for code in range(4)] == [None, "national", "national", "national"]


def test_in_an_area_that_the_table_lacks_nobody_is_local() -> None:
    assert [ORIGINS.label(code, "99") for code in range(ORIGINS.size)] == LABELS
    assert [ORIGINS.label(code, "DE") for code in range(ORIGINS.size)] == LABELS


def test_every_label_has_a_title_for_people() -> None:
    assert [ORIGINS.names[label] for label in LABELS] == [
        "Unknown",
        "Paris",
        "Ain",
        "Corse-du-Sud",
        "Germany",
        "France",
        "United States",
    ]
    assert ORIGINS.names.keys() == {*LABELS, "local"}


def test_the_fingerprint_follows_what_decides_codes_and_not_the_titles() -> None:
    same = Origins(AREAS | {"75": "Ville de Paris"}, COUNTRIES[::-1], ["208"])
    assert same.fingerprint == ORIGINS.fingerprint
    others = [
        Origins(dict(reversed(AREAS.items())), COUNTRIES, ["208"]),
        Origins(AREAS, COUNTRIES[1:], ["208"]),
        Origins(AREAS, [*COUNTRIES[1:], Country("US", "United States", ("310",))], ["208"]),
        Origins(AREAS, COUNTRIES, ["208", "209"]),
    ]
    assert len({ORIGINS.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_by_default_the_areas_are_the_departements_of_france() -> None:
    default = Origins.of(OriginsSettings())
    found = default.codes(["208", "208", "262"], ["2B", 974, None], ["a"] * 3)
    assert [default.label(code, None) for code in found.tolist()] == ["national:2B", "national:974", "foreign:DE"]
    assert [default.names[default.label(code, None)] for code in found.tolist()] == [
        "Haute-Corse",
        "La Réunion",
        "Germany",
    ]
