"""The parameters of the oracle are those of the settings."""

from datetime import date, time
from pathlib import Path

import pytest

from config.settings import Settings, load
from foule.oracle.oracle import Parameters
from foule.oracle.parameters import DAY, HOUR, MINUTE, SECOND
from tests.oracle.cases import TEN


def test_parameters_are_those_of_the_settings() -> None:
    assert Parameters.of(Settings()) == Parameters()
    changed = {
        "FOULE_TIME__ZONE": "Asia/Shanghai",
        "FOULE_TIME__DAY_START": "00:30",
        "FOULE_TIME__WINDOWS": '["15m"]',
        "FOULE_TIME__LINGER": "32d",
        "FOULE_TIME__EPOCH_START": "2015-08-01",
        "FOULE_EVENTS__MAX_SKEW": "1s",
        "FOULE_EVENTS__NOT_AFTER": "2014-06-28T10:00:00+02:00",
        "FOULE_EVENTS__SUBSCRIBER": "user",
        "FOULE_INDICATORS__NIGHT_FROM": "18:00",
        "FOULE_INDICATORS__NIGHT_UNTIL": "00:30",
    }
    parameters = Parameters.of(load(None, changed))
    assert (parameters.zone, parameters.day_start, parameters.widths) == (
        "Asia/Shanghai",
        time(0, 30),
        (15 * MINUTE,),
    )
    assert (parameters.linger, parameters.epoch_start) == (32 * DAY, date(2015, 8, 1))
    assert (parameters.max_skew, parameters.not_after, parameters.not_before) == (SECOND, TEN, None)
    assert parameters.fields.subscriber == "user" and parameters.fields.cell == "cell"
    assert (parameters.night_from, parameters.night_until) == (time(18), time(0, 30))


def test_parameters_say_which_indicators_are_counted_and_how() -> None:
    wanted = ("nights", "categories", "catchment", "trips", "recurrence", "sojourns", "usual")
    changed = {f"FOULE_INDICATORS__{name.upper()}": "true" for name in wanted if name != "categories"}
    changed |= {
        "FOULE_TIME__EPOCH_DAYS": "7",
        "FOULE_EVENTS__TAC": "type",
        "FOULE_EVENTS__MACHINE_NETWORKS": '["20815"]',
        "FOULE_ORIGINS__HOME_MCC": '["208", "647"]',
        "FOULE_INDICATORS__DWELL": '["1h", "1d"]',
        "FOULE_INDICATORS__DWELL_EDGES": '["5m", "3h"]',
        "FOULE_INDICATORS__NIGHT_STAY": "2h",
        "FOULE_INDICATORS__VISIT_STAY": "90m",
        "FOULE_INDICATORS__HABITUAL_DAYS": "3",
        "FOULE_INDICATORS__TRIP_STAY": "15m",
        "FOULE_INDICATORS__USUAL_NIGHTS": "2",
    }
    found = Parameters.of(load(None, changed))
    assert {name for name in wanted if getattr(found, name)} == set(wanted) - {"categories"}
    assert (found.dwell, found.dwell_edges, found.origins) == ((HOUR, DAY), (5 * MINUTE, 3 * HOUR), ())
    assert (found.night_stay, found.visit_stay, found.trip_stay) == (2 * HOUR, 90 * MINUTE, 15 * MINUTE)
    assert (found.habitual_days, found.usual_nights) == (3, 2)
    assert (found.machine_networks, found.home_mcc, found.fields.tac) == (("20815",), ("208", "647"), "type")


def test_machine_tacs_and_areas_are_those_of_the_files_and_countries_those_that_are_bundled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tacs").write_text("35000001 # meters\n\n 35000002 \n# no more\n")
    (tmp_path / "areas.csv").write_text("code,name\n17,Charente-Maritime\n2A,Corse-du-Sud\n")
    (tmp_path / "countries.csv").write_text("code,name,mcc\nFR,France,208\nGB,United Kingdom,234 235\n")
    monkeypatch.setattr("foule.oracle.parameters._TABLES", tmp_path)
    changed = {
        "FOULE_EVENTS__MACHINE_TACS": str(tmp_path / "tacs"),
        "FOULE_ORIGINS__AREAS": str(tmp_path / "areas.csv"),
    }
    none = Parameters.of(load(None, changed))
    assert (set(none.machine_tacs), none.countries, set(none.areas)) == ({"35000001", "35000002"}, {}, set())
    found = Parameters.of(load(None, changed | {"FOULE_INDICATORS__ORIGINS": '["1h"]'}))
    assert (found.countries, set(found.areas)) == ({"208": "FR", "234": "GB", "235": "GB"}, {"17", "2A"})
    assert Parameters.of(load(None, changed | {"FOULE_INDICATORS__CATEGORIES": "true"})).areas == found.areas
