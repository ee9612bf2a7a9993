"""Facts for tests: the demo's settings as they are, or settings of the test's own over two layers."""

from pathlib import Path
from typing import Any

import msgspec

from config.settings import Instant, LayerSettings, Settings, load
from foule.report.attacks import Results
from foule.report.facts import Facts, gather
from tests.services.settings_file import write_settings
from zones import Layer

FESTIVAL = Path(__file__).parents[3] / "simulator" / "data" / "festival.toml"
MADE = Instant.parse("2026-11-22T12:00:00Z")
VERSION = "0.1.0"

COMMUNES = Layer("communes", ("a", "b"), ("A", "B"), (None, None))
QUARTERS = Layer("quarters", ("q", "r", "s"), ("Q", "R", "S"), (None,) * 3, 0, (0, 0, 1))
NESTED = (COMMUNES, QUARTERS)

#: With a catalogue, dead letters without payload, and encrypted ways: nothing is left to approve but the attack suite.
GUARDED: dict[str, dict[str, Any]] = {
    "events": {"rejected_payload": False},
    "kafka": {"security_protocol": "SASL_SSL", "bootstrap": "kafka:9093", "username": "u", "password": "p"},
    "keys": {"url": "rediss://:hidden@keys:6379/0"},
    "redis": {"url": "redis://:hidden@numbers:6379/0"},
    "zones": {
        "cells": "cells.csv",
        "layers": [{"name": "communes", "column": "c"}, {"name": "quarters", "column": "q"}],
    },
}


def settings_with(tmp_path: Path, **sections: dict[str, Any]) -> Settings:
    """The guarded settings with these sections over them, key by key, loaded from a file."""
    names = [*GUARDED, *(name for name in sections if name not in GUARDED)]
    merged = {name: GUARDED.get(name, {}) | sections.get(name, {}) for name in names}
    return load(write_settings(tmp_path / "foule.toml", merged), {})


def facts_of(settings: Settings, layers: tuple[Layer, ...] = NESTED, results: Results | None = None) -> Facts:
    """Facts on settings whose zones are not loaded."""
    if not settings.zones.layers:
        named = tuple(LayerSettings(name=layer.name, column=layer.name) for layer in layers)
        settings = msgspec.structs.replace(settings, zones=msgspec.structs.replace(settings.zones, layers=named))
    return Facts(settings, layers, (), "0" * 64, VERSION, MADE, results)


def festival(results: Results | None = None) -> Facts:
    """Facts on the demo's settings, with their zones."""
    return gather(load(FESTIVAL, {}), VERSION, MADE, results)
