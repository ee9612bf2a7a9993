"""What a single setting may be, in words and as a test."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from config.times import DAY, MINUTE, SECOND, Duration


class Check(NamedTuple):
    """What a value must be, said for the operator, and the test of it (after its type is right)."""

    expected: str
    holds: Callable[[Any], bool]


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, a folder of the database
        return False
    return bool(name)


def _matches(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def whole(low: int, high: int) -> Check:
    """A whole number within bounds, both included."""
    return Check(f"a whole number from {low} to {high}", lambda number: low <= number <= high)


def at_least(milliseconds: int) -> Check:
    """A duration with a lower bound."""
    return Check(
        f'a duration of at least "{Duration(milliseconds).text}", such as "30s", "5m" or "1h"',
        lambda d: d >= milliseconds,
    )


def share(low: float, high: float) -> Check:
    """A number within bounds, both included."""
    return Check(f"a number from {low:g} to {high:g}", lambda number: low <= number <= high)


def _is_template(text: str) -> bool:
    return bool(re.fullmatch(r"[^{}]+|[^{}]*(\{[^{}]+\}[^{}]*)+", text, re.DOTALL))


def _are_brokers(text: str) -> bool:
    one = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})"
    found = [re.fullmatch(one, broker.strip(), re.ASCII) for broker in text.split(",")]
    return all(match is not None and 0 < int(match[1]) < 65_536 for match in found)


def _are_windows(windows: tuple[Duration, ...]) -> bool:
    fit = all(MINUTE <= width <= DAY and width % SECOND == 0 for width in windows)
    return bool(windows) and fit and len(set(windows)) == len(windows)


def _are_widths(widths: tuple[Duration, ...]) -> bool:
    return not widths or _are_windows(widths)


def _are_edges(edges: tuple[Duration, ...]) -> bool:
    rising = all(one < other for one, other in pairwise(edges))
    return 0 < len(edges) <= 50 and rising and all(0 < edge <= DAY and edge % SECOND == 0 for edge in edges)


def _all_match(pattern: str) -> Callable[[Any], bool]:
    matches = _matches(pattern)
    return lambda texts: all(map(matches, texts)) and len(set(texts)) == len(texts)


def _are_risks(risks: tuple[str, ...]) -> bool:
    return set(risks) <= set(KEY_RISKS) and len(set(risks)) == len(risks)


KEY_RISKS = ("snapshots", "append-only file", "replicas", "unknown")
"""The ways in which a key store may write keys to a disk, by the names under which they can be accepted."""

TEXT = Check("a text that is not empty", bool)
CHARACTER = Check('one character, such as "," or ";" or "\\t"', lambda text: len(text) == 1)
TEMPLATE = Check('a column, or columns in braces such as "{lac}-{ci}"', _is_template)
ZONE = Check('a time zone of the IANA database, such as "Europe/Paris" or "UTC"', _is_zone)
CLOCK = Check('a time of the day such as "04:00"', _matches(r"([01][0-9]|2[0-3]):[0-5][0-9]"))
TOPIC = Check("a topic name: 1 to 249 letters, digits, '.', '_' or '-'", _matches(r"[A-Za-z0-9._-]{1,249}"))
INSTANCE = Check("a name of 1 to 200 letters, digits, '.', '_' or '-'", _matches(r"[A-Za-z0-9._-]{1,200}"))
REDIS = Check(
    'an address such as "redis://127.0.0.1:6379/0", "rediss://..." or "unix:///..."',
    lambda url: re.match(r"(rediss?://[^/]|unix:///|unix://[^/@]*@/)", url.reveal()) is not None,
)
LAYER = Check("a name of letters, digits, '.', '_' or '-'", _matches(r"[A-Za-z0-9_.-]+"))
BROKERS = Check('one or more "host:port", separated by commas', _are_brokers)
WINDOWS = Check('a list of different durations from "1m" to "1d" in whole seconds', _are_windows)
WIDTHS = Check("a list of widths of time.windows, or [] for none", _are_widths)
EDGES = Check('a list of up to 50 rising durations up to "1d", in whole seconds', _are_edges)
NETWORK_COUNTRIES = Check('a list of country codes of networks (MCC), such as "208"', _all_match(r"[0-9]{3}"))
NETWORKS = Check('a list of network codes (MCC and MNC), such as "20810" or "310260"', _all_match(r"[0-9]{5,6}"))
RISKS = Check('a list of any of "snapshots", "append-only file", "replicas", "unknown"', _are_risks)
TIME_FORMAT = Check(
    '"ms", "s", "iso", or a format such as "%Y-%m-%d %H:%M:%S"',
    lambda text: text in ("ms", "s", "iso") or "%" in text,
)
