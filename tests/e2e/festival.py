"""The simulated festival as a feed for workers: its settings, its end, and what must be released of it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.settings import load
from foule.oracle.oracle import Keys, Rules
from foule.proof.checks import prove
from foule.proof.tallies import TallyLog
from simulator.geography import SETTINGS
from tests.conftest import SettingsMaker
from tests.e2e.results import oracle_of
from tests.e2e.running import foule
from zones import load as load_places

DAY_AFTER = 1_404_093_600_000
"""30 June 2014 04:00 in Paris: the end of the last epoch of the festival."""


INDICATORS: Mapping[str, Any] = tomllib.loads(SETTINGS.read_text())["indicators"]
"""All that the festival counts besides presence and flows, as its settings file says."""

OF_DAYS: Mapping[str, Any] = {
    **INDICATORS,
    "recurrence": True,
    "sojourns": True,
    "usual": True,
    "usual_nights": 1,
    "habitual_days": 1,
}
"""The same with all that an epoch of two days has."""


def festival_settings(folder: Path, settings_for: SettingsMaker, **sections: Mapping[str, object]) -> Path:
    """A settings file for the festival with every indicator of a day, and its topics made; ``sections`` replace what is
    set here."""
    given = load(SETTINGS)
    layers = [{"name": layer.name, "file": layer.file} for layer in given.zones.layers]
    standard: dict[str, Mapping[str, object]] = {
        "events": {"not_before": "2014-06-27T00:00:00+02:00"},
        "zones": {"cells": given.zones.cells, "layers": layers},
        "indicators": INDICATORS,
        "stream": {"checkpoint_every": "3s", "seal_every": "1s"},
    }
    path = settings_for(folder, **(standard | sections))
    foule("topics", "--settings", path)
    return path


def assert_released_equals_the_oracle(path: Path, keys: Keys, at_least: int = 100) -> None:
    """Every number that is released is the oracle's, and every window is there; ``keys``: of the epochs."""
    settings = load(path)
    places = load_places(settings.zones)
    expected = oracle_of(settings, keys)
    assert expected.read == expected.accepted + expected.late + expected.rejected.total()
    assert len(expected.released(Rules.of(settings, places.layers))) > at_least
    with TallyLog(settings, keys) as tallies:
        tallies.read()
        proof = prove(settings, places.layers, expected, tallies)
    wrong = [check for check in proof.checks if not check.holds]
    assert not wrong, wrong
