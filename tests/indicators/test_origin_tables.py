"""The tables of origins are read whole or refused with the lines that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import SettingsError
from indicators.origin_tables import MOST_AREAS, read_areas, read_countries


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "areas.csv"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, text: str) -> list[str]:
    path = table(tmp_path, text)
    with pytest.raises(SettingsError) as raised:
        read_areas(path)
    assert all(problem.startswith(f"{path}: ") for problem in raised.value.problems)
    return [problem.removeprefix(f"{path}: ") for problem in raised.value.problems]


def test_the_areas_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = table(tmp_path, '\ufeffcode,name\r\nZH,Zürich\r\n\r\nAG, Aargau \r\n01,"Wallis, Valais"\r\n')
    assert list(read_areas(path).items()) == [("ZH", "Zürich"), ("AG", "Aargau"), ("01", "Wallis, Valais")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ['line 1: the header "code,name" is expected by origins.areas']),
        ("75,Paris\n", ['line 1: the header "code,name" is expected by origins.areas']),
        ("code;name\n75;Paris\n", ['line 1: the header "code,name" is expected by origins.areas']),
        ("code,name\n", ["no rows after the header; at least one area is expected by origins.areas"]),
        ("code,name\n75,Paris\n\n01,Ain\n75,P\n", ["line 5: the code stands in line 2 already"]),
        ("code,name\n,Paris\n75,\n", ["line 2: the code is empty", "line 3: the name is empty"]),
        ("code,name\n75\n", ["line 2: 1 columns; a code and a name are expected"]),
        ("code,name\n75,Paris,France\n", ["line 2: 3 columns; a code and a name are expected"]),
        ("code,name\na>b,x\na:b,x\na|b,x\na\tb,x\n", [f'line {n}: the code holds ">", ":", "|"' for n in range(2, 6)]),
        ("code,name\n75,Par\u0007is\n", ["line 2: the name holds a character that cannot be printed"]),
        (f"code,name\n{'7' * 101},x\n", ["line 2: the code has 101 characters; at most 100"]),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, expected: list[str]) -> None:
    found = problems(tmp_path, text)
    assert len(found) == len(expected)
    assert all(said.startswith(start) for said, start in zip(found, expected, strict=True))


def test_no_message_quotes_a_row(tmp_path: Path) -> None:
    text = "".join(f"208010000000001,{n}>\n" for n in range(30))
    assert "208010000000001" not in "\n".join(problems(tmp_path, text) + problems(tmp_path, "code,name\n" + text))


def test_ten_problems_are_said_and_the_rest_counted(tmp_path: Path) -> None:
    found = problems(tmp_path, "code,name\n" + ",x\n" * 13)
    assert len(found) == 11 and found[-1] == "and 3 more problems"


def test_there_are_at_most_ten_thousand_areas(tmp_path: Path) -> None:
    rows = [f"{n},x\n" for n in range(MOST_AREAS + 1)]
    assert len(read_areas(table(tmp_path, "code,name\n" + "".join(rows[:-1])))) == MOST_AREAS
    assert problems(tmp_path, "code,name\n" + "".join(rows)) == [
        "10001 areas; at most 10000 are expected: put some of them together"
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.csv: there is no such file; check the path in origins\.areas"):
        read_areas(tmp_path / "none.csv")
    path = tmp_path / "latin.csv"
    path.write_bytes("code,name\n01,Ain\n07,Ardèche\n".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"latin\.csv: line 3: not UTF-8"):
        read_areas(path)


def test_the_bundled_departements_are_those_of_the_official_code() -> None:
    metropolitan = {f"{n:02}" for n in range(1, 96)} - {"20"} | {"2A", "2B"}
    areas = read_areas(None)
    assert areas.keys() == metropolitan | {"971", "972", "973", "974", "976"}
    assert (areas["17"], areas["75"], areas["90"]) == ("Charente-Maritime", "Paris", "Territoire de Belfort")


def test_every_mcc_is_of_one_country_and_well_known_ones_of_theirs() -> None:
    countries = read_countries()
    codes = [country.code for country in countries]
    assert codes == sorted(set(codes)) and all(len(code) == 2 and code.isupper() for code in codes)
    of_mcc = {mcc: country.code for country in countries for mcc in country.mccs}
    assert len(of_mcc) == sum(len(country.mccs) for country in countries) > 235
    assert all(mcc.isdecimal() and 202 <= int(mcc) <= 750 for mcc in of_mcc)
    known = {"208": "FR", "262": "DE", "234": "GB", "235": "GB", "310": "US", "316": "US", "404": "IN", "405": "IN"}
    known |= {"440": "JP", "460": "CN", "228": "CH", "214": "ES", "222": "IT", "206": "BE", "647": "RE", "340": "GP"}
    assert {mcc: of_mcc[mcc] for mcc in known} == known
    assert not {"001", "901", "999"} & of_mcc.keys()
