"""The project files agree: what is installed, what is pinned, what is documented by make."""

import importlib
import os
import re
import subprocess
import tomllib
from pathlib import Path, PurePath

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def test_every_dependency_is_pinned() -> None:
    wanted = list(PROJECT["project"]["dependencies"])
    for extra in PROJECT["project"]["optional-dependencies"].values():
        wanted += extra
    pinned = {name_of(line) for line in LOCK if not line.startswith("#")}
    assert {name_of(requirement) for requirement in wanted} - pinned == set()


def test_the_lock_names_versions_and_no_place() -> None:
    lines = [line for line in LOCK if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line)] == []


def test_every_package_of_the_repository_is_installed() -> None:
    include = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench", "docs", "examples"}
    assert {f"{folder}*" for folder in folders} == set(include)


def test_every_data_file_of_a_package_is_installed() -> None:
    patterns = [PurePath(pattern) for pattern in PROJECT["tool"]["setuptools"]["package-data"]["*"]]
    include = [name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
    files = [path for package in include for path in (ROOT / package).rglob("*") if path.is_file()]
    missing = []
    for path in files:
        package = next(folder for folder in path.parents if (folder / "__init__.py").exists())
        inside = path.relative_to(package)
        fits = [len(inside.parts) == len(each.parts) and inside.match(str(each)) for each in patterns]
        if path.suffix not in (".py", ".pyc") and not any(fits):
            missing.append(str(path.relative_to(ROOT)))
    assert missing == []


def test_the_console_script_exists() -> None:
    module, _, function = PROJECT["project"]["scripts"]["foule"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["demo"], ".venv/bin/foule demo"),
        (["demo", "DEMO_SECONDS=90"], ".venv/bin/foule demo --seconds 90"),
        (["test"], ".venv/bin/python -m pytest --numprocesses 2 --dist loadfile"),
        (["check"], ".venv/bin/mypy"),
        (["bench"], ".venv/bin/python -m bench"),
        (
            ["chaos", "FAULTS=7", "SEED=3"],
            ".venv/bin/python -m tests.chaos --faults 7 --seed 3 --events 3000000 --workers 3",
        ),
    ],
)
def test_make_runs_what_it_says(arguments: list[str], command: str) -> None:
    # a make that runs the tests hands its own arguments down in MAKEFLAGS
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    planned = subprocess.run(
        ["make", "--dry-run", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert command in [line.strip() for line in planned.stdout.splitlines()]


def test_the_ci_demands_the_real_services_and_runs_what_people_run() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert lines.index("export FOULE_REQUIRE_REAL=1") < lines.index("make check") < lines.index("make test")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
