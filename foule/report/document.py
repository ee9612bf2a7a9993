"""What the report is made of: headings, paragraphs, lists, tables and drawings, before it is Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Code(NamedTuple):
    """Text to be shown as it is written in a file: a setting, a key, a topic."""

    text: str


#: A line of text: plain pieces, and pieces of code.
Text = tuple[str | Code, ...]


class Heading(NamedTuple):
    """``level``: 2 for a section, 3 for a part of one."""

    level: int
    text: Text


class Paragraph(NamedTuple):
    """Some sentences."""

    text: Text


class Warned(NamedTuple):
    """Some sentences that must not be overlooked."""

    text: Text


class Listing(NamedTuple):
    """Points in no order."""

    items: tuple[Text, ...]


class Table(NamedTuple):
    """Rows of as many cells as ``head`` has."""

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]


class Drawing(NamedTuple):
    """Lines of characters of one width."""

    lines: tuple[str, ...]


Block = Heading | Paragraph | Warned | Listing | Table | Drawing


class Document(NamedTuple):
    """A title and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


def plain(text: object) -> Text:
    """Text without code."""
    return (str(text),)


def code(text: object) -> Text:
    """Text that is all code."""
    return (Code(str(text)),)


def say(template: str, /, **values: object) -> Text:
    """Text with code in backticks and ``values``, which may be texts themselves, in braces.

    What the values hold is never read as backticks or braces.
    """
    pieces: list[str | Code] = []
    for at, part in enumerate(template.split("`")):
        if at % 2:
            pieces.append(Code(re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), part)))
            continue
        for where, piece in enumerate(re.split(r"\{(\w+)\}", part)):
            value = values[piece] if where % 2 else piece
            pieces += value if isinstance(value, tuple) else [str(value)]
    return tuple(piece for piece in pieces if piece)


def joined(texts: Iterable[Text], between: str = ", ") -> Text:
    """The texts in a row; "none" if there is none."""
    pieces: list[str | Code] = []
    for text in texts:
        pieces += [between, *text] if pieces else text
    return tuple(pieces) or ("none",)


def table(head: Sequence[str], rows: Iterable[Sequence[Text]]) -> Table:
    """A table; raises ``ValueError`` for a row of another length than ``head``."""
    made = tuple(tuple(row) for row in rows)
    if any(len(row) != len(head) for row in made):
        raise ValueError(f"a row of the table {head} has another number of cells")
    return Table(tuple(head), made)


def listing(items: Iterable[Text]) -> Listing:
    """A list of points."""
    return Listing(tuple(items))


def printable(text: str) -> str:
    """The text on one line, without characters that cannot be printed."""
    return "".join(each if each.isprintable() else " " for each in text)
