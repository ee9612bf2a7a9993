"""What the bench prints of a system: one JSON line each."""

import time
from pathlib import Path
from typing import Self

import msgspec
import psutil


class Figures(msgspec.Struct, frozen=True, omit_defaults=True):
    """A system's run, from its first event to its last. ``cpu_us_per_event``: processor time of all its processes;
    ``peak_mb``: the most memory that they held; ``counted``: what else there was, by which one sees that it worked."""

    system: str
    events: int
    events_per_s: int
    cpu_us_per_event: float
    peak_mb: int
    counted: dict[str, int] = {}

    @classmethod
    def of(
        cls, system: str, events: int, seconds: float, cpu_seconds: float, peak: float, counted: dict[str, int]
    ) -> Self:
        """The figures of a run that took this long; ``peak`` in MB."""
        return cls(system, events, round(events / seconds), round(cpu_seconds / events * 1e6, 3), round(peak), counted)

    @property
    def per_cpu_second(self) -> float:
        """Events per second of processor time: what is compared."""
        return 1e6 / self.cpu_us_per_event

    def line(self) -> str:
        """The figures as a JSON object on one line."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def parse(cls, line: str) -> Self:
        """The figures of a line."""
        return msgspec.json.decode(line, type=cls)


class Stopwatch:
    """Time and processor time of this process from now on."""

    def __init__(self) -> None:
        self._begun, self._cpu = time.perf_counter(), time.process_time()

    def figures(self, system: str, events: int) -> Figures:
        """The figures of a system that is this process."""
        seconds, cpu = time.perf_counter() - self._begun, time.process_time() - self._cpu
        return Figures.of(system, events, seconds, cpu, peak_mb(psutil.Process()), {})


def tree(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that it started."""
    return [process, *process.children(recursive=True)]


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """Processor time that the processes have taken so far."""
    times = [process.cpu_times() for process in processes]
    return float(sum(each.user + each.system for each in times))


def peak_mb(process: psutil.Process) -> float:
    """The most resident memory that a process has held."""
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))
