"""The partitions are those that any Kafka client chooses."""

from kafka.partitioner.default import murmur2

from foule.partitioner import Partitioner, by_partition


def test_a_key_goes_where_kafkas_default_partitioner_puts_it() -> None:
    # hashes of Kafka's own test of Utils.murmur2
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    found = Partitioner(1_000_003).of(list(known))
    assert found.tolist() == [(value & 0x7FFFFFFF) % 1_000_003 for value in known.values()]


def test_batches_and_repeats_change_nothing() -> None:
    keys = [b"%d" % (number % 700) for number in range(5000)]
    expected = [(murmur2(key) & 0x7FFFFFFF) % 12 for key in keys]
    partitioner = Partitioner(12)
    found = [part for start in range(0, 5000, 333) for part in partitioner.of(keys[start : start + 333]).tolist()]
    assert found == expected


def test_records_without_a_key_take_turns_by_their_number_however_they_are_cut() -> None:
    keys = [None, b"a", None, None, b"a", None]
    whole = Partitioner(4).of(keys).tolist()
    cut = Partitioner(4)
    assert cut.of(keys[:2]).tolist() + cut.of([]).tolist() + cut.of(keys[2:]).tolist() == whole
    assert [whole[row] for row in (0, 2, 3, 5)] == [0, 2, 3, 1]


def test_what_is_remembered_of_keys_is_bounded() -> None:
    partitioner = Partitioner(4)
    for start in range(0, 600_000, 100_000):
        partitioner.of([b"%d" % number for number in range(start, start + 100_000)])
    assert len(partitioner._known) < 400_000


def test_rows_of_a_partition_stay_in_order() -> None:
    partitions = Partitioner(3).of([None] * 7)
    assert [(number, rows.tolist()) for number, rows in by_partition(partitions)] == [
        (0, [0, 3, 6]),
        (1, [1, 4]),
        (2, [2, 5]),
    ]
    assert list(by_partition(Partitioner(3).of([]))) == []
