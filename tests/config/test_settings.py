"""Settings come from the environment, else from the file, else from the defaults."""

import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec
import pytest

from config.errors import SettingsError
from config.settings import Secret, Settings, load, require_layers

SHIPPED = Path(__file__).parents[2] / "config" / "default.toml"

Load = Callable[..., Settings]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Loads a settings file of this text, under this environment and no other."""

    def load_it(text: str, **environ: str) -> Settings:
        path = tmp_path / "foule.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, environ)

    return load_it


def test_without_a_file_the_defaults_hold() -> None:
    settings = load(environ={})
    assert settings == Settings()
    assert settings.time.windows == (300_000, 3_600_000, 86_400_000)
    assert settings.time.day_start == "04:00"
    assert settings.time.epoch_start == date(2014, 1, 1)
    assert settings.privacy.k == 20
    assert settings.keys.url == Secret("redis://127.0.0.1:6380/0")
    assert settings.keys.accept_risks == ()


def test_the_shipped_default_file_says_what_holds_without_a_file() -> None:
    assert load(SHIPPED, {}) == load(environ={})


def test_the_shipped_default_file_holds_every_setting_in_order() -> None:
    shipped = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    assert {name: list(table) for name, table in shipped.items()} == {
        name: list(getattr(Settings(), name).__struct_fields__) for name in Settings.__struct_fields__
    }


def test_what_a_file_does_not_say_keeps_its_default(load_text: Load) -> None:
    settings = load_text('[time]\nlinger = "45m"\n')
    assert settings.time.linger == 45 * 60_000
    assert settings.time.lateness == 2 * 60_000
    assert settings.kafka == Settings().kafka


def test_instants_are_read_from_toml_and_from_text(load_text: Load) -> None:
    events = load_text('[events]\nnot_before = 2014-06-28T04:00:00+02:00\nnot_after = "2014-06-29T02:00:00Z"\n').events
    assert (events.not_before, events.not_after) == (1_403_920_800_000, 1_404_007_200_000)


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path, load_text: Load) -> None:
    zones = load_text(
        '[zones]\ncells = "data/cells.csv"\n'
        '[[zones.layers]]\nname = "communes"\nfile = "/srv/communes.geojson"\n'
        '[[zones.layers]]\nname = "areas"\ncolumn = "{lac}"\nparent = "communes"\n'
    ).zones
    assert zones.cells == tmp_path / "data" / "cells.csv"
    assert [layer.file for layer in zones.layers] == [Path("/srv/communes.geojson"), None]
    assert [layer.column for layer in zones.layers] == [None, "{lac}"]
    assert [layer.parent for layer in zones.layers] == [None, "communes"]


def test_an_empty_text_takes_an_optional_setting_away(load_text: Load) -> None:
    replay = load_text('[replay]\ncell = ""\nlat = "y"\nlon = "x"\n').replay
    assert (replay.cell, replay.lat, replay.lon) == (None, "y", "x")


def test_the_environment_goes_before_the_file(load_text: Load) -> None:
    settings = load_text(
        '[kafka]\ngroup = "file"\n[privacy]\nk = 30\n',
        FOULE_PRIVACY__K="40",
        FOULE_KAFKA__BOOTSTRAP="kafka:9092",
        FOULE_TIME__WINDOWS='["1m"]',
        FOULE_EVENTS__REJECTED_PAYLOAD="false",
        FOULE_ZONES__LAYERS='[{name = "areas", file = "a.geojson"}]',
        FOULE_REQUIRE_REAL="1",
        HOME="/nowhere",
    )
    assert settings.kafka.group == "file"
    assert settings.privacy.k == 40
    assert settings.kafka.bootstrap == "kafka:9092"
    assert settings.time.windows == (60_000,)
    assert settings.events.rejected_payload is False
    assert settings.zones.layers[0].name == "areas"


@pytest.mark.parametrize("text", ["123456", "true", "[1]", "2014-06-28", 'x"y', "a\nb = 1", "'quoted"])
def test_a_password_of_any_form_is_taken_from_the_environment(text: str) -> None:
    assert load(environ={"FOULE_KAFKA__PASSWORD": text}).kafka.password.reveal() == text


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings().privacy.k = 1  # type: ignore[misc]


def test_settings_never_show_a_secret() -> None:
    settings = load(environ={"FOULE_KAFKA__PASSWORD": "hunter2", "FOULE_KEYS__URL": "redis://:hunter2@keys"})
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings)
    with pytest.raises(TypeError):
        msgspec.json.encode(settings)


def test_a_command_that_counts_needs_a_layer(load_text: Load) -> None:
    with pytest.raises(SettingsError, match=r"zones\.layers is empty: expected at least one layer"):
        require_layers(load(environ={}))
    require_layers(load_text('[[zones.layers]]\nname = "a"\nfile = "a.geojson"\n'))
