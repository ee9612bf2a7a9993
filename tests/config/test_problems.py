"""Each problem of a settings file is one line with file, key, value and what is expected; all come at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config.errors import SettingsError
from config.settings import load

Problems = Callable[..., list[str]]


@pytest.fixture
def problems(tmp_path: Path) -> Problems:
    """The problems of a settings file of this text, the file's path written FILE."""

    def of(text: str | bytes, **environ: str) -> list[str]:
        path = tmp_path / "foule.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(SettingsError) as caught:
            load(path, environ)
        assert str(caught.value) == "\n".join(caught.value.problems)
        return [line.replace(str(path), "FILE") for line in caught.value.problems]

    return of


def test_every_problem_is_reported_in_the_order_of_the_file(problems: Problems) -> None:
    assert problems(
        """
        [privacy]
        k = 9
        [kafka]
        bootstrap = "localhost"
        security_protocol = "TLS"
        grup = "foule"
        [time]
        zone = "Europe/Pari"
        linger = "5 minutes"
        [privat]
        k = 20
        [zones]
        layers = [{name = "a b", file = "a"}, {file = "b"}]
        """,
        FOULE_METRICS__PORT="99999",
    ) == [
        "FILE: privacy.k = 9: expected a whole number from 10 to 1000000",
        'FILE: kafka.bootstrap = "localhost": expected one or more "host:port", separated by commas',
        'FILE: kafka.security_protocol = "TLS": expected one of "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"',
        "FILE: kafka.grup: no such setting; did you mean kafka.group?",
        'FILE: time.zone = "Europe/Pari": expected a time zone of the IANA database, such as "Europe/Paris" or "UTC"',
        'FILE: time.linger = "5 minutes": expected a duration of at least "1s", such as "30s", "5m" or "1h"',
        "FILE: privat: no such setting; did you mean privacy?",
        "FILE: zones.layers[0].name = \"a b\": expected a name of letters, digits, '.', '_' or '-'",
        "FILE: zones.layers[1].name: missing; expected a name of letters, digits, '.', '_' or '-'",
        "FOULE_METRICS__PORT: metrics.port = 99999: expected a whole number from 0 to 65535",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("topics.partitions = 0", "a whole number from 1 to 10000"),
        ("topics.partitions = 4.0", "a whole number from 1 to 10000"),
        ("topics.partitions = true", "a whole number from 1 to 10000"),
        ('topics.partitions = "4"', "a whole number from 1 to 10000"),
        ('topics.events = "my events"', "a topic name: 1 to 249 letters, digits, '.', '_' or '-'"),
        ('topics.events_retention = "0s"', 'a duration of at least "1m"'),
        ('events.ts = ""', "a text that is not empty"),
        ("events.not_before = 2014-06-28T04:00:00", "a date and time with its offset from UTC"),
        ("events.not_before = 2014-06-28", "a date and time with its offset from UTC"),
        ("events.not_before = 1403920800000", "a date and time with its offset from UTC"),
        ('events.rejected_payload = "no"', "true or false"),
        ('time.day_start = "24:00"', 'a time of the day such as "04:00"'),
        ("time.day_start = 04:00:00", 'a time of the day such as "04:00"'),
        ("time.windows = []", 'a list of different durations from "1m" to "1d" in whole seconds'),
        ('time.windows = ["5m", "300s"]', 'a list of different durations from "1m" to "1d" in whole seconds'),
        ('time.windows = ["59s"]', 'a list of different durations from "1m" to "1d" in whole seconds'),
        ('time.windows = ["60500ms"]', 'a list of different durations from "1m" to "1d" in whole seconds'),
        ('time.windows = ["25h"]', 'a list of different durations from "1m" to "1d" in whole seconds'),
        ('time.windows = "5m"', 'a list of different durations from "1m" to "1d" in whole seconds'),
        ("time.epoch_days = 63", "a whole number from 1 to 62"),
        ('time.epoch_start = "soon"', "a date such as 2014-06-28"),
        ('time.zone = "../etc/passwd"', "a time zone of the IANA database"),
        ('time.zone = ""', "a time zone of the IANA database"),
        ("zones.cells = 3", "the path of a file, in quotes"),
        ('zones.cell = "{lac"', 'a column, or columns in braces such as "{lac}-{ci}"'),
        ('zones.cell = "{}"', 'a column, or columns in braces such as "{lac}-{ci}"'),
        ('zones.delimiter = ";;"', 'one character, such as "," or ";"'),
        ("zones.min_difference = -1", "a whole number from 0 to 1000"),
        ('zones.layers = "communes"', "a list of tables, each under [[zones.layers]]"),
        ('stream.seal_every = "0s"', 'a duration of at least "100ms"'),
        ('replay.time_format = "milliseconds"', '"ms", "s", "iso", or a format such as'),
        ('replay.lat = "lat"', "a column, since replay.lat has one"),
        ('replay.cell = ""', "a column, or else columns in replay.lat and replay.lon"),
        ('keys.accept_risks = ["disk"]', 'a list of any of "snapshots", "append-only file", "replicas", "unknown"'),
        ('keys.accept_risks = "snapshots"', 'a list of any of "snapshots", "append-only file", "replicas", "unknown"'),
        ('log.level = "DEBUG"', 'one of "debug", "info", "warning", "error"'),
        ('kafka.ca_file = "ca.pem"', "no file, since security_protocol is PLAINTEXT"),
        ('topics.flows = "events"', "another topic than that of topics.events"),
        ('events.home = "mcc"', "another field name than that of events.mcc"),
    ],
)
def test_a_value_that_cannot_be_used_says_what_is_expected(problems: Problems, line: str, expected: str) -> None:
    (problem,) = problems(line)
    assert problem.startswith("FILE: ")
    assert f": expected {expected}" in problem


def test_the_end_of_event_time_comes_after_its_beginning(problems: Problems) -> None:
    (problem,) = problems('events.not_before = "2014-06-28T02:00:00Z"\nevents.not_after = 2014-06-28T02:00:00Z')
    assert problem.endswith("expected an instant after events.not_before (2014-06-28T02:00:00Z)")


@pytest.mark.parametrize(
    ("day_start", "begin", "end", "words"),
    [
        (
            "00:00",
            "20:00",
            "04:00",
            "the night of 20:00 to 04:00 does not lie in a day that begins at 00:00;"
            ' set time.day_start to "04:00", or a night such as 00:00 to 06:00',
        ),
        (
            "22:30",
            "20:00",
            "23:00",
            "the night of 20:00 to 23:00 does not lie in a day that begins at 22:30;"
            ' set time.day_start to "23:00", or a night such as 22:30 to 04:30',
        ),
        ("04:00", "04:00", "04:00", "from 04:00 to 04:00 is a whole day; set a night such as 04:00 to 10:00"),
        ("04:00", "20:00", "20:00", "from 20:00 to 20:00 is a whole day; set a night such as 04:00 to 10:00"),
    ],
)
def test_a_night_that_does_not_lie_in_one_day_is_told_with_both_times_and_a_way_out(
    problems: Problems, day_start: str, begin: str, end: str, words: str
) -> None:
    (problem,) = problems(
        f'time.day_start = "{day_start}"\n[indicators]\nnights = true\nnight_from = "{begin}"\nnight_until = "{end}"'
    )
    assert problem == (
        f'FILE: indicators.night_from = "{begin}": expected a time before indicators.night_until, both in'
        f" one local day: {words}"
    )


def test_what_the_error_of_a_night_says_to_do_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "foule.toml"
    for day_start, begin, end in (
        ("04:00", "20:00", "04:00"),
        ("00:00", "00:00", "06:00"),
        ("22:30", "22:30", "04:30"),
    ):
        file.write_text(
            f'time.day_start = "{day_start}"\n[indicators]\nnights = true\n'
            f'night_from = "{begin}"\nnight_until = "{end}"'
        )
        assert load(file, {}).indicators.night_from == begin


def test_sasl_needs_a_login(problems: Problems) -> None:
    assert problems('kafka.security_protocol = "SASL_SSL"') == [
        "FILE: kafka.username is not set: expected a username, since security_protocol is SASL_SSL",
        "FILE: kafka.password is not set: expected a password, since security_protocol is SASL_SSL",
    ]


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ('{name = "a"}', "expected a GeoJSON file, or instead a column of the cell catalogue"),
        ('{name = "a", file = "f", column = "c"}', "expected no column, since the layer has a file"),
        ('{name = "a", file = "f"}, {name = "a", file = "g"}', "expected another name than that of zones.layers[0]"),
        ('{name = "a", file = "f", colum = "c"}', "did you mean zones.layers[0].column?"),
        ("3", "zones.layers[0] = 3: expected a table"),
        (
            '{name = "a", file = "f", parent = "b"}',
            'zones.layers[0].parent = "b": expected none: there is no other layer',
        ),
        (
            '{name = "a", file = "f", parent = "a"}, {name = "b", file = "f"}, {name = "c", file = "f"}',
            'zones.layers[0].parent = "a": expected the name of another layer ("b", "c")',
        ),
        (
            '{name = "a", file = "f", parent = "b"}, {name = "b", file = "f", parent = "c"}, '
            '{name = "c", file = "f", parent = "b"}',
            'zones.layers[1].parent = "c": expected no circle of parents (b in c in b)',
        ),
    ],
)
def test_a_layer_that_cannot_be_used_is_named(problems: Problems, layers: str, expected: str) -> None:
    (problem,) = problems(f'zones.cells = "cells.csv"\nzones.layers = [{layers}]')
    assert "zones.layers[" in problem
    assert expected in problem


def test_a_layer_from_a_column_needs_the_catalogue(problems: Problems) -> None:
    (problem,) = problems('zones.layers = [{name = "a", column = "lac"}]')
    assert problem == (
        "FILE: zones.cells is not set: expected the file of the cell catalogue, "
        "since zones.layers[0] is made from its column"
    )


def test_a_secret_is_never_shown_in_a_problem(problems: Problems) -> None:
    found = problems(
        'kafka.pasword = "hunter2"\nkafka.password = ["hunter2"]\nredis.url = "hunter2"\n',
        FOULE_KEYS__URL="http://:hunter2@keys",
        FOULE_KAFKA__PASWORD="hunter2",
    )
    assert len(found) == 4
    assert "hunter2" not in "\n".join(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"[kafka\n", "FILE: not valid TOML: "),
        (b"[kafka]\ngroup = 'a'\ngroup = 'b'\n", "FILE: not valid TOML: "),
        (b"kafka = 3\n", "FILE: kafka: expected a table, written [kafka]"),
        (b"k = 20\n", "FILE: k: expected tables only at the top, such as [kafka] or [zones]"),
        (b"# caf\xe9\n", "FILE: byte 5 is not UTF-8: save the file as UTF-8"),
    ],
)
def test_a_file_that_cannot_be_parsed_says_where(problems: Problems, text: bytes, problem: str) -> None:
    (found,) = problems(text)
    assert found.startswith(problem)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml: cannot be read: No such file or directory"):
        load(tmp_path / "absent.toml", {})


@pytest.mark.parametrize(
    ("variable", "problem"),
    [
        ("FOULE_KAFKA__GRUP", "FOULE_KAFKA__GRUP: kafka.grup: no such setting; did you mean kafka.group?"),
        ("FOULE_KAFK__GROUP", "FOULE_KAFK__GROUP: kafk: no such setting; did you mean kafka?"),
        ("FOULE_LOG__COLOUR", "FOULE_LOG__COLOUR: log.colour: no such setting; expected one of level"),
    ],
)
def test_an_unknown_variable_is_a_problem(problems: Problems, variable: str, problem: str) -> None:
    assert problems("", **{variable: "x"}) == [problem]


def test_a_long_value_is_cut(problems: Problems) -> None:
    (problem,) = problems(f'time.zone = "{"x" * 5000}"')
    assert len(problem) < 300
