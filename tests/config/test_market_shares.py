"""A file of market shares is read whole, or refused with the line and what is expected there."""

from pathlib import Path

import pytest

from config.errors import SettingsError
from config.market_shares import read

HEADER = "area,origin,share\n"


def written(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "shares.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_shares_are_read_by_area_and_origin(tmp_path: Path) -> None:
    text = f"{HEADER}*,*,0.35\n17,local, 0.4\n\n*,national:2A,1\n*,foreign,0.2\n75,foreign:DE,0.25\n*,unknown,0.1\n"
    assert read(written(tmp_path, text)) == {
        ("*", "*"): 0.35,
        ("17", "local"): 0.4,
        ("*", "national:2A"): 1.0,
        ("*", "foreign"): 0.2,
        ("75", "foreign:DE"): 0.25,
        ("*", "unknown"): 0.1,
    }


def test_columns_may_come_in_any_order_and_after_a_byte_order_mark(tmp_path: Path) -> None:
    assert read(written(tmp_path, "\ufeffshare,area,origin\n0.35,*,*\n")) == {("*", "*"): 0.35}


@pytest.mark.parametrize(
    ("rows", "line", "expected"),
    [
        ("*,*,0.35\n17,*,0\n", 3, "a number above 0"),
        ("*,*,0.35\n17,*,1.01\n", 3, "at most 1"),
        ("*,*,0.35\n17,*,nan\n", 3, "a number above 0"),
        ("*,*,35%\n", 2, "a number above 0"),
        ("*,*,0,35\n", 2, "with a point"),
        ("*,*,0.35\n17,local\n", 3, "3 are expected"),
        ("*,*,0.35\n17,french,0.3\n", 3, '"national:AREA"'),
        ("*,*,0.35\n17,other,0.3\n", 3, '"\\*" for any'),
        ("*,*,0.35\n17,foreign:de,0.3\n", 3, "two capitals"),
        ("*,*,0.35\n,local,0.3\n", 3, "the code of an area"),
        ("*,*,0.35\n17,*,0.3\n17,*,0.3\n", 4, "in line 3"),
        ('*,*,0.35\n17,"*"x,0.3\n', 3, "a CSV is expected"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, rows: str, line: int, expected: str) -> None:
    path = written(tmp_path, HEADER + rows)
    with pytest.raises(SettingsError, match=expected) as refused:
        read(path)
    [problem] = refused.value.problems
    assert problem.startswith(f"{path}: line {line}: ")


def test_a_share_for_everybody_is_required(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"a line such as \*,\*,0.35 is expected"):
        read(written(tmp_path, f"{HEADER}17,*,0.4\n"))


@pytest.mark.parametrize("text", ["", "area;origin;share\n*;*;0.35\n", "area,share\n*,0.35\n"])
def test_other_columns_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="line 1: the columns area, origin and share are expected"):
        read(written(tmp_path, text))


def test_many_problems_are_counted(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read(written(tmp_path, HEADER + "17,*,2\n" * 14))
    assert len(refused.value.problems) == 11
    assert refused.value.problems[-1].endswith("and 4 more problems")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no such file; check the path in people\.shares"):
        read(tmp_path / "none.csv")
    with pytest.raises(SettingsError, match="a readable file is expected"):
        read(tmp_path)
    (tmp_path / "latin.csv").write_bytes("area,origin,share\n*,*,0.3\nChâtelaillon,*,0.2\n".encode("latin-1"))
    with pytest.raises(SettingsError, match="UTF-8"):
        read(tmp_path / "latin.csv")
