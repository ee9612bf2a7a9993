"""What a bench says: one JSON line a result, and at the end one with the bars that it must reach."""

import json
from collections.abc import Mapping
from typing import NamedTuple


class Bar(NamedTuple):
    """A figure that must not be above ``most``."""

    measured: float
    most: float


def emit(result: Mapping[str, object]) -> None:
    """Print a result as a JSON object on one line."""
    print(json.dumps(result), flush=True)


def verdict(bench: str, bars: Mapping[str, Bar], **others: bool) -> bool:
    """Print whether every bar is reached and all ``others`` hold; returns it."""
    shown = {name: {"measured": round(bar.measured, 3), "at_most": bar.most} for name, bar in bars.items()}
    ok = all(bar.measured <= bar.most for bar in bars.values()) and all(others.values())
    emit({"bench": bench, "verdict": "reached" if ok else "missed", **shown, **others})
    return ok
