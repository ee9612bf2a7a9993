"""Columns of a CSV: by name and by template, and what each error says, without a row's content."""

from pathlib import Path

import pytest

from config.errors import ZonesError
from tests.zones.country import write_cells
from zones.table import Table, Template


def render(path: Path, template: str, delimiter: str = ",") -> list[str]:
    wanted = Template(template)
    texts: list[str] = wanted.render(Table(path, delimiter, wanted.columns)).to_pylist()
    return texts


def error_of(path: Path, *columns: str, delimiter: str = ",") -> str:
    with pytest.raises(ZonesError) as caught:
        Table(path, delimiter, columns)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("lac", ["1", "01"]),
        ("{lac}", ["1", "01"]),
        ("{lac}-{ci}", ["1-7", "01-x"]),
        ("fr:{ci}.{lac}.{ci}!", ["fr:7.1.7!", "fr:x.01.x!"]),
    ],
)
def test_a_template_puts_columns_into_a_text(tmp_path: Path, template: str, texts: list[str]) -> None:
    path = write_cells(tmp_path / "cells.csv", "lac,other,ci", "1,,7", "01,,x")
    assert render(path, template) == texts


def test_values_stay_text_as_they_are(tmp_path: Path) -> None:
    path = write_cells(tmp_path / "cells.csv", "a,b", "007,1", "NULL,1", " 1.0 ,1", '"x,""y""",1', '"l\nm",1')
    assert render(path, "a") == ["007", "NULL", " 1.0 ", 'x,"y"', "l\nm"]


def test_gzip_byte_order_mark_and_other_delimiters_are_read(tmp_path: Path) -> None:
    path = write_cells(tmp_path / "cells.csv.gz", "\ufeffcell;lat", "x;1")
    assert render(path, "cell", delimiter=";") == ["x"]


def test_a_missing_column_is_refused_with_those_there_are(tmp_path: Path) -> None:
    path = write_cells(tmp_path / "cells.csv", "lac,ci", "1,2")
    message = error_of(path, "lac", "cell", "lat")
    assert 'no column "cell", "lat"' in message
    assert 'the header has "lac", "ci"' in message


def test_a_single_column_makes_the_delimiter_suspect(tmp_path: Path) -> None:
    path = write_cells(tmp_path / "cells.csv", "lac;ci", "1;2")
    assert "is ',' the delimiter?" in error_of(path, "lac")


def test_a_first_row_of_data_is_not_quoted(tmp_path: Path) -> None:
    path = write_cells(tmp_path / "events.csv", "208011234567890,1403949600000", "208019999999999,1")
    message = error_of(path, "cell")
    assert "208" not in message
    assert "does not look like a header" in message


def test_a_row_of_another_length_is_refused_by_number_and_not_quoted(tmp_path: Path) -> None:
    path = write_cells(tmp_path / "cells.csv", "cell,lat", "x,1", "secret", "y,2")
    message = error_of(path, "cell")
    assert "row 3: 1 columns, where the header has 2" in message
    assert "secret" not in message


def test_latin_1_is_refused_with_the_row_and_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_bytes("cell,lat\nx,1\né,2\n".encode("latin-1"))
    message = error_of(path, "cell")
    assert "row 3: not UTF-8" in message
    assert "iconv" in message


def test_a_header_in_latin_1_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_bytes("id é,lat\nx,1\n".encode("latin-1"))
    assert "row 1: not UTF-8" in error_of(path, "lat")


@pytest.mark.parametrize("content", [b"\n", b"cell,lat", b"cell,lat\n", b"cell,lat\nx,1\n" + b"y" * 3_000_000])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cells.csv"
    path.write_bytes(content)
    assert "expected" in error_of(path, "cell")


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = write_cells(tmp_path / "cells.csv", "cell,lat,lat", "x,1,2")
    assert 'the column "lat" is in the header more than once' in error_of(path, "cell", "lat")
    assert len(Table(path, ",", ["cell"])) == 1


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in error_of(tmp_path / "cells.csv", "cell")
