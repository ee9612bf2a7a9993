"""The script that replaces a window in Redis (replace_window.lua): a publication as one call of it, and its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from importlib.resources import files
from typing import Final

import msgspec

from anonymizer.gate import Publication, ReleasedWindow
from config.errors import ZonesError
from config.sections import RedisSettings
from indicators.calendar import DAY_MS, Window, width_of_label
from indicators.cells import OF_PAIRS, PARTED
from sinks.contract import (
    HEADER,
    LIVE_WINDOWS,
    field_of,
    header_of,
    indicator_key,
    live_key,
    occupancy_key,
    series_key,
    window_key,
    zone_value,
)
from sinks.values import Values

_SOURCE: Final = files("sinks").joinpath("replace_window.lua").read_text(encoding="utf-8")
_CHUNK: Final = 1000  # items; Lua unpacks a chunk onto its stack, which holds 8,000 values
#: The indicators that have a hash of their own.
_HASHES: Final = (*OF_PAIRS, *PARTED)
_WITHDRAW: Final = "withdraw"

#: A command for Redis: its name and arguments.
Command = list[str | bytes | int]


class Outcome(StrEnum):
    """What became of a publication in Redis."""

    PLACED = "placed"  #: the window's numbers are in place, and announced
    EMPTY = "empty"  #: nothing of the window may be published: it has no key, and no announcement
    REPEATED = "repeated"  #: it was in place already with this version; nothing changed
    REFUSED = "refused"  #: a newer version of the window is in place; nothing changed


class Script:
    """Makes the calls.

    ``values``: what readers get of the numbers; ``day_of``: the local day that holds an instant (UTC ms), if the
    occupancy of days is kept.
    """

    def __init__(self, settings: RedisSettings, values: Values, day_of: Callable[[int], Window] | None) -> None:
        self._settings = settings
        self._values = values
        self._day_of = day_of

    def call(self, publication: Publication, withdrawn: Sequence[str]) -> Command:
        """The call that puts a publication in place of what there is of its window. All its keys are in one slot.

        ``withdrawn``: zones that are in the window's hash and not in the publication, as :func:`answered` says them.
        Raises :class:`ZonesError` for a zone id that the contract cannot hold.
        """
        window = publication.window
        layer, width, start = window.layer, window.width, window.start
        if HEADER in window.zones:
            raise ZonesError(
                f"layer {layer}: a zone has the id {HEADER!r}, which readers take for a window's header; "
                "give it another id in the file of the zones"
            )
        day = Window(DAY_MS, start, window.end) if self._day_of is None else self._day_of(start)
        series = [series_key(layer, width, zone) for zone in (*window.zones, *withdrawn)]
        parts = [indicator_key(layer, name, width, start) for name in _HASHES]
        keys = [window_key(layer, width, start), live_key(layer), occupancy_key(layer, day.start), *parts, *series]
        live_ttl = LIVE_WINDOWS * width_of_label(width) if publication.shortest else 0
        limits = (int(self._settings.window_ttl), live_ttl, self._settings.series_length)
        counted = (self._counts_to_occupancy(publication), day.start, day.end)
        zones, fields = list(self._zone_chunks(window)), list(self._field_chunks(window))
        arguments = (header_of(publication), publication.version, start, *limits, msgspec.msgpack.encode(withdrawn))
        return ["EVAL", _SOURCE, len(keys), *keys, *arguments, *counted, len(parts), len(zones), *zones, *fields]

    def _counts_to_occupancy(self, publication: Publication) -> str:
        """What the window is for the occupancy of its day: a part of the curve, the day itself, or nothing."""
        if self._day_of is None:
            return ""
        if width_of_label(publication.window.width) == DAY_MS:
            return "day"
        return "part" if publication.shortest else ""

    def _zone_chunks(self, window: ReleasedWindow) -> Iterator[bytes]:
        """The zones of a window: id, value, and the fields of an entry of its series."""
        zones = [
            (
                zone,
                zone_value(self._values.zone(window, zone)).decode(),
                [item for name, n in numbers.items() for item in (name, str(n))],
            )
            for zone, numbers in window.zones.items()
        ]
        for first in range(0, len(zones), _CHUNK):
            yield msgspec.msgpack.encode(zones[first : first + _CHUNK])

    def _field_chunks(self, window: ReleasedWindow) -> Iterator[bytes]:
        """The fields of the hashes of indicators: the number of the hash, then its fields and their values."""
        for number, name in enumerate(_HASHES, 1):
            fields = [(field_of(pair), str(people)) for pair, people in window.pairs.get(name, {}).items()]
            for cell in window.parts.get(name, ()):
                value = zone_value(self._values.segments(window, name, cell)).decode()
                fields.append((field_of(cell), value))
            for first in range(0, len(fields), _CHUNK):
                items = [item for field in fields[first : first + _CHUNK] for item in field]
                yield msgspec.msgpack.encode([number, *items])


def answered(answer: Sequence[bytes]) -> Outcome | tuple[str, ...]:
    """What an answer of the script says: the outcome, or the zones to be named as withdrawn in another call, since an
    older version has published them and their series must be among the keys."""
    status, *zones = [text.decode() for text in answer]
    return tuple(zones) if status == _WITHDRAW else Outcome(status)
