"""Every command of the readme exists, with its options and files, and is what the CI and the Makefile run."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from config.settings import load, require_layers
from foule.cli import SUMMARIES, main
from indicators.definitions import DEFINITIONS
from tests.documents import README, ROOT, blocks, commands, quoted, section, table, text_of

TEXT = text_of(README)
COMMANDS = commands(TEXT)
MAKEFILE = text_of(ROOT / "Makefile")
# Files of the reader's own.
OWN_FILES = ("foule.toml", "events.csv.gz")
# How an installation begins; the Dockerfile and the Makefile do the same.
INSTALL = (
    "python3 -m venv venv",
    "venv/bin/python -m pip install --constraint constraints.txt .",
    ". venv/bin/activate",
)


def problem_of(command: str) -> str | None:
    """What is wrong with a command line; None if it could be run."""
    program, *arguments = shlex.split(command)
    if command in INSTALL:
        return None
    if program == "make":
        return _make_problem(arguments)
    if program == "foule":
        return _foule_problem(arguments)
    if program == "export":
        return _export_problem(arguments)
    if [program, *arguments[:2]] == ["docker", "compose", "up"]:
        return None if (ROOT / "docker-compose.yml").exists() else "no docker-compose.yml"
    return "unknown program"


def _make_problem(arguments: list[str]) -> str | None:
    targets = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
    for argument in arguments:
        variable, is_variable, value = argument.partition("=")
        if is_variable and not re.search(rf"^{variable} \?=", MAKEFILE, re.MULTILINE):
            return f"the Makefile has no variable {variable}"
        if not is_variable and argument not in targets:
            return f"the Makefile has no target {argument}"
        for path in re.findall(r"\btests/\S+", value):
            if not (ROOT / path).exists():
                return f"no {path}"
    return None


def _foule_problem(arguments: list[str]) -> str | None:
    if arguments == ["--help"]:
        return None
    name, *rest = arguments
    if name not in SUMMARIES:
        return f"foule has no command {name}"
    context = click.Context(main)
    command = main.get_command(context, name)
    assert command is not None
    try:
        values, left, _ = command.make_parser(click.Context(command)).parse_args(rest)
        for parameter in command.params:
            given = values.get(parameter.name or "")
            if isinstance(given, str | bool | list | tuple):
                parameter.type_cast_value(context, given)
            elif parameter.required:
                return f"{parameter.name} is missing"
    except click.UsageError as error:
        return error.format_message()
    files = [given for given in (values.get("settings"), values.get("file")) if isinstance(given, str)]
    absent = [file for file in files if file not in OWN_FILES and not (ROOT / file).exists()]
    return f"too many arguments: {left}" if left else f"no {absent[0]}" if absent else None


def _export_problem(arguments: list[str]) -> str | None:
    [(name, _, value)] = [argument.partition("=") for argument in arguments]
    return None if name == "FOULE_SETTINGS" and (ROOT / value).exists() else f"no setting {name}, or no file {value}"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_can_be_run(command: str) -> None:
    assert problem_of(command) is None


@pytest.mark.parametrize(
    "command",
    [
        "make dmeo",
        "make test PYTESTARGS=-x",
        "make test PYTEST_ARGS=tests/nowhere",
        "foule wacth",
        "foule worker --setting foule.toml",
        "foule worker --settings other.toml",
        "foule simulate --timestamps later",
        "foule simulate --speed fast",
        "foule batch events.csv.gz",
        "foule replay",
        "foule settings foule.toml",
        "export FOULE_SETTINGS=nowhere.toml",
        "curl example.org",
    ],
)
def test_a_command_that_cannot_be_run_is_found(command: str) -> None:
    assert problem_of(command) is not None


def test_every_command_of_foule_is_shown() -> None:
    shown = {command.split()[1] for command in COMMANDS if command.startswith("foule ")}
    assert set(SUMMARIES) - shown == {"demo"}  # which is for make demo


def test_the_two_commands_are_those_of_the_makefile_and_the_ci() -> None:
    first, second = (block.splitlines() for block in blocks(section(TEXT, "## The two commands"), "sh"))
    assert first == ["make demo", "make test"]
    for command in (*first, *second):
        assert f"echo '{command} " in section_of_help()
    ran = [line for line in text_of(ROOT / ".ci" / "run").splitlines() if line.startswith("make ")]
    assert ran == ["make check", "make test"]
    assert set(ran) <= {*first, *second}


def section_of_help() -> str:
    """The recipe of ``make help``, which lists what make can do."""
    return MAKEFILE[MAKEFILE.index("\nhelp:") : MAKEFILE.index("\ndemo:")]


def test_every_target_of_make_is_named() -> None:
    targets = set(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split())
    named = {line.split()[1] for line in (*COMMANDS, *quoted(TEXT)) if re.match(r"make \w", line)}
    assert named == targets


@pytest.mark.parametrize("name", [name for name in quoted(TEXT) if re.match(r"(foule|make) [\w-]+$", name)])
def test_a_command_in_the_text_exists(name: str) -> None:
    program, argument = name.split()
    known = SUMMARIES if program == "foule" else re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()
    assert argument in known


def test_the_installation_is_that_of_the_image() -> None:
    assert "pip install --constraint constraints.txt ." in text_of(ROOT / "Dockerfile")
    assert [command for command in INSTALL if command not in COMMANDS] == []


def test_the_settings_file_is_valid(tmp_path: Path) -> None:
    [example] = blocks(TEXT, "toml")
    path = tmp_path / "foule.toml"
    path.write_text(example, encoding="utf-8")
    require_layers(load(path, {}))


def test_the_examples_are_json() -> None:
    examples = [line for block in blocks(TEXT, "json") for line in block.splitlines()]
    assert examples
    assert all(isinstance(json.loads(example), dict) for example in examples)


def test_the_values_of_the_indicators_are_those_that_foule_explain_tells() -> None:
    fields = {"17094": "ZONE", "17300>17094": "FROM>TO", "17094>local": "ZONE>ORIGIN"}
    told = {(one.key.replace(":1d:START", ":WIDTH:START"), one.field, one.value_text) for one in DEFINITIONS}
    shown = []
    for what, key, field, value in (map(str.strip, row.values()) for row in table(TEXT, "what")):
        start = re.sub(r"\b(1h|1d):[0-9]{8}T[0-9]{4}Z", "WIDTH:START", key.strip("`"))
        shown.append((f"foule:{{LAYER}}:{start}", fields[field.strip("`")], value.strip("`")))
        assert shown[-1] in told, what
    assert len(set(shown)) == len(shown) >= 11


def test_the_image_gets_the_readme() -> None:
    assert "!README.md" in text_of(ROOT / ".dockerignore").splitlines()
