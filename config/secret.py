"""A setting that must not be shown: a password, or an address that may hold one."""

import re
from typing import Final

MASK: Final = "***"

# Deliberately strict: what does not match as a whole is masked as a whole, so that a password with
# odd characters in it cannot be taken for a host name.
_REDIS_URL: Final = re.compile(
    r"(?P<scheme>rediss?://)(?P<login>[^@/]*@)?"
    r"(?P<place>(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[0-9]*)?)(?P<query>\?.*)?"
)
_SOCKET_URL: Final = re.compile(r"(?P<scheme>unix://)(?P<login>[^@/]*@)?(?P<place>/[^@?#]+)(?P<query>\?.*)?")


class Secret:
    """Text that shows itself masked everywhere; only :meth:`reveal` gives it.

    It is no ``str`` on purpose: it cannot be joined, logged or serialised by accident.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __str__(self) -> str:
        """The address without its login and query where it is one, else ``***`` (nothing if empty)."""
        if not self._text:
            return ""
        match = _REDIS_URL.fullmatch(self._text) or _SOCKET_URL.fullmatch(self._text)
        if match is None:
            return MASK
        login = f"{MASK}@" if match["login"] else ""
        query = f"?{MASK}" if match["query"] else ""
        return f"{match['scheme']}{login}{match['place']}{query}"

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)
