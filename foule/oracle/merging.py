"""Bins in their order, as lengths of stay: put together in runs until each may be published."""

from collections.abc import Callable, Mapping

from foule.oracle.bins import Bins
from foule.oracle.rules import Group, together

Run = tuple[int, int]
"""The first and the last of its bins, by place."""


def merged(
    bins: Bins,
    groups: Mapping[str, Group],
    number: Callable[[Group, str], int | None],
    again: Callable[[Group, Group, str], bool],
) -> dict[Run, int]:
    """What may be published of the bins of one whole, which part its devices, by run.

    ``groups``: by the name of a bin, what is absent being empty; ``number``: what would be published of a group under
    the name of a run, None where nothing may be. A bin after the other joins a run until that may be published, and the
    next run begins. Bins that are left at the end join the last run, also if nobody is in them; and while that may not
    be published under its new name, the run before joins it. So every bin is in a run, or nothing is published.

    ``again``: whether a group may also be published with another error, that of a second group under a name. A run must
    pass with that of all devices under the name of the bins from its first to the last.
    """
    names, last = bins.names, len(bins.lows) - 1
    everybody = together(groups.values())

    def people(first: int, until: int) -> int | None:
        whole = together(groups[name] for name in names[first : until + 1] if name in groups)
        return number(whole, bins.run(first, until)) if again(whole, everybody, bins.run(first, last)) else None

    found: dict[Run, int] = {}
    first = 0
    for at in range(last + 1):
        passing = people(first, at)
        if passing is not None:
            found[first, at] = passing
            first = at + 1
    while first <= last and found:
        run = max(found)
        del found[run]
        passing = people(run[0], last)
        if passing is not None:
            return found | {(run[0], last): passing}
    return found
