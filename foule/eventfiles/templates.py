"""A column of a recorded file, or a text that joins several: "cell", "{lac}-{ci}", "F-{id}"."""

import re
from collections.abc import Mapping, Sequence

_COLUMN = re.compile(r"\{([^{}]+)\}")

Column = Sequence[object]


class Template:
    """What the settings say about where a field comes from.

    Without braces it names a column; with braces, each name in them stands for the text of that column and
    the rest is taken as it is. A row in which one of the columns is empty has no such field.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        parts = _COLUMN.split(text)
        self.columns: tuple[str, ...] = tuple(parts[1::2]) or (text,)
        self.plain = len(parts) == 1
        self._format = "%s".join(literal.replace("%", "%%") for literal in parts[0::2])

    def of(self, columns: Mapping[str, Column]) -> list[object]:
        """The field of each row: a plain column as it is, a joined one as text; None where it is empty.

        In a joined text, anything but text and numbers (JSON Lines has such values) counts as empty.
        """
        if self.plain:
            return [None if value == "" else value for value in columns[self.text]]
        rows = zip(*(columns[name] for name in self.columns), strict=True)
        return [self._format % row if all(map(_is_text, row)) else None for row in rows]


def _is_text(value: object) -> bool:
    return value != "" and isinstance(value, (str, int, float)) and not isinstance(value, bool)
