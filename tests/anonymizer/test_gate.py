"""The gate lets a number pass from the threshold on, and nothing passes beside it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.gate import Gate, ReleasedWindow, reopen
from anonymizer.numbers import cell_name
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from config.errors import ContractError
from indicators.calendar import Window
from indicators.counts import FLOWS, INDICATORS, ZONE_INDICATORS
from tests.cells import KEY, counts_of
from zones import Layer

ROOT = Path(__file__).resolve().parents[2]
LAYER = Layer("places", ("beach", "port", "town"), ("", "", ""), (None, None, None))
OUTSIDE = 3
WINDOW = Window(300_000, 1_403_949_600_000, 1_403_949_900_000)
K = 20
NAMES = {name: "people" if name == "presence" else name for name in ZONE_INDICATORS}


def released(
    counts: Mapping[str, Mapping[int, int]], k: int = K, coverage: float = 1.0, window: Window = WINDOW, noise: int = 0
) -> ReleasedWindow:
    """The window of these counts; without errors, if not said otherwise."""
    raw = {name: counts_of(cells) for name, cells in counts.items()}
    return Gate(Threshold(k, noise), [LAYER]).release(0, window, raw, Perturbation(KEY, noise), coverage)


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
    assert Gate(Threshold(K, 0), [LAYER]).unpublished(window) == every - window.published


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


# --- errors


def test_a_number_is_published_if_with_its_error_it_reaches_k_and_the_bound() -> None:
    errors, seen = Perturbation(KEY, 5), set()
    for number in range(400):
        count = K - 1 + number % 12
        name = cell_name("presence", LAYER.name, "port")
        counts = counts_of({1: count}, {1: number * 7919})
        perturbed = count + int(errors.errors([name], counts.keys)[0])
        window = Gate(Threshold(K, 5), [LAYER]).release(0, WINDOW, {"presence": counts}, errors)
        expected = {"port": {"people": perturbed}} if count >= K and perturbed >= K + 5 else {}
        assert window.zones == expected
        seen.add((count < K, perturbed < K + 5, bool(window.zones)))
    assert seen == {(True, True, False), (False, True, False), (False, False, True)}
    assert (window.k, window.noise) == (K, 5)


@given(COUNTS)
def test_no_published_number_is_further_from_the_truth_than_the_bound_nor_of_fewer_than_k(
    counts: dict[str, dict[int, int]],
) -> None:
    window = released(counts, noise=5)
    for zone, values in window.zones.items():
        for name, people in values.items():
            indicator = "presence" if name == "people" else name
            true = counts[indicator][LAYER.ids.index(zone)]
            assert true >= K and people >= K + 5 and abs(people - true) <= 5


def test_the_same_devices_have_the_same_number_in_every_window_of_a_cell_and_no_other() -> None:
    crowd = {"presence": counts_of(dict.fromkeys(range(3), 100), dict.fromkeys(range(3), 777))}
    gate, errors = Gate(Threshold(K, 5), [LAYER]), Perturbation(KEY, 5)
    windows = [
        gate.release(0, Window(300_000, start, start + 300_000), crowd, errors)
        for start in range(0, 3_000_000, 300_000)
    ]
    windows.append(gate.release(0, Window(3_600_000, 0, 3_600_000), crowd, errors))
    assert len({str(window.zones) for window in windows}) == 1
    others = [
        gate.release(0, WINDOW, {"presence": counts_of({0: 100}, {0: key})}, errors).zones["beach"]["people"]
        for key in range(200)
    ]
    assert set(others) == set(range(95, 106))


# --- zones within others

COAST = Layer("coast", ("north", "south"), ("", ""), (None, None))
SPOTS = Layer("spots", ("a", "b", "c", "d"), ("",) * 4, (None,) * 4, 0, (0, 0, 0, 1))


def nested(spots: Mapping[str, Mapping[int, int]], coast: Mapping[str, Mapping[int, int]]) -> ReleasedWindow:
    """The window of the spots, beside that of the coasts on which they lie; without errors."""
    gate, errors = Gate(Threshold(K, 0), [COAST, SPOTS]), Perturbation(KEY, 0)
    above = gate.release(0, WINDOW, {name: counts_of(cells) for name, cells in coast.items()}, errors)
    return gate.release(1, WINDOW, {name: counts_of(cells) for name, cells in spots.items()}, errors, above={0: above})


def test_layers_are_decided_after_those_that_hold_them() -> None:
    middle = Layer("middle", ("m",), ("",), (None,), 2, (0,))
    inner = Layer("inner", ("i",), ("",), (None,), 0, (0,))
    assert Gate(Threshold(K, 0), [middle, inner, Layer("outer", ("o",), ("",), (None,))]).order() == [2, 0, 1]


def test_a_small_remainder_of_a_published_zone_is_hidden_by_withholding_the_smallest_of_its_zones() -> None:
    window = nested({"presence": {0: 30, 1: 40, 2: 5, 3: 7}}, {"presence": {0: 75, 1: 7}})
    assert window.zones == {"b": {"people": 40}}


def test_with_a_zone_go_all_its_numbers_and_the_flows_that_end_in_it() -> None:
    flows = {0 * 5 + 1: 30, 1 * 5 + 0: 30, 1 * 5 + 4: 30, 4 * 5 + 0: 30}
    window = nested({"presence": {0: 30, 1: 40, 2: 5}, "arrivals": {0: 25, 1: 25}, FLOWS: flows}, {"presence": {0: 75}})
    assert window.zones == {"b": {"people": 40, "arrivals": 25}}
    assert window.flows == {("b", "outside"): 30}


@pytest.mark.parametrize(
    ("spots", "coast"),
    [
        ({0: 30, 1: 40}, {0: 70}),
        ({0: 30, 1: 40, 2: K}, {0: 90}),
        ({0: 30, 1: 40, 2: 5}, {0: K - 1}),
    ],
    ids=["nobody is missing", "as many are missing as could be published", "the zone that holds them is not published"],
)
def test_nothing_is_withheld_where_nothing_is_given_away(spots: dict[int, int], coast: dict[int, int]) -> None:
    window = nested({"presence": spots}, {"presence": coast})
    assert window.zones == {"abc"[zone]: {"people": people} for zone, people in spots.items() if people >= K}


def test_of_those_who_appeared_or_vanished_the_cell_alone_is_withheld() -> None:
    window = nested(
        {"presence": {0: 30, 1: 40}, "appeared": {0: 30, 1: 40, 2: 3}}, {"presence": {0: 70}, "appeared": {0: 73}}
    )
    assert window.zones == {"a": {"people": 30}, "b": {"people": 40, "appeared": 40}}


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
    fields: dict[str, Any] = {"layer": "l", "width": "5m", "start": 0, "end": 1, "coverage": 1.0, "k": 20, "noise": 5}
    for passed in (None, object(), True):
        with pytest.raises(TypeError, match="a ReleasedWindow comes only from the gate"):
            ReleasedWindow(passed=passed, zones={}, pairs={}, parts={}, **fields)  # type: ignore[arg-type]


def test_a_released_window_cannot_be_changed() -> None:
    window = released({"presence": {0: K}, FLOWS: {1: K}})
    with pytest.raises(AttributeError):
        window.k = 1  # type: ignore[misc]
    for numbers in (window.zones, window.zones["beach"], window.flows):
        with pytest.raises(TypeError):
            numbers["beach"] = 1  # type: ignore[index]


def test_no_other_window_can_be_made_of_a_released_one() -> None:
    window = released({"presence": {0: K}})
    with pytest.raises((TypeError, ValueError), match="passed"):
        replace(window, zones={"beach": {"people": 3}})  # type: ignore[call-arg, dict-item]
    assert not hasattr(window, "passed")


SNIPPET = """
from collections.abc import Mapping
from dataclasses import replace
from anonymizer.gate import Gate, People, Publication, ReleasedWindow
from anonymizer.perturbation import Perturbation
from anonymizer.threshold import Threshold
from indicators.calendar import Window
from indicators.counts import Counts
from sinks.kafka import KafkaSink
from sinks.redis import RedisSink
from zones import Layer

async def good(redis: RedisSink, kafka: KafkaSink, layer: Layer, window: Window, raw: Mapping[str, Counts]) -> None:
    gate = Gate(Threshold(20, 5), [layer])
    released = Publication(gate.release(0, window, raw, Perturbation(bytes(32), 5)), 1, True)
    await redis.publish_all([released])
    await kafka.publish_all([released])

async def bad(redis: RedisSink, kafka: KafkaSink, raw: Counts, number: int, counts: dict[str, dict[str, int]]) -> None:
    await redis.publish_all([raw])  # refused
    await redis.publish_all([number])  # refused
    await redis.publish_all([counts])  # refused
    await kafka.publish_all([counts])  # refused
    await kafka.publish_all([(counts, 1, True)])  # refused
    Publication(counts, 1, True)  # refused
    ReleasedWindow(None, "l", "5m", 0, 1, 1.0, 20, 5, {}, {})  # refused
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
