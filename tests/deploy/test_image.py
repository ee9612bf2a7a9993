"""The image holds every package, runs without rights, and says whether it is well."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
INSTRUCTIONS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and line[0] not in "# "]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = [name.rstrip("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]


def arguments(instruction: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


def test_the_image_does_not_run_as_root() -> None:
    user = arguments("USER")[-1]
    assert user.split(":") == ["10001", "10001"]
    assert f"--uid {user.split(':')[0]}" in " ".join(arguments("RUN"))


def test_the_image_has_a_health_check_and_runs_the_worker() -> None:
    assert len(arguments("HEALTHCHECK")) == 1
    assert "/metrics" in arguments("HEALTHCHECK")[0]
    assert arguments("ENTRYPOINT") == ['["foule"]']
    assert arguments("CMD")[0].startswith('["worker"')


def test_the_image_is_built_from_the_pinned_versions() -> None:
    assert any("--constraint constraints.txt" in command for command in arguments("RUN"))
    assert all(image.startswith("python:3.11-slim") for image in arguments("FROM"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_in_the_image(package: str) -> None:
    assert f"{package} {package}" in arguments("COPY")
    assert f"!{package}" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_every_file_that_the_build_copies_reaches_the_engine() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sources = [name for rest in arguments("COPY") if "--from" not in rest for name in rest.split()[:-1]]
    assert sources
    assert [name for name in sources if f"!{name}" not in let_in] == []
