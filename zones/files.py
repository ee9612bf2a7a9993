"""Reads a file of zones or cells, compressed with gzip or not, and words what is wrong with it."""

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from config.errors import ZonesError

_GZIP_MAGIC = b"\x1f\x8b"
_SHOWN = 10


def read_bytes(path: Path) -> bytes:
    """The whole content of ``path``, unpacked if it is gzip (by its first bytes, whatever its name).

    Raises ZonesError where the file cannot be read, is empty or is damaged.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ZonesError(f"{path}: there is no such file; check the path in the section [zones]") from None
    except OSError as error:
        raise ZonesError(f"{path}: cannot be read ({error.strerror}); a readable file is expected") from None
    if content.startswith(_GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            raise ZonesError(
                f"{path}: the gzip data is damaged or cut short; copy the file again (`gzip -t` tests it)"
            ) from None
    if not content:
        raise ZonesError(f"{path}: the file is empty")
    return content


def some(lines: Sequence[str], what: str) -> list[str]:
    """At most ten of ``lines``, and a last one that counts those left out."""
    shown = list(lines[:_SHOWN])
    if len(lines) > _SHOWN:
        shown.append(f"and {len(lines) - _SHOWN} more {what}")
    return shown


def refuse(problems: Sequence[str]) -> None:
    """Raises ZonesError with the first problems, one a line, if there are any."""
    if problems:
        raise ZonesError("\n".join(some(problems, "problems")))
