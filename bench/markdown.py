"""Tables as Markdown writes them."""

from collections.abc import Iterable, Sequence


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A titled table; the first column is text, the others are numbers and stand to the right."""
    lines = [f"### {title}", "", _row(header), _row(["---", *["---:"] * (len(header) - 1)])]
    return "\n".join([*lines, *map(_row, rows), ""])


def people(number: float | None) -> str:
    """A number of people, "-" for none."""
    return "-" if number is None else f"{number:,.0f}"


def percent(share: float | None, signed: bool = False) -> str:
    """A share in percent, "-" for none."""
    if share is None:
        return "-"
    return f"{100 * share:+.1f} %" if signed else f"{100 * share:.1f} %"


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
