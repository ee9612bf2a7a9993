"""The tables of errors, and of what they do to counts."""

from __future__ import annotations

from typing import Final

from anonymizer.threshold import Threshold
from foule.report import noise
from foule.report.document import Table, plain, table

_MOST: Final = 41
_SHOWN: Final = 5


def chances(bound: int) -> Table:
    """All errors; of many, all of which are alike, the first and the last few."""
    known = noise.distribution(bound)
    few = known if len(known) <= _MOST else [*known[:_SHOWN], *known[-_SHOWN:]]
    rows = [
        (
            plain(f"{each.error:+d}" if each.error else "0"),
            plain(f"{each.chance} = {float(each.chance):.3%}"),
            plain(f"{float(each.within):.1%}"),
        )
        for each in few
    ]
    if len(few) < len(known):
        between = f"each of the {len(known) - len(few):,} numbers between"
        rows.insert(_SHOWN, (plain(between), rows[0][1], plain("less")))
    return table(("Error", "Probability", "Probability of an error of at most this size"), rows)


def effects(threshold: Threshold) -> Table:
    """What errors and threshold do to counts around the threshold, and to some others."""
    rows = []
    for effect in (noise.effect(count, threshold) for count in noise.counts_to_show(threshold)):
        if not effect.published:
            rows.append((plain(f"{effect.devices:,}"), plain("never"), *[plain("-")] * 4))
            continue
        rows.append(
            (
                plain(f"{effect.devices:,}"),
                plain("always" if effect.published == 1 else f"{effect.published} = {float(effect.published):.1%}"),
                plain(f"{effect.lowest:,} to {effect.highest:,}"),
                plain(f"{effect.mean:+.2f}" if effect.mean else "0"),
                plain(f"{effect.spread:.2f}"),
                plain(f"{effect.spread / effect.devices:.1%}"),
            )
        )
    head = ("Devices", "Published", "As", "Mean error if published", "Standard error (root mean square)", "Relative")
    return table(head, rows)
