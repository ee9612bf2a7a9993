"""The report as one HTML page: no scripts, nothing from elsewhere, fit to be printed."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from foule.report.document import Block, Code, Document, Drawing, Heading, Listing, Paragraph, Table, Text, printable

_STYLE = """\
@page { size: A4; margin: 18mm 16mm; }
body { font: 11pt/1.45 Georgia, "Times New Roman", serif; color: #111; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem; }
h1, h2, h3 { font-family: Helvetica, Arial, sans-serif; line-height: 1.2; break-after: avoid; }
h1 { font-size: 1.8em; } h2 { font-size: 1.35em; margin-top: 2em; } h3 { font-size: 1.1em; margin-top: 1.5em; }
table { border-collapse: collapse; width: 100%; margin: 1em 0; font-size: 0.86em; }
th, td { border: 1px solid #999; padding: 0.3em 0.5em; text-align: left; vertical-align: top;
         overflow-wrap: anywhere; }
th { background: #eee; font-family: Helvetica, Arial, sans-serif; overflow-wrap: normal; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
code, pre { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 0.88em; }
pre { border: 1px solid #999; padding: 0.8em; white-space: pre-wrap; break-inside: avoid; }
.warned { border-left: 0.4em solid #b00; padding: 0.3em 0.8em; break-inside: avoid; }
@media print { body { font-size: 9.5pt; max-width: none; margin: 0; padding: 0; } }
"""


def render(document: Document) -> str:
    """The document as a page that needs nothing else; all of its texts are escaped."""
    title = escape(printable(document.title))
    head = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        f"<style>\n{_STYLE}</style>",
        "</head>",
        "<body>",
        f"<h1>{title}</h1>",
    ]
    body = [line for block in document.blocks for line in _lines(block)]
    return "\n".join([*head, *body, "</body>", "</html>"]) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, text):
            yield f"<h{level}>{_inline(text)}</h{level}>"
        case Paragraph(text):
            yield f"<p>{_inline(text)}</p>"
        case Listing(items):
            yield from ("<ul>", *(f"<li>{_inline(item)}</li>" for item in items), "</ul>")
        case Table(head, rows):
            yield f"<table>\n<thead><tr>{''.join(f'<th>{escape(printable(cell))}</th>' for cell in head)}</tr></thead>"
            yield "<tbody>"
            yield from (f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in row)}</tr>" for row in rows)
            yield "</tbody>\n</table>"
        case Drawing(lines):
            yield f"<pre>{escape(chr(10).join(map(printable, lines)))}</pre>"
        case _:
            yield f'<p class="warned"><strong>Warning.</strong> {_inline(block.text)}</p>'


def _inline(text: Text) -> str:
    return "".join(
        f"<code>{escape(printable(piece.text))}</code>" if isinstance(piece, Code) else escape(printable(piece))
        for piece in text
    )
