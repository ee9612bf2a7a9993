"""The workers of a run: started, killed, stopped and paused, and started again if they end by themselves."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from config.errors import ServiceError
from tests.e2e.running import Worker

_RELEASES = re.compile(r"^(\S+ \S+) .*this worker releases the windows", re.MULTILINE)
_POLL = 0.2
_AGAIN_AFTER = 1.0
_PATIENCE = 30.0  # as long as one that runs workers waits before it kills
_TAIL = 3_000

STARTING, RUNNING, PAUSED, ENDING, GONE = "starting", "running", "paused", "ending", "gone"


@dataclass
class Member:
    """A worker of the group, and what is being done with it."""

    name: str
    worker: Worker
    state: str = STARTING
    since: float = field(default_factory=time.time)

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal; nothing if it has none."""
        pid = self.worker.pid
        if pid is not None:
            os.kill(pid, number)

    def releases_since(self) -> str:
        """When it became the release agent the last time, as its log writes it; empty if never."""
        return max(_RELEASES.findall(self.worker.log_text), default="")


class Group:
    """Workers with one settings file; what takes its time goes on in the background.

    ``ended``: workers that ended by themselves, with the end of their logs; ``refused``: how often one could not be
    started, as without a broker; ``stops``: seconds that each SIGTERM took; ``changed_at``: when a worker last went
    away or woke up, by the clock.
    """

    def __init__(self, settings_file: Path, logs: Path, say: Callable[[str], None]) -> None:
        self._settings_file = settings_file
        self._logs = logs
        self._say = say
        self._lock = threading.RLock()
        self._members: list[Member] = []
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self.ended: list[str] = []
        self.refused = 0
        self.stops: list[float] = []
        self.changed_at = 0.0
        self._spawn(self._supervise)

    def start(self) -> Member:
        """A new worker, in the background."""
        with self._lock:
            member = Member(f"worker-{len(self._members) + 1}", Worker(self._settings_file))
            self._members.append(member)
        self._spawn(lambda: self._start(member))
        return member

    def members(self, *states: str) -> list[Member]:
        """Those in one of these states, the oldest first."""
        with self._lock:
            return [member for member in self._members if member.state in states]

    def releasing(self) -> Member | None:
        """The worker that became the release agent last, if it runs."""
        with self._lock:
            known = [(member.releases_since(), member) for member in self._members]
        at, newest = max(known, key=lambda one: one[0])
        return newest if at and newest.state == RUNNING else None

    def kill(self, member: Member) -> None:
        """kill -9."""
        with self._lock:
            member.state, self.changed_at = GONE, time.time()
            member.worker.kill()

    def terminate(self, member: Member) -> None:
        """SIGTERM; it ends by itself then."""
        with self._lock:
            member.state, member.since = ENDING, time.time()
            member.signal(signal.SIGTERM)

    def pause(self, member: Member, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after ``seconds``."""
        with self._lock:
            member.state = PAUSED
            member.signal(signal.SIGSTOP)

        def resume() -> None:
            self._closing.wait(seconds)
            with self._lock:
                member.signal(signal.SIGCONT)
                self.changed_at = time.time()
                if member.state == PAUSED:
                    member.state = RUNNING

        self._spawn(resume)

    def settled(self) -> bool:
        """Whether none is starting, paused or ending."""
        return not self.members(STARTING, PAUSED, ENDING)

    def stop_all(self, within: float) -> None:
        """SIGTERM to all that run, and wait for their ends."""
        for member in self.members(RUNNING):
            self.terminate(member)
        deadline = time.monotonic() + within
        while self.members(ENDING) and time.monotonic() < deadline:
            time.sleep(_POLL)

    def close(self) -> None:
        """End all, and keep their logs."""
        self._closing.set()
        for thread in self._threads:
            thread.join()
        for member in self.members(STARTING, RUNNING, PAUSED, ENDING, GONE):
            member.worker.kill()
            (self._logs / f"{member.name}.log").write_text(member.worker.log_text)
            member.worker.stop()

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _start(self, member: Member) -> None:
        while not self._closing.is_set():
            try:
                member.worker.start()
            except ServiceError as error:
                self.refused += 1
                (self._logs / f"{member.name}-refused-{self.refused}.log").write_text(str(error))
                self._closing.wait(_AGAIN_AFTER)
            else:
                with self._lock:
                    member.state, member.since = RUNNING, time.time()
                return

    def _supervise(self) -> None:
        while not self._closing.wait(_POLL):
            for member in self.members(RUNNING, PAUSED, ENDING):
                if member.state == ENDING and time.time() - member.since > _PATIENCE:
                    member.worker.kill()
                with self._lock:
                    if member.worker.pid is not None or member.state not in (RUNNING, PAUSED, ENDING):
                        continue
                    expected, member.state = member.state == ENDING, GONE
                    self.changed_at = time.time()
                if expected:
                    self.stops.append(time.time() - member.since)
                else:
                    self._say(f"{member.name} has ended by itself and is started again")
                    self.ended.append(f"{member.name}:\n{member.worker.log_text[-_TAIL:]}")
                    self.start()
