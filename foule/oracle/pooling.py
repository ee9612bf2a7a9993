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
    segments: Mapping[str, Group],
    number: Callable[[Group, str], int | None],
    again: Callable[[Group, Group, str], bool],
    classes: Iterable[str] = CLASSES,
) -> dict[str, Pool]:
    """What may be published of the segments of one whole, which part its devices, by name.

    ``number``: what would be published of a group under a name, None where nothing may be; ``classes``: none where
    segments are not origins. The segments that may not be published are put together: first those of a class, under its
    name; then all that are left, also those of a class that together may not be, under :data:`OTHER`. While these may
    not be published, also if there is nobody, the smallest of the published ones, by its published number, then by
    name, joins them. So every device is in a published one, or none is.

    ``again``: whether a group may also be published with another error, that of a second group under a name. A segment
    of a class, and the class, must pass with that of all devices of the class under its name.
    """
    of_class = {name: {member for member in segments if member.startswith(f"{name}:")} for name in classes}

    def passing(members: Iterable[str], name: str, class_name: str | None = None) -> int | None:
        group = _of(segments, members)
        if class_name is not None and not again(group, _of(segments, of_class[class_name]), class_name):
            return None
        return number(group, name)

    published: dict[str, Pool] = {}
    left: set[str] = set()
    for name in segments:
        class_name = next((each for each, members in of_class.items() if name in members), None)
        people = passing([name], name, class_name)
        if people is None:
            left.add(name)
        else:
            published[name] = Pool(people, frozenset([name]))
    for name, whole in of_class.items():
        members = frozenset(whole & left)
        people = passing(members, name, name)
        if people is not None:
            published[name] = Pool(people, members)
            left -= members
    while True:
        people = passing(left, OTHER)
        if people is not None:
            return published | {OTHER: Pool(people, frozenset(left))}
        if not published:
            return {}
        smallest = min(published, key=lambda name: (published[name].people, name))
        left |= published.pop(smallest).members


def _of(segments: Mapping[str, Group], members: Iterable[str]) -> Group:
    return together(segments[name] for name in members)
