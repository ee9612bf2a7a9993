"""The shown settings are complete, load again, and hold no secret."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import KafkaSettings, Settings, ZonesSettings, load
from config.show import as_dict, render

FULL = """
kafka.password = "hunter2"
kafka.security_protocol = "SASL_SSL"
kafka.username = "u"
redis.url = "redis://:hunter2@cache:6379/0"
events.not_before = 2014-06-28T04:00:00.250+02:00
time.windows = ["90s", "1h"]
zones.cells = "cells \\"of\\" \\\\ all.csv"
zones.layers = [{name = "communes", file = "communes.geojson"}, {name = "areas", column = "{lac}"}]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "foule.toml"
    path.write_text(FULL)
    return load(path, {})


def test_shown_settings_load_again_as_the_same_but_for_the_secrets(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "shown.toml"
    path.write_text(render(settings))
    environ = {"FOULE_KAFKA__PASSWORD": "hunter2", "FOULE_REDIS__URL": settings.redis.url.reveal()}
    assert load(path, environ) == settings


def test_the_defaults_are_shown_in_full(tmp_path: Path) -> None:
    path = tmp_path / "shown.toml"
    path.write_text(render(Settings()))
    assert load(path, {}) == Settings()


def test_secrets_are_masked(settings: Settings) -> None:
    shown = render(settings)
    assert 'password = "***"' in shown
    assert 'url = "redis://***@cache:6379/0"' in shown
    assert "hunter2" not in shown
    assert "hunter2" not in json.dumps(as_dict(settings))


def test_json_holds_each_value_as_settings_write_it(settings: Settings, tmp_path: Path) -> None:
    shown = json.loads(json.dumps(as_dict(settings)))
    assert shown["time"]["windows"] == ["90s", "1h"]
    assert shown["time"]["epoch_start"] == "2014-01-01"
    assert shown["events"]["not_before"] == "2014-06-28T02:00:00.250Z"
    assert shown["events"]["not_after"] is None
    assert shown["privacy"] == {"k": 20, "noise": 5}
    assert shown["zones"]["layers"][0]["file"] == str(tmp_path / "communes.geojson")
    assert list(shown) == list(Settings.__struct_fields__)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text("\x7f\"'\\#\n\t{}", min_size=1, max_size=1)
)
def test_any_text_survives_being_shown(tmp_path_factory: pytest.TempPathFactory, group: str, mark: str) -> None:
    settings = Settings(kafka=KafkaSettings(group=group), zones=ZonesSettings(delimiter=mark))
    path = tmp_path_factory.mktemp("shown") / "shown.toml"
    path.write_bytes(render(settings).encode())
    assert load(path, {}) == settings
