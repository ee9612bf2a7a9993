"""An event loop in simulated time whose every choice a seed decides, and that can crash or pause a worker at any step.

A callback belongs to the process in whose context it was scheduled. The callbacks of a crashed process are thrown away;
those of a paused one are held until it goes on.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

#: The process that a callback belongs to; None: the world (broker, network, scheduler).
PROCESS: contextvars.ContextVar[str | None] = contextvars.ContextVar("process", default=None)


class _NoSelector:
    """In place of a selector: nothing is ever ready, and waiting takes simulated time only."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise DeadlockError("every task waits for something that will never happen")
        self._loop.now += timeout
        return []


class DeadlockError(AssertionError):
    """Nothing can run any more, although the simulation has not come to its end."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """The loop. ``now`` is its time in seconds; ``random`` decides the order of what is ready."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._ready: deque[asyncio.Handle]
        self._scheduled: list[Any]
        self._asyncgens: Any
        self.now = 0.0
        self.random = random.Random(seed)
        self.steps = 0
        self._selector = _NoSelector(self)
        self._crashed: set[str] = set()
        self._lost: list[asyncio.Handle] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._paused: dict[str, list[asyncio.Handle]] = {}

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Start a task, and keep it: a crashed process's tasks, were they collected, would let go of their locks and
        wake others at a time that the garbage collector sets."""
        task: asyncio.Task[Any] = super().create_task(coro, **options)
        self._tasks.append(task)
        return task

    def time(self) -> float:
        """Simulated seconds."""
        return self.now

    def crash(self, process: str) -> None:
        """Nothing of this process runs again."""
        self._crashed.add(process)
        self._lost.extend(self._paused.pop(process, []))

    def pause(self, process: str) -> None:
        """Nothing of this process runs until :meth:`resume`; its time goes on."""
        self._paused.setdefault(process, [])

    def resume(self, process: str) -> None:
        """The process goes on, and finds all that it missed at once."""
        self._ready.extend(self._paused.pop(process, []))

    def is_crashed(self, process: str) -> bool:
        """Whether the process has crashed."""
        return process in self._crashed

    def _run_once(self) -> None:
        """Run one callback: what it schedules competes with all that is ready."""
        ready = self._ready
        if not ready:
            self._wait()
            return
        chosen = int(self.random.random() * len(ready))
        handle = ready[chosen]
        ready[chosen] = ready[-1]
        ready.pop()
        process = handle._context.get(PROCESS)  # type: ignore[attr-defined]
        if process in self._crashed:
            self._lost.append(handle)
        elif process in self._paused:
            self._paused[process].append(handle)
        elif not handle._cancelled:
            self.steps += 1
            handle._run()

    def _wait(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
        if not self._scheduled:
            raise DeadlockError("every task waits for something that will never happen")
        self.now = max(self.now, self._scheduled[0]._when)
        while self._scheduled and self._scheduled[0]._when <= self.now:
            handle = heapq.heappop(self._scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                self._ready.append(handle)

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, function: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        """Run ``function`` at once; its result is there some simulated time later."""
        future: asyncio.Future[Any] = self.create_future()
        result = function(*arguments)
        self.call_later(self.random.uniform(0.0, 0.2), _deliver, future, result)
        return future

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """Let an abandoned generator go; to close it in a task would be a step whose time garbage collection sets."""
        self._asyncgens.discard(agen)

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def end(self) -> None:
        """Cancel every task, of crashed processes too, so that nothing is left that could run."""
        self._crashed.clear()
        self._ready.extend(self._lost)
        for process in list(self._paused):
            self.resume(process)
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel()
        self.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._tasks.clear()

    def close(self) -> None:
        """Throw away what is left."""
        self._ready.clear()
        self._scheduled.clear()
        super().close()


def _deliver(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)
