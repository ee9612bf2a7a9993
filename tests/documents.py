"""Reads the documents as the tests do: code blocks, tables, names in backticks, links."""

import re
from collections.abc import Iterator
from pathlib import Path

from config.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCUMENTS = (README, ROOT / "examples" / "README.md", *sorted((ROOT / "docs").glob("*.md")))

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTIONS = tuple(Settings.__struct_fields__)


def text_of(path: Path) -> str:
    """The text of a document."""
    return path.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language, in order."""
    return [body for found, body in _BLOCK.findall(text) if found == language]


def commands(text: str) -> list[str]:
    """The lines of all shell blocks."""
    return [line for block in blocks(text, "sh") for line in block.splitlines() if line.strip()]


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    body = text[text.index(f"\n{heading}\n") + len(heading) + 2 :]
    following = re.search(rf"^#{{1,{level}}} ", body, re.MULTILINE)
    return body[: following.start()] if following else body


def table(text: str, first_column: str) -> list[dict[str, str]]:
    """The rows of the table whose first column has this name."""
    lines = iter(text.splitlines())
    head = next(line for line in lines if line.startswith(f"| {first_column} |"))
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(_row(head), _row(line), strict=True)))
    return rows


def quoted(text: str) -> list[str]:
    """What stands in backticks within the text, code blocks left out."""
    return re.findall(r"`([^`\n]+)`", _BLOCK.sub("", text))


def links(text: str) -> Iterator[tuple[str, str]]:
    """Path and anchor of each link that does not lead to the web."""
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield path, anchor


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def settings_named(text: str) -> Iterator[tuple[str, str]]:
    """Section and key of each setting that the text names, such as ``time.lateness``."""
    for name in quoted(text):
        found = re.match(rf"({'|'.join(_SECTIONS)})\.(\w+)( = .*)?$", name)
        if found and not (ROOT / name).exists():
            yield found[1], found[2]


def _row(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
