"""The type allocation codes of machines are read whole or refused with the lines that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import SettingsError
from config.sections import EventsSettings
from streams.machines import Machines, read_tacs


def test_codes_stand_one_a_line_with_comments(tmp_path: Path) -> None:
    path = tmp_path / "tacs.txt"
    path.write_text("# meters\n35000001\n\n  01124500  # an alarm\r\n35000001\n")
    assert read_tacs(path) == {"35000001", "01124500"}
    machines = Machines.of(EventsSettings(machine_tacs=path))
    assert machines is not None
    assert machines.among(["35000001", 1124500, "x", None], ["208150123456789"] * 4).tolist() == [
        True,
        True,
        False,
        False,
    ]


def test_what_is_no_code_is_refused_with_its_line_and_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "tacs.txt"
    path.write_text("35000001\n3500000\n# fine\n350000012345678\n\uff135000001\n")
    with pytest.raises(SettingsError) as raised:
        read_tacs(path)
    assert raised.value.problems == [
        f"{path}: line {line}: no type allocation code; 8 digits, or a comment behind a #, are expected"
        for line in (2, 4, 5)
    ]


def test_a_file_without_codes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tacs.txt"
    path.write_text("# none yet\n")
    with pytest.raises(SettingsError, match=r"tacs\.txt: no type allocation code; leave events\.machine_tacs"):
        read_tacs(path)
    with pytest.raises(SettingsError, match=r"check the path in events\.machine_tacs"):
        read_tacs(tmp_path / "none.txt")
