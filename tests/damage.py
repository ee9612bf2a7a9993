"""Damaged records: values that must be rejected, each with its reason where it is known by construction."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

NOON = 1_403_949_600_000
"""Saturday 28 June 2014, 12:00 in Paris."""


class Damaged(NamedTuple):
    """The value of a record that is never good; ``reason`` is None where only that much is sure."""

    value: bytes | None
    reason: str | None


def fuzz(seed: int, n: int, *, cell: str = "c0", ts: int = NOON) -> Iterator[Damaged]:
    """Give ``n`` damaged values, the same for the same seed; one in 10,000 is of 100 kB to 1 MB.

    They are damaged for the default field names. ``cell`` is one that the catalogue knows, so that most would
    be good but for their damage; no catalogue may know cells whose names begin with ``fuzz-``. ``ts`` must be
    in bounds and not ahead of the Kafka timestamp, if the reason of an unknown cell is to be as told.
    """
    random, good = Random(seed), _good(cell, ts)
    singles = [Damaged(value, reason) for reason, values in _constants(good).items() for value in values]
    sequences = [[Damaged(value, "malformed") for value in values] for values in crafted(good)]
    left = n
    while left > 0:
        draw = random.random()
        if draw < 0.15:
            made = [random.choice(singles)]
        elif draw < 0.25:
            made = random.choice(sequences)
        elif draw < 0.2501:
            made = [random.choice(_LARGE)(random, good)]
        else:
            made = [random.choice(_MAKERS)(random, good)]
        yield from made[:left]
        left -= len(made)


def crafted(good: bytes) -> list[list[bytes]]:
    """Runs of malformed values which, joined by commas or lines, look like as many good objects."""
    opened = good[:-1]
    return [
        [b'{"a":[{}', b"{}]}"],
        [b'{"x":"', b'"}'],
        [b'{"x":"', b'"},' + good],
        [b'{"a":[{}', b"{}]}," + good],
        [good + b',{"a":[1', b"2]}"],
        [good + b"," + good + b',{"a":[1', b"2", b"3]}"],
        [opened + b',"x":[{}', b"{}]}," + good],
        [opened, b'"x":1}'],
        [opened + b',"x":"', b'"},' + good],
        [b'{"x":"', b'",' + good[1:] + b"," + good],
        [good + b"],[" + good],
        [b"[" + good, good + b"]"],
        [good + b"\n" + good, b""],
        [good + b"," + good, b""],
        [opened + b"\n", b',"x":1}\n' + good],
        [good + b",", b","],
        [b'{"x":"\\', b'"},' + good + b',{"y":"z"}', b'{"x":"\\"'],
    ]


def _good(cell: str, ts: int) -> bytes:
    fields = {"ts": ts, "subscriber": "fuzz-subscriber", "cell": cell, "mcc": 208, "rat": "4G"}
    return json.dumps(fields, separators=(",", ":")).encode()


def _constants(good: bytes) -> dict[str, list[bytes | None]]:
    ts = b'"ts":%d' % json.loads(good)["ts"]
    return {
        "malformed": [
            None, b"", b" ", b"\n", b"\x00", b"null", b"true", b"0", b'""', b"[]", b"[{}]",
            b"{", b"}", b"{}{}", b"{,}",
            b"NaN", b"Infinity", b"'", b"{'ts':1}", b'{"ts"}', b'{"ts":}', b'{"ts":01}', b'{"ts":+1}',
            b'{"ts":1,}', b'{"ts":.5}', b'{"ts":0x10}', b'{"ts":1.}', b'{"ts":-}', b'{1:2}', b'{"x":"\t"}',
            b'{"x":"\\x41"}', b'{"x":"\\u12"}', b'{"x":nul}', b'{"x":True}', b"\xef\xbb\xbf" + good,
            b"\xff\xfe" + good, good.decode().encode("utf-16"), good + b"\x00", good + b",", good + b"//",
            b"[" + good + b"]", good + good, good + b" " + good, good + b"\n" + good, good[1:], good[:-1],
        ],
        "missing_field": [
            b"{}", b" {} ", b'{"":0}', b'{"TS":1,"Subscriber":"a","Cell":"b"}', b'{"event":%s}' % good,
            good.replace(b'"ts"', b'"Ts"'), good.replace(b'"cell"', b'"cells"'),
            good[:-1] + b',"ts":null}', good[:-1] + b',"subscriber":null}', good[:-1] + b',"cell":""}',
            good[:-1] + b',"subscriber":""}', good[:-1] + b',"cell":null,"lat":46.1}',
        ],
        "bad_time": [
            good.replace(ts, b'"ts":' + text)
            for text in (
                b"-1", b'""', b'"28/06/2014"', b'"08:31.0"', b"253402300800000", b"9223372036854775807",
                b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1" + b"0" * 30,
                b"-" + b"9" * 400, b"7" * 4_300,
            )
        ],
    }  # fmt: skip


_WRONG_TYPES: dict[bytes, list[bytes]] = {
    b"ts": [
        b"1.5",
        b"1e12",
        b"1403949600000.0",
        b"1E400",
        b"true",
        b"false",
        b"[]",
        b"{}",
        b"[1]",
        b"NaN",
        b"-Infinity",
        b"7" * 4_301,
    ],
    b"subscriber": [
        b"1.5",
        b"1e3",
        b"true",
        b"[]",
        b'{"id":1}',
        b'["a"]',
        b"NaN",
        b'"\\ud800"',
        b'"a\\udfff"',
    ],
    b"cell": [b"1.5", b"-2e0", b"false", b"[]", b"{}", b"Infinity", b'"\\udbff-1"'],
    b"lat": [b'"46"', b"true", b"[]", b"{}", b"90.000001", b"-91", b"1e999", b"-1e400", b"NaN", b"9" * 400],
    b"lon": [b'"-1"', b"false", b"[]", b"{}", b"180.5", b"-181", b"1e999", b"Infinity", b"1" + b"0" * 5_000],
    b"mcc": [b"208.0", b"true", b"[]", b"{}"],
    b"home": [b"17.5", b"false", b"[17]", b'{"area":17}'],
    b"rat": [b"4", b"4.5", b"true", b"[]", b"{}", b'"\\udc00"'],
}


def _wrong_type(random: Random, good: bytes) -> Damaged:
    """A mapped field that has, in one of its places, a value of a wrong type."""
    name = random.choice(list(_WRONG_TYPES))
    pair = b'"%s":%s' % (name, random.choice(_WRONG_TYPES[name]))
    if random.random() < 0.5 and name not in (b"lat", b"lon"):
        return Damaged(b"{" + pair + b"," + good[1:], "malformed")  # the good value comes last
    return Damaged(good[:-1] + b"," + pair + b"}", "malformed")


def _nan(random: Random, good: bytes) -> Damaged:
    literal = random.choice([b"NaN", b"Infinity", b"-Infinity", b"[1,NaN]", b'{"y":-Infinity}'])
    return Damaged(good[:-1] + b',"x":' + literal + b"}", "malformed")


def _cut_short(random: Random, good: bytes) -> Damaged:
    return Damaged(good[: random.randrange(1, len(good))], "malformed")


def _not_utf8(random: Random, good: bytes) -> Damaged:
    """Bytes that are no UTF-8 in a mapped text, in one that is not mapped, or in a key."""
    bad = random.choice([b"\xff", b"\xe9", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80"])
    templates = [b',"home":"%s"}', b',"x":"%s"}', b',"%s":0}', b',"x":["a%sb"]}']
    return Damaged(good[:-1] + random.choice(templates) % bad, "malformed")


def _control_character(random: Random, good: bytes) -> Damaged:
    return Damaged(good[:-1] + b',"x":"%c"}' % random.randrange(32), "malformed")


def _noise(random: Random, good: bytes) -> Damaged:
    first = random.choice([b"\x80", b"\xff", b"\x00", b"a", b"]"])
    return Damaged(first + random.randbytes(random.randrange(200)), "malformed")


def _bad_time(random: Random, good: bytes) -> Damaged:
    ts = random.choice(
        [
            -random.randrange(1, 10**15),
            253_402_300_800_000 + random.randrange(10**15),
            10 ** random.randrange(15, 60),
        ]
    )
    return Damaged(good[:-1] + b',"ts":%d}' % ts, "bad_time")


def _bad_time_as_text(random: Random, good: bytes) -> Damaged:
    return Damaged(good[:-1] + b',"ts":"%02d:%02d.%d"}' % tuple(random.choices(range(60), k=3)), "bad_time")


def _missing_field(random: Random, good: bytes) -> Damaged:
    fields = json.loads(good)
    for name in random.sample(["ts", "subscriber", "cell"], k=random.randrange(1, 4)):
        if random.random() < 0.5:
            del fields[name]
        else:
            fields[name] = None
    return Damaged(json.dumps(fields).encode(), "missing_field")


def _unknown_cell(random: Random, good: bytes) -> Damaged:
    cell = b',"cell":"fuzz-%d"' % random.randrange(10**6)
    point = random.choice([b"", b',"lat":46.1,"lon":-1.1', b',"lat":null', b',"lat":90,"lon":-180'])
    return Damaged(good[:-1] + cell + point + b"}", "unknown_cell")


def _struck(random: Random, good: bytes) -> Damaged:
    """A record of an unknown cell with a few bytes changed, so that luck cannot make it good."""
    value = bytearray(json.dumps(json.loads(good) | {"cell": "fuzz-struck"}).encode())
    for _ in range(random.randrange(1, 6)):
        value[random.randrange(len(value))] = random.randrange(256)
    return Damaged(bytes(value), None)


def _nested(random: Random, good: bytes) -> Damaged:
    """Deeper than any reader follows: alone, in a field that is mapped or not; open or closed."""
    opening, closing = random.choice([(b"[", b"]"), (b'{"x":', b"}")])
    deep = opening * 100_000 + b"0" + closing * random.choice([0, 100_000])
    return Damaged(random.choice([b"%s", good[:-1] + b',"x":%s}', good[:-1] + b',"home":%s}']) % deep, "malformed")


def _megabyte_of_nothing(random: Random, good: bytes) -> Damaged:
    return Damaged(good[:-1] + b',"x":"' + b"x" * 1_000_000, "malformed")


def _megabyte_of_noise(random: Random, good: bytes) -> Damaged:
    return Damaged(b"\xfe" + random.randbytes(1_000_000), "malformed")


def _megabyte_without_subscriber(random: Random, good: bytes) -> Damaged:
    return Damaged(good[:-1] + b',"subscriber":"","x":[' + b"0," * 500_000 + b"0]}", "missing_field")


def _megabyte_of_time(random: Random, good: bytes) -> Damaged:
    return Damaged(good[:-1] + b',"ts":' + b"1" * 1_000_000 + b"}", "malformed")


def _megabyte_of_cell(random: Random, good: bytes) -> Damaged:
    return Damaged(good[:-1] + b',"cell":"fuzz-' + b"0" * 1_000_000 + b'"}', "unknown_cell")


Maker = Callable[[Random, bytes], Damaged]

_MAKERS: list[Maker] = [
    _wrong_type,
    _wrong_type,
    _nan,
    _cut_short,
    _not_utf8,
    _control_character,
    _noise,
    _bad_time,
]
_MAKERS += [_bad_time_as_text, _missing_field, _unknown_cell, _struck]
_LARGE: list[Maker] = [
    _nested,
    _megabyte_of_nothing,
    _megabyte_of_noise,
    _megabyte_without_subscriber,
    _megabyte_of_time,
    _megabyte_of_cell,
]
