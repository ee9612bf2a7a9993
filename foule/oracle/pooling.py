"""The segments of a whole, such as the origins of those in a zone: which are published, and which as one."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from foule.oracle.rules import Group, together

OTHER = "other"
CLASSES = ("national", "foreign")
"""Names of segments such as "foreign:DE" begin with that of their class. "local" is of none."""


class Pool(NamedTuple):
    """The published number of some segments together."""

    people: int
    members: frozenset[str]


def pooled(
    segments: Mapping[str, Group], number: Callable[[Group, str], int | None], classes: Iterable[str] = CLASSES
) -> dict[str, Pool]:
    """What may be published of the segments of one whole, which part its devices, by name.

    ``number``: what would be published of a group under a name, None where nothing may be; ``classes``: none where
    segments are not origins. The segments that may not be
    published are put together: first those of a class, under its name; then all that are left, also those of a class
    that together may not be, under :data:`OTHER`. While these may not be published, also if there is nobody, the
    smallest of the published ones, by its published number, then by name, joins them. So every device is in a
    published one, or none is.
    """
    published: dict[str, Pool] = {}
    left: set[str] = set()
    for name, group in segments.items():
        people = number(group, name)
        if people is None:
            left.add(name)
        else:
            published[name] = Pool(people, frozenset([name]))
    for name in classes:
        members = frozenset(member for member in left if member.startswith(f"{name}:"))
        people = number(_of(segments, members), name)
        if people is not None:
            published[name] = Pool(people, members)
            left -= members
    while True:
        people = number(_of(segments, left), OTHER)
        if people is not None:
            return published | {OTHER: Pool(people, frozenset(left))}
        if not published:
            return {}
        smallest = min(published, key=lambda name: (published[name].people, name))
        left |= published.pop(smallest).members


def _of(segments: Mapping[str, Group], members: Iterable[str]) -> Group:
    return together(segments[name] for name in members)
