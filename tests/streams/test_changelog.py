"""An owner takes a changelog over in an order that fences its predecessor, and notices when it is fenced itself."""

from __future__ import annotations

import asyncio
from random import Random

import numpy as np
import pytest

from indicators.columns import Writer
from streams import checkpoint
from streams.changelog import Changelog
from streams.checkpoint import AdvanceNote, Cut, Record
from tests.streams.memory import Memory, kind_of, settled, until_waiting

CHECKPOINTS, TALLIES = "checkpoints", "tallies"
CUT = Cut(10, 15, 1_000, 3)


def snapshot(size: int = 10) -> Writer:
    """One that packs to about ``size`` bytes."""
    writer = Writer()
    writer.column("random", np.frombuffer(Random(size).randbytes(size), np.uint8))
    return writer


class Owner:
    """One who takes the changelog over, and claims its output in the tallies log."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.changelog = Changelog(memory, CHECKPOINTS, 0)

    async def claim(self, token: int) -> None:
        await self.memory.append(TALLIES, 0, None, b"%d" % token)

    async def take_over(self) -> checkpoint.Restored:
        return await self.changelog.take_over(self.claim)

    async def write(self, size: int = 10, cut: Cut = CUT) -> bool:
        return await self.changelog.write(snapshot(size), cut)


async def owner_of(memory: Memory) -> Owner:
    owner = Owner(memory)
    await owner.take_over()
    return owner


def put(memory: Memory, record: Record) -> int:
    """Somebody else writes to the changelog."""
    return memory.put(CHECKPOINTS, record.key, record.value)


def deletions(memory: Memory) -> list[bytes | None]:
    return [sent.key for sent in memory.to(CHECKPOINTS) if sent.value is None]


# --- taking over


async def test_an_owner_says_so_then_claims_its_output_then_says_that_it_has_and_only_then_reads() -> None:
    memory = Memory()
    memory.held = {CHECKPOINTS, TALLIES}
    taking = asyncio.create_task(Owner(memory).take_over())
    for said in (["owner"], ["owner", "claim"], ["owner", "claim", "owned"]):
        await settled()
        assert [kind_of(sent.key) or "claim" for sent in memory.sent] == said
        assert memory.reads == []
        memory.acknowledge()
    await taking
    assert memory.reads == [(0, 2)]


async def test_the_token_is_the_offset_of_the_record_of_taking_over() -> None:
    memory = Memory()
    tokens = [(await owner_of(memory)).changelog.token for _ in range(3)]
    assert tokens == [0, 2, 4]
    assert [sent.value for sent in memory.to(TALLIES)] == [b"0", b"2", b"4"]
    assert memory.kinds(CHECKPOINTS) == ["owner", "owned"] * 3


async def test_a_successor_is_told_the_checkpoint_and_the_advances_noted_since() -> None:
    memory = Memory()
    first = await owner_of(memory)
    await first.changelog.note(3, 70, 900, applied=True)
    assert await first.write()
    await first.changelog.note(4, 80, 2_000, applied=False)
    found = await Owner(memory).take_over()
    assert found.manifest is not None
    assert (found.manifest.token, found.manifest.number, found.manifest.watermark) == (0, 1, 1_000)
    assert found.snapshot == snapshot().encode()
    assert found.advances == [AdvanceNote(0, 4, 80, 2_000, False)]


async def test_what_a_former_owner_gets_into_the_changelog_before_the_claims_are_in_place_is_read() -> None:
    memory = Memory()
    former = await owner_of(memory)
    memory.held = {CHECKPOINTS}
    taking = asyncio.create_task(Owner(memory).take_over())
    await settled()
    memory.held = set()
    await former.changelog.note(3, 70, 900, applied=True)
    memory.acknowledge()
    assert (await taking).advances == [AdvanceNote(0, 3, 70, 900, True)]


# --- writing


async def test_as_long_as_nobody_else_writes_the_changelog_is_not_read_again() -> None:
    memory = Memory()
    owner = await owner_of(memory)
    for offset in range(3):
        await owner.changelog.note(offset, 70, 900, applied=True)
        assert await owner.write(1_000_000)
        await owner.changelog.collect_garbage()
    assert memory.reads == [(0, 2)]


async def test_what_somebody_else_writes_is_read_once_and_does_no_harm_if_he_is_no_newer_owner() -> None:
    memory = Memory()
    former, owner = await owner_of(memory), await owner_of(memory)
    memory.reads.clear()
    assert await owner.write()
    await former.changelog.note(3, 70, 900, applied=True)
    assert await owner.write()
    assert await owner.write()
    assert memory.reads == [(6, 9)]


async def test_the_records_of_several_parts_and_the_owners_own_duplicates_do_no_harm() -> None:
    memory = Memory()
    owner = await owner_of(memory)
    sent = memory.to(CHECKPOINTS)[-1]
    memory.put(CHECKPOINTS, sent.key, sent.value)
    assert await owner.write(1_000_000)
    assert memory.kinds(CHECKPOINTS) == ["owner", "owned", "owned", "part", "part", "manifest"]


@pytest.mark.parametrize("moment", ["before", "between", "behind"])
async def test_a_write_says_whether_its_checkpoint_counts(moment: str) -> None:
    memory = Memory()
    owner = await owner_of(memory)
    assert await owner.write(cut=CUT._replace(position=1))
    memory.held = {CHECKPOINTS}
    if moment == "before":
        put(memory, checkpoint.owner())
    writing = asyncio.create_task(owner.write(cut=CUT._replace(position=2)))
    assert await until_waiting(memory, writing)  # its part is in the log
    if moment == "between":
        put(memory, checkpoint.owner())
    memory.acknowledge()
    await settled()  # so is its manifest
    if moment == "behind":
        put(memory, checkpoint.owner())
    memory.acknowledge()
    manifest = memory.restorer(CHECKPOINTS).result().manifest
    assert manifest is not None
    assert (await writing, manifest.position) == ((True, 2) if moment == "behind" else (False, 1))


async def test_who_was_told_that_a_newer_owner_is_there_is_told_so_again() -> None:
    memory = Memory()
    former, owner = await owner_of(memory), await owner_of(memory)
    assert [await former.write(), await former.write()] == [False, False]
    assert await owner.write()


async def test_an_acknowledgement_that_comes_late_hides_no_newer_owner() -> None:
    memory = Memory()
    owner = await owner_of(memory)
    memory.held = {CHECKPOINTS}
    noting = asyncio.create_task(owner.changelog.note(0, 0, 0, applied=True))
    await settled()
    memory.held = set()
    assert await owner.write()
    memory.acknowledge()
    await noting
    put(memory, checkpoint.owner())
    assert not await owner.write()


async def test_a_late_copy_of_the_record_of_taking_over_makes_its_writer_a_former_owner() -> None:
    memory = Memory()
    owner = await owner_of(memory)
    first = memory.to(CHECKPOINTS)[0]
    memory.put(CHECKPOINTS, first.key, first.value)
    assert not await owner.write()
    assert memory.restorer(CHECKPOINTS).result().manifest is None


async def test_an_error_of_the_broker_is_told() -> None:
    memory = Memory()
    owner = await owner_of(memory)
    memory.refused = {CHECKPOINTS}
    with pytest.raises(ConnectionError):
        await owner.write()
    with pytest.raises(ConnectionError):
        await owner.changelog.note(3, 70, 900, applied=True)


# --- garbage


async def test_the_checkpoint_that_is_replaced_is_deleted_its_manifest_before_its_parts() -> None:
    memory = Memory()
    owner = await owner_of(memory)
    assert await owner.write(1_000_000)
    await owner.changelog.collect_garbage()
    assert deletions(memory) == []
    assert await owner.write()
    await owner.changelog.collect_garbage()
    assert deletions(memory) == [
        b"manifest/0000000000000000/000000000001",
        b"part/0000000000000000/000000000001/00000",
        b"part/0000000000000000/000000000001/00001",
    ]
    await owner.changelog.collect_garbage()
    assert len(deletions(memory)) == 3


async def test_a_successor_deletes_what_it_found_orphans_too() -> None:
    memory = Memory()
    former = await owner_of(memory)
    assert await former.write()
    orphans, _ = checkpoint.encode(snapshot(1_000_000), former.changelog.token, 2, CUT)
    for part in orphans:
        put(memory, part)
    owner = await owner_of(memory)
    assert await owner.write()
    await owner.changelog.collect_garbage()
    assert deletions(memory) == [
        b"part/0000000000000000/000000000002/00000",
        b"part/0000000000000000/000000000002/00001",
        b"manifest/0000000000000000/000000000001",
        b"part/0000000000000000/000000000001/00000",
    ]


async def test_what_a_fenced_owner_wrote_is_deleted_by_the_next_one() -> None:
    memory = Memory()
    former, owner = await owner_of(memory), await owner_of(memory)
    assert not await former.write()
    assert await owner.write()
    await owner.changelog.collect_garbage()
    assert deletions(memory) == []
    last = await owner_of(memory)
    assert await last.write()
    await last.changelog.collect_garbage()
    assert sorted({kind_of(key) for key in deletions(memory)}) == ["manifest", "part"]
    assert len(deletions(memory)) == 4
    kept = memory.restorer(CHECKPOINTS).result()
    assert (kept.manifest is not None and kept.manifest.token, kept.garbage) == (last.changelog.token, [])
