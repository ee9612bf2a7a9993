"""The gate lets a number pass from the threshold on, and nothing passes beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.gate import Gate, ReleasedWindow, reopen, unpublished
from config.errors import ContractError
from indicators.calendar import Window
from indicators.counts import FLOWS, INDICATORS, ZONE_INDICATORS, Counts
from zones import Layer

ROOT = Path(__file__).resolve().parents[2]
LAYER = Layer("places", ("beach", "port", "town"), ("", "", ""), (None, None, None))
OUTSIDE = 3
WINDOW = Window(300_000, 1_403_949_600_000, 1_403_949_900_000)
K = 20
NAMES = {name: "people" if name == "presence" else name for name in ZONE_INDICATORS}


def released(
    counts: Mapping[str, Mapping[int, int]], k: int = K, coverage: float = 1.0, window: Window = WINDOW
) -> ReleasedWindow:
    raw = {
        name: Counts(np.array(sorted(cells), np.int64), np.array([cells[cell] for cell in sorted(cells)], np.int64))
        for name, cells in counts.items()
    }
    return Gate(k).release(LAYER, window, raw, coverage)


COUNTS = st.dictionaries(
    st.sampled_from(INDICATORS),
    st.dictionaries(st.integers(0, 3), st.integers(1, 2 * K), max_size=4),
)


# --- the threshold


@pytest.mark.parametrize("k", [10, 20, 21])
def test_a_number_is_published_from_exactly_k_on(k: int) -> None:
    window = released({"presence": {0: k - 1, 1: k, 2: k + 1}}, k)
    assert window.zones == {"port": {"people": k}, "town": {"people": k + 1}}
    assert window.k == k


def test_the_threshold_holds_for_each_indicator_and_for_flows() -> None:
    counts = {name: {0: K - 1, 1: K} for name in ZONE_INDICATORS} | {FLOWS: {0 * 4 + 1: K - 1, 1 * 4 + 0: K}}
    window = released(counts)
    assert window.zones == {"port": {NAMES[name]: K for name in ZONE_INDICATORS}}
    assert window.flows == {("port", "beach"): K}
    assert window.published == len(ZONE_INDICATORS) + 1


@given(COUNTS)
def test_what_is_published_is_what_was_counted_and_never_below_k(counts: dict[str, dict[int, int]]) -> None:
    window = released(counts)
    expected: dict[str, dict[str, int]] = {}
    for name in ZONE_INDICATORS:
        for cell, count in counts.get(name, {}).items():
            if count >= K and cell != OUTSIDE:
                expected.setdefault(LAYER.zone_name(cell), {})[NAMES[name]] = count
    assert {zone: dict(values) for zone, values in window.zones.items()} == expected
    names = ["beach", "port", "town", "outside"]
    assert dict(window.flows) == {
        (names[cell // 4], names[cell % 4]): count for cell, count in counts.get(FLOWS, {}).items() if count >= K
    }
    assert window.is_empty == (not window.zones and not window.flows)
    every = 3 * len(ZONE_INDICATORS) + 3 * 4
    assert unpublished(LAYER, window) == every - window.published


def test_of_outside_no_number_is_published_but_as_one_end_of_a_flow() -> None:
    crowd = {OUTSIDE: 1_000_000}
    window = released(dict.fromkeys(ZONE_INDICATORS, crowd) | {FLOWS: {OUTSIDE * 4: K, 0 * 4 + OUTSIDE: K}})
    assert window.zones == {}
    assert window.flows == {("outside", "beach"): K, ("beach", "outside"): K}


def test_nobody_too_few_and_no_count_at_all_look_the_same() -> None:
    windows = [
        released(counts).to_bytes() for counts in ({}, {"presence": {0: 1}}, {"presence": {0: K - 1}, FLOWS: {}})
    ]
    assert len(set(windows)) == 1
    assert released({}).is_empty


# --- the bytes of a decision


@given(COUNTS, st.sampled_from([1.0, 0.75, 1 / 3]))
def test_a_decision_reopens_as_the_same_window_and_the_same_bytes(
    counts: dict[str, dict[int, int]], coverage: float
) -> None:
    window = released(counts, coverage=coverage)
    again = reopen(window.to_bytes())
    assert again == window
    assert again.to_bytes() == window.to_bytes() == released(counts, coverage=coverage).to_bytes()
    assert (again.coverage, again.width, again.start, again.end) == (coverage, "5m", WINDOW.start, WINDOW.end)


def test_a_decision_holds_no_number_that_was_withheld() -> None:
    published = released({"presence": {0: K}}).to_bytes()
    assert released({"presence": {0: K, 1: K - 1, 2: 7}, "arrivals": {0: 3}, FLOWS: {5: K - 1}}).to_bytes() == published


def test_a_window_that_was_cut_keeps_its_nominal_width() -> None:
    window = released({}, window=Window(3_600_000, 0, 60_000))
    assert (window.width, window.start, window.end) == ("1h", 0, 60_000)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"{}", msgspec.msgpack.encode(["places", "5m", 0, 1])])
def test_bytes_that_the_gate_did_not_write_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match="a release decision cannot be read"):
        reopen(data)


# --- nothing else makes a released window


def test_the_constructor_refuses_whoever_is_not_the_gate() -> None:
    fields: dict[str, Any] = {"layer": "l", "width": "5m", "start": 0, "end": 1, "coverage": 1.0, "k": 20}
    for passed in (None, object(), True):
        with pytest.raises(TypeError, match="a ReleasedWindow comes only from the gate"):
            ReleasedWindow(passed=passed, zones={}, flows={}, **fields)  # type: ignore[arg-type]


def test_a_released_window_cannot_be_changed() -> None:
    window = released({"presence": {0: K}})
    with pytest.raises(AttributeError):
        window.k = 1  # type: ignore[misc]


SNIPPET = """
from collections.abc import Mapping
from anonymizer.gate import Gate, People, Publication, ReleasedWindow
from indicators.calendar import Window
from indicators.counts import Counts
from sinks.kafka import KafkaSink
from sinks.redis import RedisSink
from zones import Layer

async def good(redis: RedisSink, kafka: KafkaSink, layer: Layer, window: Window, raw: Mapping[str, Counts]) -> None:
    released = Publication(Gate(20).release(layer, window, raw), 1, True)
    await redis.publish_all([released])
    await kafka.publish_all([released])

async def bad(redis: RedisSink, kafka: KafkaSink, raw: Counts, number: int, counts: dict[str, dict[str, int]]) -> None:
    await redis.publish_all([raw])  # refused
    await redis.publish_all([number])  # refused
    await redis.publish_all([counts])  # refused
    await kafka.publish_all([counts])  # refused
    await kafka.publish_all([(counts, 1, True)])  # refused
    Publication(counts, 1, True)  # refused
    ReleasedWindow(None, "l", "5m", 0, 1, 1.0, 20, {}, {})  # refused
    people: People = number  # refused
"""


def test_mypy_refuses_a_raw_count_in_the_place_of_a_released_one(tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--config-file", "", str(snippet)]
    command += ["--follow-imports", "silent", "--ignore-missing-imports"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    refused = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    marked = {number for number, line in enumerate(SNIPPET.splitlines(), 1) if "# refused" in line}
    assert refused == marked, done.stdout
