"""``foule doctor`` reads the tables of the indicators, and finds where nothing can be told of origins or of days."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.errors import SettingsError
from config.settings import EventsSettings, IndicatorsSettings, Settings, TimeSettings, load
from config.times import HOUR, Duration
from foule.finding import Finding
from foule.indicator_checks import (
    check_areas,
    check_epochs,
    check_machines,
    check_origins,
    check_sampled_origins,
    check_share_areas,
    check_shares,
    check_stays,
    judge_memory,
)
from foule.keying import Sampled, Telling, telling
from foule.several_days import consequences
from zones import Layer

CATEGORIES = IndicatorsSettings(categories=True)


def layer(*areas: str | None) -> Layer:
    ids = tuple(f"z{number}" for number in range(len(areas)))
    return Layer("towns", ids, ids, areas)


def events(*values: object) -> list[Sampled]:
    return [Sampled(0, b"k", json.dumps(value).encode(), 1) for value in values]


def test_tables_of_areas_machines_and_shares_are_read_where_they_are_used(tmp_path: Path) -> None:
    (tmp_path / "areas.csv").write_text("code,name\n75,Paris\n75,Ain\n")
    (tmp_path / "tacs.txt").write_text("35000001\n3500000\n")
    (tmp_path / "shares.csv").write_text("area,origin,share\n*,*,1.4\n")
    tables = '[origins]\nareas = "areas.csv"\n[events]\nmachine_tacs = "tacs.txt"\n[people]\nshares = "shares.csv"\n'
    file = tmp_path / "foule.toml"
    guarded = [check_origins, check_machines, check_shares]
    said = {}
    for needed in ("false", "true"):
        file.write_text(f"{tables}[indicators]\ncategories = {needed}\n")
        settings = load(file, environ={})
        said[needed] = [line for check in guarded for line in complaints(check, settings)]
    machine, share = said["false"]
    assert machine.startswith(f"{tmp_path / 'tacs.txt'}: line 2: no type allocation code")
    assert share.startswith(f"{tmp_path / 'shares.csv'}: line 2: not a share")
    assert said["true"] == [
        f"{tmp_path / 'areas.csv'}: line 3: the code stands in line 2 already; one line for each area is expected",
        machine,
        share,
    ]
    (tmp_path / "areas.csv").write_text("code,name\n75,Paris\n")
    (tmp_path / "tacs.txt").write_text("35000001\n")
    (tmp_path / "shares.csv").write_text("area,origin,share\n*,*,0.4\n75,*,0.5\n")
    assert [complaints(check, settings) for check in guarded] == [[], [], []]
    [machines], [shares] = check_machines(settings), check_shares(settings)
    assert machines == Finding("ok", "machines", f"1 types of device in {tmp_path / 'tacs.txt'}")
    assert shares == Finding("ok", "market shares", f"2 shares in {tmp_path / 'shares.csv'}")


def test_lines_of_market_shares_that_are_never_used_are_warnings(tmp_path: Path) -> None:
    file = tmp_path / "foule.toml"
    file.write_text('[people]\nshares = "shares.csv"\n[indicators]\ncategories = true\n')
    settings = load(file, environ={})

    def told(*lines: str) -> list[str]:
        (tmp_path / "shares.csv").write_text("\n".join(["area,origin,share", "*,*,0.4", *lines, ""]))
        found = [*check_shares(settings), *check_share_areas(settings, [layer("17", None)])]
        return [finding.text for finding in found if finding.level == "warn"]

    assert told("17,*,0.3", "17,foreign:DE,0.1") == []
    assert told("*,foreign:DE,0.1", "*,national:75,0.2") == []
    assert told("*,foreign:DE,0.1", "17,foreign:DE,0.1", "17,*,0.3") == []
    [origins] = told("*,foreign:QQ,0.1", "17,national:9999,0.3")
    assert origins.endswith("shares.csv are never told: foreign:QQ, national:9999")
    [areas] = told("99,*,0.1")
    assert areas.startswith("1 areas in ")
    assert areas.endswith(" are of no zone: 99")
    assert told("*,foreign:DE,0.1", "17,*,0.3") == []
    (tmp_path / "shares.csv").write_text("area,origin,share\n")
    assert list(check_share_areas(settings, [layer("17")])) == []


def complaints(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[str]:
    try:
        assert all(finding.level == "ok" for finding in check(settings))
    except SettingsError as error:
        return error.problems
    return []


@pytest.mark.parametrize(
    ("areas", "words"),
    [
        ((None, None), "no zone of any layer has a home area:"),
        (("nowhere", None), "no zone of any layer has a home area that the list of areas has (of 1 that zones have)"),
        (("17", "nowhere"), "1 of 2 home areas of zones are not on the list of areas"),
        (("17", None), ""),
    ],
)
def test_zones_without_home_areas_are_a_warning_where_somebody_is_to_be_local(
    areas: tuple[str | None, ...], words: str
) -> None:
    found = list(check_areas(Settings(indicators=CATEGORIES), [layer(None), layer(*areas)]))
    assert [finding.level for finding in found] == ["warn"] * bool(words)
    assert all(finding.text.startswith(words) and '"area"' in finding.advice for finding in found)
    assert list(check_areas(Settings(), [layer(*areas)])) == []


def test_records_that_tell_a_country_or_a_home_area_are_counted() -> None:
    told: list[Any] = [{"c": 208, "h": "17"}, {"c": "262"}, {"h": 75, "c": None}]
    silent: list[Any] = [{"h": "", "c": ""}, {"mcc": 208, "home": "17"}, [1], {"h": 1.5}]
    sample = [*events(*told, *silent), Sampled(0, None, None, 1), Sampled(0, None, b"\xff{", 1)]
    assert telling(sample, EventsSettings(mcc="c", home="h")) == Telling(2, 2)


@pytest.mark.parametrize(
    ("values", "level", "words"),
    [
        ([{"subscriber": "1"}], "warn", "of 1 sampled records none has a country ('mcc') or home area ('home')"),
        ([{"mcc": 208}, {}], "warn", "of 2 sampled records none has a home area ('home')"),
        ([{"home": "17"}, {}], "ok", "1 of 2 sampled records have a home area, 0 a country"),
    ],
)
def test_a_sample_that_does_not_tell_origins_is_a_warning(values: list[object], level: str, words: str) -> None:
    [finding] = check_sampled_origins(events(*values), Settings(indicators=CATEGORIES))
    assert finding.level == level
    assert finding.text.startswith(words)
    assert list(check_sampled_origins(events(*values), Settings())) == []
    assert list(check_sampled_origins([], Settings(indicators=CATEGORIES))) == []


def test_an_epoch_of_several_days_is_a_warning_that_names_all_that_is_to_be_approved() -> None:
    settings = Settings(time=TimeSettings(epoch_days=7), indicators=IndicatorsSettings(recurrence=True))
    [finding] = check_epochs(settings)
    assert finding.level == "warn"
    assert all(sentence in finding.text for sentence in consequences(settings))
    assert "privacy-report" in finding.advice
    assert list(check_epochs(Settings(indicators=CATEGORIES))) == []


@pytest.mark.parametrize(
    ("indicators", "days", "words"),
    [
        ({"usual": True, "usual_nights": 3}, 2, "indicators.usual_nights is 3, and an epoch has 2 days"),
        ({"usual": True, "usual_nights": 2}, 2, ""),
        ({"categories": True, "habitual_days": 4}, 4, "indicators.habitual_days is 4, and a day of an epoch has at"),
        ({"categories": True, "habitual_days": 3}, 4, ""),
        ({"categories": True, "habitual_days": 4}, 1, ""),
    ],
)
def test_an_epoch_that_is_too_short_for_an_indicator_is_a_warning(
    indicators: dict[str, Any], days: int, words: str
) -> None:
    settings = Settings(time=TimeSettings(epoch_days=days), indicators=IndicatorsSettings(**indicators))
    found = [one.text for one in check_epochs(settings) if not one.text.startswith("time.epoch_days")]
    assert len(found) == bool(words)
    assert all(text.startswith(words) for text in found)


@pytest.mark.parametrize(
    ("indicators", "words"),
    [
        (
            {"nights": True, "night_stay": Duration(9 * HOUR)},
            "indicators.night_stay is 9h, and the night of 20:00 to 04:00 has 8h: nobody spends a night anywhere",
        ),
        ({"categories": True, "night_until": "20:30"}, "indicators.night_stay is 1h, and the night of 20:00 to 20:30"),
        ({"nights": True, "night_stay": Duration(8 * HOUR)}, ""),
        ({"night_stay": Duration(9 * HOUR)}, ""),
        ({"categories": True, "visit_stay": Duration(25 * HOUR)}, "indicators.visit_stay is 25h, and the stays of a"),
        ({"categories": True, "visit_stay": Duration(24 * HOUR)}, ""),
        ({"nights": True, "visit_stay": Duration(25 * HOUR)}, ""),
    ],
)
def test_a_least_stay_that_nobody_can_reach_is_a_warning(indicators: dict[str, Any], words: str) -> None:
    found = list(check_stays(Settings(indicators=IndicatorsSettings(**indicators))))
    assert [(finding.level, finding.part) for finding in found] == [("warn", "stays")] * bool(words)
    assert all(finding.text.startswith(words) and finding.advice for finding in found)


@pytest.mark.parametrize(
    ("memory", "warns"),
    [
        ({"maxmemory": 0, "maxmemory_policy": "allkeys-lru"}, False),
        ({"maxmemory": 1 << 30, "maxmemory_policy": "noeviction"}, False),
        ({"maxmemory": 1 << 30, "maxmemory_policy": "volatile-ttl"}, True),
        ({}, False),
    ],
)
def test_a_redis_that_drops_keys_is_a_warning(memory: dict[str, Any], warns: bool) -> None:
    settings = Settings(indicators=IndicatorsSettings(occupancy=True))
    found = list(judge_memory(memory, settings))
    assert [finding.level for finding in found] == ["warn"] * warns
    assert all("volatile-ttl" in one.text and one.text.endswith("would begin anew and be wrong") for one in found)
