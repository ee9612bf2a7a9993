"""There is one way out: only the gate can make what sinks take, and sinks know of nothing else to publish."""

import ast
import inspect
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from anonymizer.gate import Publication, ReleasedWindow
from foule.release_folder import ReleaseFolder
from sinks.kafka import KafkaSink
from sinks.redis import RedisSink
from tests.test_imports import PROJECT, ROOT

#: What sinks may know of the packages in which things are counted.
KNOWN_TO_SINKS = {
    "anonymizer.gate",
    "indicators.calendar",
    "indicators.cells",
    "indicators.dwell",
}
COUNTING = ("anonymizer", "indicators", "streams")
GATE = "anonymizer/gate.py"


def modules(*packages: str) -> Iterator[tuple[str, str]]:
    """Path and source of every module."""
    for package in packages:
        for module in sorted((ROOT / package).rglob("*.py")):
            yield module.relative_to(ROOT).as_posix(), module.read_text(encoding="utf-8")


def strange(source: str) -> set[str]:
    """The modules of counting packages that a sink's source imports and must not."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name for name in names if name.split(".")[0] in COUNTING and name not in KNOWN_TO_SINKS}
    return found


def forging(source: str) -> set[str]:
    """How a source makes released windows by itself: it names the pass, or calls the constructor, or evades it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name | ast.alias | ast.Attribute):
            name = {ast.Name: "id", ast.alias: "name", ast.Attribute: "attr"}[type(node)]
            if getattr(node, name) in ("_PASS", "_Pass"):
                found.add("the pass")
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called == "ReleasedWindow":
                found.add("the constructor")
            arguments = {ast.unparse(argument) for argument in node.args}
            if called in ("replace", "__new__", "__setattr__", "cast") and "ReleasedWindow" in arguments:
                found.add("a way around it")
    return found


def test_sinks_know_released_numbers_only() -> None:
    assert {path: found for path, source in modules("sinks") if (found := strange(source))} == {}


def test_nobody_but_the_gate_makes_released_windows() -> None:
    makers = {path for path, source in modules(*PROJECT) if forging(source)}
    assert makers == {GATE}


@pytest.mark.parametrize(
    "source",
    [
        "from anonymizer.gate import _PASS",
        "import anonymizer.gate as g\ng._PASS",
        "from anonymizer import gate\ngate.ReleasedWindow(None)",
        "object.__new__(ReleasedWindow)",
        "typing.cast(ReleasedWindow, raw)",
    ],
)
def test_a_forged_window_is_found(source: str) -> None:
    assert forging(source)


@pytest.mark.parametrize(
    "source", ["from indicators.counts import Counts", "import streams.wire", "import anonymizer.keys"]
)
def test_what_a_sink_must_not_know_is_found(source: str) -> None:
    assert strange(source)


@pytest.mark.parametrize("take", [RedisSink.publish_all, KafkaSink.publish_all, RedisSink.publish, ReleaseFolder.write])
def test_a_sink_takes_publications_of_released_windows(take: object) -> None:
    hints = typing.get_type_hints(take)
    [parameter] = [name for name in inspect.signature(take).parameters if name != "self"]  # type: ignore[arg-type]
    assert hints[parameter] in (Publication, Sequence[Publication])
    assert typing.get_type_hints(Publication)["window"] is ReleasedWindow


def test_the_paths_are_there() -> None:
    assert Path(ROOT / GATE).is_file() and list(modules("sinks"))
