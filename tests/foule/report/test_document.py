"""Texts keep code and values apart from prose, whatever they hold; both formats show them and read none as markup."""

import pytest

from foule.report import html, markdown
from foule.report.document import (
    Code,
    Document,
    Drawing,
    Heading,
    Listing,
    Paragraph,
    Warned,
    code,
    joined,
    listing,
    plain,
    say,
    table,
)
from tests.foule.report.reading import addresses_of, of_html, of_markdown, tags_of

HOSTILE = "a|b `c` *d* <script>e</script> _f_ [g](h) {i} \\ & \n# j"
SHOWN = HOSTILE.replace("\n", " ")


def test_what_stands_in_backticks_is_code_and_values_are_put_in() -> None:
    assert say("Set `topics.{key}` to {value}.", key="events", value=code("x")) == (
        "Set ",
        Code("topics.events"),
        " to ",
        Code("x"),
        ".",
    )


def test_values_are_not_read_as_backticks_or_braces() -> None:
    assert say("{one} and `{two}`", one="`{two}`", two="{one}") == ("`{two}`", " and ", Code("{one}"))


def test_a_row_of_texts_is_joined_and_an_empty_one_is_none() -> None:
    assert joined([code("a"), plain("b")]) == (Code("a"), ", ", "b")
    assert joined([]) == ("none",)


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="number of cells"):
        table(("a", "b"), [(plain("1"),)])


DOCUMENT = Document(
    HOSTILE,
    (
        Heading(2, plain(HOSTILE)),
        Paragraph((HOSTILE, Code(HOSTILE))),
        Warned(plain(HOSTILE)),
        Listing((plain(HOSTILE), code(HOSTILE))),
        table(("h|", "<i>"), [(plain(HOSTILE), code(HOSTILE)), (code("``x`"), code("`"))]),
        Drawing(("```", "<b> | v")),
    ),
)
TEXTS = [
    (SHOWN,),
    (SHOWN,),
    (SHOWN + SHOWN,),
    (f"Warning. {SHOWN}",),
    (SHOWN,),
    (SHOWN,),
    ("h|", "<i>"),
    (SHOWN, SHOWN),
    ("``x`", "`"),
    ("```\n<b> | v",),
]


def test_a_page_shows_every_text_as_it_is() -> None:
    page = html.render(DOCUMENT)
    assert of_html(page) == TEXTS
    assert "script" not in tags_of(page)
    assert addresses_of(page) == []


def test_markdown_shows_every_text_as_it_is() -> None:
    text = markdown.render(DOCUMENT)
    assert of_markdown(text) == TEXTS


@pytest.mark.parametrize("opening", ["- a", "+ a", "1. a", "12) a", "# a", "=", "> a", "---", "~~~", "    a", "&lt;"])
def test_the_beginning_of_a_line_of_markdown_is_not_read_as_markup(opening: str) -> None:
    text = markdown.render(Document("t", (Paragraph(plain(opening)), listing([plain(opening)]))))
    assert of_markdown(text) == [("t",), (opening.strip(),), (opening.strip(),)]
