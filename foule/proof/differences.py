"""What differs between counts that must be the same, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from foule.oracle.result import ALL, WindowKey
from indicators.calendar import label_of_start, label_of_width

_Path = tuple[Any, ...]


def compare(expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> str:
    """What differs between two trees of counts, such as tallies, with an example of each kind; empty if nothing does.

    A branch without any count is a difference too, unless both have it.
    """
    must, is_there = dict(_leaves(expected, ())), dict(_leaves(found, ()))
    missing = [path for path in must if path not in is_there]
    unexpected = [path for path in is_there if path not in must]
    different = [path for path, count in must.items() if is_there.get(path, count) != count]
    kinds = {"missing": missing, "that must not be there": unexpected, "with another value": different}
    return ", ".join(
        f"{len(paths):,} {kind} ({_words(paths[0])}: {is_there.get(paths[0], 'nothing')}"
        f" instead of {must.get(paths[0], 'nothing')})"
        for kind, paths in kinds.items()
        if paths
    )


def window_in_words(window: WindowKey) -> str:
    """``festival 5m 20140628T1000Z``: the layer, the width and the start."""
    return f"{window.layer} {label_of_width(window.width)} {label_of_start(window.start)}"


def _leaves(tree: Mapping[Any, Any], path: _Path) -> Iterator[tuple[_Path, Any]]:
    if not tree and path:
        yield path, "an empty entry"
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _words(path: _Path) -> str:
    return " ".join(map(_word, path))


def _word(key: Any) -> str:
    if isinstance(key, WindowKey):
        return window_in_words(key)
    if isinstance(key, tuple):
        return ">".join(map(str, key))
    if isinstance(key, int):
        return "all shards" if key == ALL else f"shard {key}"
    return str(key)
