"""Which records are late, what an advance does, and which windows are complete (docs/indicators.md)."""

from typing import Any

import pytest

from foule.oracle.oracle import Record, final_advances, run
from foule.oracle.parameters import DAY, HOUR, MINUTE, SECOND
from tests.oracle.cases import DAY_END, TEN, cells, count, event, locate, log, settings


def watermark(*records: Record, **changes: Any) -> int | None:
    return run(settings(**changes), {0: records}, {}, locate).watermarks[0]


def test_the_watermark_is_the_latest_accepted_time_less_the_lateness_floored_to_a_second() -> None:
    assert watermark(Record(0, -1, event(1_999))) == TEN + 1_000 - 2 * MINUTE
    assert watermark(Record(0, -1, event(1_999)), lateness=500) == TEN + 1_000
    assert watermark(Record(0, -1, event(2_500)), lateness=500) == TEN + 2_000
    assert watermark(Record(0, -1, event(5_000)), Record(1, -1, event(0))) == TEN + 5_000 - 2 * MINUTE


def test_a_fast_clock_advances_the_watermark_to_the_kafka_timestamp_only() -> None:
    assert watermark(Record(0, TEN, event(4 * MINUTE))) == TEN - 2 * MINUTE
    assert watermark(Record(0, TEN + HOUR, event(0))) == TEN - 2 * MINUTE


def test_rejected_records_do_not_advance_the_watermark() -> None:
    assert watermark(Record(0, -1, event(0, cell="?")), Record(1, -1, None)) is None
    assert watermark(Record(0, TEN, event(0)), Record(1, TEN, event(HOUR))) == TEN - 2 * MINUTE


def test_a_record_at_the_watermark_is_late_and_one_above_it_is_not() -> None:
    result = run(
        settings(),
        {0: log(event(2 * MINUTE), event(0), event(1), event(2 * MINUTE + SECOND), event(2), event(SECOND + 1))},
        {},
        locate,
    )
    assert list(result.verdicts.values()) == ["accepted", "late", "accepted", "accepted", "late", "accepted"]


def test_a_late_record_changes_nothing() -> None:
    values = [event(0), event(HOUR, "b"), event(MINUTE, "c"), event(MINUTE, "a", "port-1")]
    with_late, without = count(*values), count(*values[:2])
    assert with_late.late == 2
    assert with_late.tallies == without.tallies


def test_the_next_record_is_judged_by_the_watermark_before_it_not_by_its_own_time() -> None:
    # The first record of a shard is never late, and a record is not late by what it brings itself.
    result = run(settings(lateness=0), {0: log(event(0), event(SECOND), event(SECOND))}, {}, locate)
    assert list(result.verdicts.values()) == ["accepted", "accepted", "late"]


def test_shards_have_watermarks_of_their_own() -> None:
    result = run(settings(), {0: log(event(HOUR)), 1: log(event(0, "b")), 2: []}, {}, locate)
    assert result.watermarks == {0: TEN + HOUR - 2 * MINUTE, 1: TEN - 2 * MINUTE, 2: None}
    assert result.late == 0


# --- 4: frontier


def test_an_advance_applies_before_the_record_at_its_offset() -> None:
    logs = {0: log(event(0), event(10, "b"), event(20, "c"))}
    judged = [
        list(run(settings(), logs, {0: [(next_offset, TEN + MINUTE)]}, locate).verdicts.values())
        for next_offset in range(4)
    ]
    assert judged == [
        ["late", "late", "late"],
        ["accepted", "late", "late"],
        ["accepted", "accepted", "late"],
        ["accepted", "accepted", "accepted"],
    ]


def test_an_advance_applies_in_a_hole_of_the_offsets_and_at_the_end_of_the_log() -> None:
    logs = {0: [Record(4, -1, event(0)), Record(9, -1, event(1))]}
    result = run(settings(), logs, {0: [(7, TEN + 5), (10, DAY_END)]}, locate)
    assert list(result.verdicts.values()) == ["accepted", "late"]
    assert result.watermarks == {0: DAY_END}


def test_an_advance_never_turns_the_watermark_back() -> None:
    result = run(settings(), {0: log(event(HOUR))}, {0: [(1, TEN)]}, locate)
    assert result.watermarks == {0: TEN + HOUR - 2 * MINUTE}


def test_a_shard_without_records_can_be_advanced() -> None:
    result = run(settings(), {0: [], 1: log(event(0))}, {0: [(0, DAY_END)], 1: [(1, DAY_END)]}, locate)
    assert result.watermarks == {0: DAY_END, 1: DAY_END}
    assert cells(result, "appeared") == {(0, "beach"): 1}


def test_a_replay_ends_at_the_end_of_the_last_accepted_epoch_in_every_partition() -> None:
    logs = {0: log(event(0), event(DAY, cell="?")), 1: log(event(0)), 2: []}
    assert final_advances(settings(), logs, locate) == {
        0: [(2, DAY_END)],
        1: [(1, DAY_END)],
        2: [(0, DAY_END)],
    }
    assert final_advances(settings(), {0: log(b"")}, locate) == {}


def test_windows_are_complete_once_every_watermark_has_reached_their_end() -> None:
    logs = {0: log(event(0)), 1: log(event(0, "b"))}
    result = run(settings(), logs, {0: [(1, TEN + 10 * MINUTE)], 1: [(1, TEN + 5 * MINUTE)]}, locate)
    assert cells(result, "presence") == {(0, "beach"): 2}
    own = {(key.start - TEN) // MINUTE for key in result.complete(0) if key.layer == "spot"}
    assert own == {0, 5}
    short = run(settings(), logs, {0: [(1, DAY_END)], 1: [(1, TEN + 5 * MINUTE - 1)]}, locate)
    assert short.complete() == {}
    assert run(settings(), logs | {2: []}, {0: [(1, DAY_END)], 1: [(1, DAY_END)]}, locate).complete() == {}


def test_a_log_that_is_not_in_order_of_offsets_is_refused() -> None:
    with pytest.raises(ValueError, match="offset 3 does not come after 3"):
        run(settings(), {0: [Record(3, -1, event(0)), Record(3, -1, event(1))]}, {}, locate)
