"""The times that settings hold: lengths ("5m") and instants ("2014-06-28T04:00:00+02:00")."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_UNITS: Final = {"d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": 1}
_DURATION: Final = re.compile(r"([0-9]{1,15})(d|h|m|s|ms)", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Duration(int):
    """A length of time in whole milliseconds; computes, compares and prints as that number."""

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read "500ms", "30s", "5m", "1h" or "1d"; raises ValueError for any other text."""
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValueError("not a whole number followed by ms, s, m, h or d")
        return cls(int(match[1]) * _UNITS[match[2]])

    @property
    def text(self) -> str:
        """As settings write it, in the largest unit that divides it: "5m", "90s", "0s"."""
        milliseconds = int(self)
        if milliseconds == 0:
            return "0s"
        unit = next(name for name, size in _UNITS.items() if milliseconds % size == 0)
        return f"{milliseconds // _UNITS[unit]}{unit}"

    @property
    def seconds(self) -> float:
        """The same length in seconds."""
        return int(self) / SECOND

    def __repr__(self) -> str:
        return f"Duration({self.text!r})"

    def __str__(self) -> str:
        return int.__repr__(self)


class Instant(int):
    """A point in time in whole milliseconds since the Unix epoch (UTC)."""

    @classmethod
    def parse(cls, text: str) -> "Instant":
        """Read ISO 8601 with an offset or Z; raises ValueError for any other text."""
        return cls.of(datetime.fromisoformat(text))

    @classmethod
    def of(cls, moment: datetime) -> "Instant":
        """The instant of an aware datetime, floored to ms; raises ValueError for a naive one."""
        if moment.tzinfo is None:
            raise ValueError("has no offset from UTC")
        return cls((moment - _EPOCH) // timedelta(milliseconds=1))

    @property
    def text(self) -> str:
        """ISO 8601 in UTC, with milliseconds only where there are any: "2014-06-28T02:00:00Z"."""
        moment = _EPOCH + timedelta(milliseconds=int(self))
        precision = "milliseconds" if int(self) % SECOND else "seconds"
        return moment.isoformat(timespec=precision).replace("+00:00", "Z")

    def __repr__(self) -> str:
        return f"Instant({self.text!r})"

    def __str__(self) -> str:
        return int.__repr__(self)
