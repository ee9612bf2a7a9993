"""What a check of ``foule doctor`` found."""

from typing import Literal, NamedTuple

Level = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """What one check found; ``advice`` says what to do, and is empty where nothing is to be done."""

    level: Level
    part: str
    text: str
    advice: str = ""
