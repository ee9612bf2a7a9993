"""Text files that a setting names: read whole, with words for what is wrong with them."""

from collections.abc import Sequence
from pathlib import Path

from config.errors import SettingsError

_SHOWN = 10


def read_lines(path: Path, setting: str) -> list[str]:
    """The lines of a file in UTF-8, without their ends; ``setting`` is the key that names it.

    Raises SettingsError where it cannot be read. No message quotes a line: the file may be one of events.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise SettingsError([f"{path}: there is no such file; check the path in {setting}"]) from None
    except OSError as error:
        raise SettingsError(
            [f"{path}: cannot be read ({error.strerror}); a readable file is expected by {setting}"]
        ) from None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsError(
            [f"{path}: line {line}: not UTF-8; convert the file, for example `iconv -f ISO-8859-1 -t UTF-8`"]
        ) from None


def refuse(path: Path, problems: Sequence[str]) -> None:
    """Raises SettingsError with the first problems of the file, one a line, if there are any."""
    if problems:
        shown = [f"{path}: {problem}" for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            shown.append(f"{path}: and {len(problems) - _SHOWN} more problems")
        raise SettingsError(shown)
