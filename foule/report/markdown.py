"""The report as Markdown (GitHub's, with tables)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from foule.report.document import Block, Code, Document, Drawing, Heading, Listing, Paragraph, Table, Text, printable

#: What would be read as markup within a line.
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&])")
#: What would be read as markup at the beginning of one.
_OPENING = re.compile(r"^([-+#=]|\d+[.)])")


def render(document: Document) -> str:
    """The document as Markdown; nothing in its texts is read as markup."""
    blocks = ["\n".join(_lines(block)) for block in document.blocks]
    return "\n\n".join([f"# {_escaped(document.title)}", *blocks]) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"{'#' * level} {_inline(text)}"
        case Paragraph(text):
            yield _begun(_inline(text))
        case Listing(items):
            yield from (f"- {_begun(_inline(item))}" for item in items)
        case Table(head, rows):
            yield f"| {' | '.join(map(_escaped, head))} |"
            yield f"|{' --- |' * len(head)}"
            yield from (f"| {' | '.join(_inline(cell, in_table=True) for cell in row)} |" for row in rows)
        case Drawing(lines):
            fence = "`" * max(3, 1 + max(map(_longest_run, lines), default=0))
            yield from (f"{fence}text", *map(printable, lines), fence)
        case _:
            yield f"> **Warning.** {_inline(block.text)}"


def _inline(text: Text, in_table: bool = False) -> str:
    return "".join(_code(piece.text, in_table) if isinstance(piece, Code) else _escaped(piece) for piece in text)


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", printable(text))


def _begun(line: str) -> str:
    return _OPENING.sub(lambda found: f"{found[1][:-1]}\\{found[1][-1]}", line.lstrip())


def _code(text: str, in_table: bool) -> str:
    """A code span; within a table a bar is escaped in it, too."""
    shown = printable(text) or " "
    if in_table:
        shown = shown.replace("|", r"\|")
    fence = "`" * (1 + _longest_run(shown))
    space = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
