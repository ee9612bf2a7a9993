"""Whoever releases, and whoever it is taken from and given to: each window is decided once, from what counts."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.gate import reopen
from streams import wire
from streams.wire import Bookmark, Claim, EarlyEnd, Message, ReleaseClaim
from tests.streams.windows import BEACH, HOUR, PORT, WIDTH, K, Log, early_end, release, seal, tally

# --- bookmarks


def test_the_position_is_the_oldest_tally_of_an_open_window_or_what_comes_next() -> None:
    assert release().position == 0
    log = Log()
    log.append(seal(1, 0), seal(0, 0), tally(0, WIDTH, {BEACH: 12}), tally(0, 0, {BEACH: 12}))
    log.read()
    assert log.release.position == 2
    log.append(seal(0, WIDTH), seal(1, WIDTH))
    log.read()  # the second window, and its decision at 6
    assert log.release.position == 2
    log.append(seal(0, 2 * WIDTH), seal(1, 2 * WIDTH))
    log.read()
    assert log.release.position == len(log.messages) == 10


def test_a_bookmark_says_who_owns_what_and_up_to_where_every_layer_and_width_is_decided() -> None:
    log = Log(1)
    log.append(ReleaseClaim("settings"), Claim("settings", 0, 5))
    log.append(tally(0, 0, {BEACH: 12}, token=5), tally(0, 0, {BEACH: 12}, width=HOUR, token=5))
    log.append(tally(0, 0, {BEACH: 1}, layer=1, token=5), seal(0, HOUR, token=5))
    log.read()
    log.append(tally(0, HOUR, {BEACH: 12}, token=5), Claim("settings", 0, 9))
    log.read()
    bookmark = log.release.bookmark([178])
    marks = [(0, WIDTH, WIDTH), (0, HOUR, HOUR), (1, WIDTH, WIDTH)]
    assert bookmark == Bookmark("settings", 0, 9, [(None, 0), (0, 5)], marks, [178])


def test_a_successor_at_a_bookmark_drops_what_its_predecessor_would_have_dropped() -> None:
    log = Log(1)
    log.append(Claim("settings", 0, 5), tally(0, 0, {BEACH: 12}, token=5), seal(0, WIDTH, token=5))
    log.read()
    successor = release(1)
    successor.resume(log.release.bookmark([]))
    assert successor.position == 4
    successor.take(4, tally(0, WIDTH, {BEACH: 99}, token=4))
    successor.take(5, tally(0, 0, {BEACH: 12}, token=5))
    assert (successor.stale, successor.late_tallies, successor.oldest_open) == (1, 1, None)


def story(random: Random, shards: int) -> list[Message]:
    """A log of owners that change, with what former owners still say, windows, lost keys, and seals of each shard at
    last."""
    tokens, starts = [0] * shards, [0] * shards
    messages: list[Message] = []
    for _ in range(random.randint(5, 60)):
        shard = random.randrange(shards)
        token = tokens[shard] - (random.random() < 0.2)
        kind = random.choice(["claim", "release", "tally", "tally", "tally", "seal", "early"])
        if kind == "claim":
            tokens[shard] += random.randint(1, 3)
            messages.append(Claim("settings", shard, tokens[shard]))
        elif kind == "release":
            messages.append(ReleaseClaim("settings"))
        elif kind == "early":
            messages.append(early_end(shard, random.randint(0, starts[shard] + WIDTH), token))
        elif kind == "tally":
            start = random.randrange(8) * WIDTH
            people = {random.choice([BEACH, PORT]): random.randint(K, 2 * K)}
            messages.append(tally(shard, start, people, layer=random.randrange(2), token=token))
        else:
            starts[shard] += random.choice([0, WIDTH, WIDTH])
            messages.append(seal(shard, starts[shard], token=token))
    return messages + [seal(shard, max(starts), token=tokens[shard]) for shard in range(shards)]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 1 << 32))
def test_a_successor_that_resumes_at_a_bookmark_comes_to_know_and_publish_the_same(seed: int) -> None:
    random = Random(seed)
    shards = random.randint(1, 3)
    log, told = Log(shards), story(random, shards)
    # how far a shard had reported is not in a bookmark: only a loss that a predecessor has read is the same for both
    last = max([at for at, message in enumerate(told) if isinstance(message, EarlyEnd)], default=-1)
    cut = random.randint(last + 1, len(told))
    for message in told[:cut]:
        log.append(message)
        log.read()
    bookmark = log.release.bookmark([])
    successor, published = release(shards), len(log.published)
    successor.resume(bookmark)
    for message in told[cut:]:
        log.append(message)
        log.read()
    again = [
        successor.take(offset, wire.decode(log.messages[offset]))
        for offset in range(bookmark.position, len(log.messages))
    ]
    versions = {one.version: one for one in again if one is not None}
    assert [versions[one.version] for one in log.published[published:]] == log.published[published:]
    assert successor.decide() == log.release.decide() == []
    assert successor.bookmark([]) == log.release.bookmark([])


# --- crashes, zombies, lost and late records


class Succession:
    """Shards and release agents that are taken over at any moment, and what former owners go on saying.

    A former shard's owner says wrong things from then on, which must not count. A former agent's decisions may still
    come, or be lost; of those under way, what was sent first comes first.
    """

    def __init__(self, random: Random) -> None:
        self.random = random
        self.shards = random.randint(1, 3)
        self.log: list[bytes] = []
        self.published: dict[int, bytes] = {}
        windows = random.randint(1, 6)
        self.counts = [{shard: random.randint(1, 30) for shard in range(self.shards)} for _ in range(windows)]
        for window in self.counts:
            for shard in range(self.shards):
                if random.random() < 0.2:
                    del window[shard]
        self.bookmark = Bookmark("settings", -1, 0, [], [], [])
        self.stories = [self._story(shard) for shard in range(self.shards)]
        self.strays: list[Message] = []
        self.undelivered: list[Message] = []
        self.takeovers = 8
        self.tokens = 0
        self.owners = [0] * self.shards
        self._begin()

    def run(self) -> None:
        """Until all is said, read and decided."""
        self._run_until_quiet()
        self.takeovers = 0
        end = len(self.counts) * WIDTH
        # as shards do every so often: what a new agent knows is in its bookmark, but for the seals
        self.stories = [[seal(shard, end, token=owner)] for shard, owner in enumerate(self.owners)]
        self._run_until_quiet()

    def _run_until_quiet(self) -> None:
        while any(self.stories) or self.next < len(self.log) or self.undelivered:
            act = self.random.random()
            busy = [story for story in self.stories if story]
            if busy and act < 0.3:
                self._append(self.random.choice(busy).pop(0))
            elif act < 0.35 and self.takeovers:
                self.takeovers -= 1
                self.random.choice([self._begin, self._take_over])()
            elif act < 0.4 and self.agent.owner == self.token:
                self.bookmark = self.agent.bookmark([])
                self._append(self.bookmark)
            elif self.undelivered and act < 0.6:
                self._append(self.undelivered.pop(0))
            elif self.strays and act < 0.7:
                self._append(self.strays.pop(0))
            elif self.next < len(self.log):
                self._read()

    def _append(self, message: Message) -> int:
        self.log.append(wire.encode(message))
        if self.random.random() < 0.05 and not isinstance(message, ReleaseClaim):
            self.log.append(wire.encode(message))
        return len(self.log) - 1

    def _begin(self) -> None:
        """A new release agent claims, and goes on from the last bookmark."""
        self.strays += self.undelivered[: self.random.randint(0, 3)]
        self.agent = release(self.shards)
        self.agent.resume(self.bookmark)
        self.next = self.bookmark.position
        self.undelivered = []
        self.token = self._append(ReleaseClaim("settings"))

    def _story(self, shard: int, token: int = 0) -> list[Message]:
        """What a shard's owner says: a tally of each window where anybody was, and a seal behind it."""
        told: list[Message] = []
        for at, window in enumerate(self.counts):
            if shard in window:
                told.append(tally(shard, at * WIDTH, {BEACH: window[shard]}, token=token))
            told.append(seal(shard, (at + 1) * WIDTH, token=token))
        return told

    def _take_over(self) -> None:
        """A new owner of a shard claims it, and repeats its tallies; the former one says what does not count."""
        shard = self.random.randrange(self.shards)
        self.tokens += 1
        self._append(Claim("settings", shard, self.tokens))
        former, self.owners[shard] = self.owners[shard], self.tokens
        wrong = tally(shard, self.random.randrange(len(self.counts)) * WIDTH, {BEACH: 500}, token=former)
        self.strays += [wrong, seal(shard, 10 * WIDTH, token=former)]
        self.stories[shard] = self._story(shard, self.tokens)

    def _read(self) -> None:
        published = self.agent.take(self.next, wire.decode(self.log[self.next]))
        self.next += 1
        if published is not None:
            data = published.window.to_bytes()
            assert self.published.setdefault(published.version, data) == data
        if self.agent.owner == self.token:
            self.undelivered += self.agent.decide()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 32))
def test_whoever_is_taken_over_each_window_is_decided_once_and_published_with_the_sum_of_all_shards(seed: int) -> None:
    world = Succession(Random(seed))
    world.run()
    witness = release(world.shards)
    counting = [witness.take(offset, wire.decode(message)) for offset, message in enumerate(world.log)]
    assert world.published == {one.version: one.window.to_bytes() for one in counting if one is not None}
    decisions = [reopen(window) for _, window in sorted(world.published.items())]
    starts = [window.start for window in decisions]
    assert starts == sorted(starts)
    assert sorted(set(starts)) == [at * WIDTH for at, window in enumerate(world.counts) if window]
    for window in decisions:  # a decision that came twice is published twice, and says the same
        total = sum(world.counts[window.start // WIDTH].values())
        published = {zone: dict(values) for zone, values in window.zones.items()}
        assert published == ({"beach": {"people": total}} if total >= K else {})
