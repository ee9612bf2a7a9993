"""Reads a rendered report back: the lines and table rows of Markdown and of HTML, as plain texts."""

from html.parser import HTMLParser

from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark").enable("table")


def of_markdown(text: str) -> list[tuple[str, ...]]:
    """What Markdown shows: each heading, paragraph, list item and drawing as one cell, each table row as its cells."""
    return of_html(_MARKDOWN.render(text))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self._row: list[str] | None = None
        self._open: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag == "tr":
            self._row = []
        elif tag in ("h1", "h2", "h3", "p", "li", "pre", "td", "th"):
            self._open = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr" and self._row is not None:
            self.found.append(tuple(self._row))
            self._row = None
        elif tag in ("h1", "h2", "h3", "p", "li", "pre", "td", "th") and self._open is not None:
            text = "".join(self._open).strip("\n")
            self._open = None
            if self._row is not None:
                self._row.append(text)
            else:
                self.found.append((text,))

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.append(data)


def of_html(text: str) -> list[tuple[str, ...]]:
    """The same of a page."""
    return _page(text).found


def tags_of(text: str) -> set[str]:
    """The elements of a page."""
    return _page(text).tags


def addresses_of(text: str) -> list[str]:
    """What a page would load or lead to."""
    return _page(text).addresses


def _page(text: str) -> _Page:
    page = _Page()
    page.feed(text)
    page.close()
    return page
