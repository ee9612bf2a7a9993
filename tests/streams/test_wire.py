"""What goes on the log comes back the same, and what somebody else wrote there is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from config.errors import ContractError
from indicators.counts import Counts, Tally
from streams.watermark import BEGINNING
from streams.wire import (
    Advance,
    Bookmark,
    Claim,
    Decision,
    Message,
    ReleaseClaim,
    Seal,
    TallyPart,
    decode,
    decode_advance,
    encode,
    encode_advance,
    parts_of,
)


def counts(cells: int, first: int = 0) -> Counts:
    where = np.arange(first, first + cells, dtype=np.int64)
    return Counts(where, where % 1000 + 1)


@pytest.mark.parametrize(
    "message",
    [
        TallyPart("settings", 77, 3, 1, 300_000, 10, 310, "flows", 2, b"\x01" * 8, b"\x02" * 4),
        Seal("settings", 0, 0, BEGINNING, 0, True, BEGINNING),
        Seal("settings", 1 << 40, 9, 1_403_949_600_000, 1 << 40, False, 1_403_949_000_000),
        Decision("settings", 5, 1, 300_000, 10, 310, b"window"),
        Claim("settings", 3, 77),
        ReleaseClaim("settings"),
        Bookmark("settings", 5, 40, [(0, 77), (None, 5)], [(0, 300_000, 310), (1, 86_400_000, 5)], [178, 179]),
        Bookmark("settings", 0, 0, [], [], []),
    ],
)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    again = decode(encode(message))
    assert type(again) is type(message)
    assert again == message


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\x80", encode_advance(Advance(1, 2)), encode(Seal("s", 0, 0, 1, 2, True, 0))[:-1]]
)
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(ContractError, match=r"a record of the tallies topic cannot be read .*who else writes there"):
        decode(data)


def test_an_advance_is_plain_json() -> None:
    assert encode_advance(Advance(7, 1_403_949_600_000, 9)) == b'{"next":7,"watermark":1403949600000,"token":9}'
    assert decode_advance(b' {"watermark": -5, "next": 7, "by": "hand"}') == Advance(7, -5)


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"null", b'{"next":1}', b'{"next":1.5,"watermark":2}', b'{"next":"1","watermark":2}']
)
def test_bytes_that_are_no_advance_are_refused(data: bytes) -> None:
    with pytest.raises(
        ContractError, match=r'an advance cannot be read .*expected \{"next": OFFSET, "watermark": MS\}'
    ):
        decode_advance(data)


def test_a_tally_of_any_size_comes_back_from_parts_below_a_megabyte() -> None:
    held = {
        "presence": counts(10),
        "flows": counts(123_456, 1 << 33),
        "vanished": counts(50_000),
        "arrivals": counts(1),
        "departures": counts(50_001),
    }
    tally = Tally(2, 300_000, 1000, 301_000, held)
    parts = [decode(encode(part)) for part in parts_of(tally, 5, "settings", 77)]
    back: dict[str, list[Counts]] = {}
    for part in parts:
        assert isinstance(part, TallyPart)
        assert (part.settings, part.token, part.shard, part.layer, part.width, part.start, part.end) == (
            "settings", 77, 5, 2, 300_000, 1000, 301_000,
        )  # fmt: skip
        assert len(encode(part)) < 1_000_000
        assert part.part == len(back.setdefault(part.indicator, []))
        back[part.indicator].append(part.values())
    assert {name: len(found) for name, found in back.items()} == {
        "presence": 1,
        "flows": 3,
        "vanished": 1,
        "arrivals": 1,
        "departures": 2,
    }
    for name, found in back.items():
        assert np.array_equal(np.concatenate([one.cells for one in found]), held[name].cells)
        assert np.array_equal(np.concatenate([one.counts for one in found]), held[name].counts)


def test_a_tally_of_nobody_has_no_parts() -> None:
    assert list(parts_of(Tally(0, 1, 0, 1, {}), 0, "s", 0)) == []
