"""A process whose memory holds keys and ids: it leaves no core dump behind, and nobody else's debugger enters it."""

from __future__ import annotations

import ctypes
import resource
import sys
from pathlib import Path
from typing import Final

_SET_DUMPABLE: Final = 4  # PR_SET_DUMPABLE of linux/prctl.h

_SWAPS: Final = Path("/proc/swaps")


def forbid() -> None:
    """No core dump of this process from now on, for good.

    The limit alone would not do where the kernel hands dumps to a program (a pipe in core_pattern): on Linux the
    process is marked as not dumpable, too, which also keeps debuggers of the same user out.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        prctl = getattr(ctypes.CDLL(None), "prctl", None)
        if prctl is not None:
            prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def swaps(path: Path = _SWAPS) -> int | None:
    """How many swap areas this machine uses; None where it does not tell (not Linux)."""
    try:
        _, *areas = path.read_text().splitlines()
    except (OSError, ValueError):
        return None
    return len(areas)
