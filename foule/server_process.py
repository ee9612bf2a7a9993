"""A server program as a process of one's own, which surely ends with the program that started it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from config.errors import ServiceError

LOOPBACK = "127.0.0.1"

_PORT_ATTEMPTS = 3
_LOG_TAIL_LINES = 15
# Waits for the end of its input, which comes when the starting program ends, then removes what it left.
_GUARD = 'read -r _; kill -s KILL -- "-$1" 2>/dev/null; rm -rf -- "$2"'


def free_port() -> int:
    """A loopback TCP port that nothing listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def accepts_connections(port: int, timeout: float = 1.0) -> bool:
    """Whether something on this machine takes TCP connections on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout):
            return True
    except OSError:
        return False


class _EndedAtStartError(ServiceError):
    """The program ended before it answered."""


class ServerProcess(ABC):
    """A server program as a process of its own group, stopped when this program ends in whatever way.

    A context manager; or ``start()`` and ``stop()``. ``folder`` is a temporary folder with its data and its
    log; ``stop()`` removes it. After ``kill()``, ``start()`` begins again with the same port and folder.
    """

    name: str
    start_within = 20.0
    stop_within = 10.0

    def __init__(self, port: int | None = None) -> None:
        self._port = port
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program and its arguments; ``port`` and ``folder`` are known."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server serves requests, not only takes connections."""

    def prepare(self) -> None:  # noqa: B027 (most servers need nothing)
        """Write into ``folder`` what the program needs before its first start."""

    def environment(self) -> dict[str, str]:
        """The environment of the program: this one's, by default."""
        return dict(os.environ)

    @property
    def port(self) -> int:
        """The loopback port of the started server."""
        if self._port is None:
            raise ServiceError(f"{self.name} has no port yet: it has not been started")
        return self._port

    @property
    def folder(self) -> Path:
        """The temporary folder of the started server."""
        if self._folder is None:
            raise ServiceError(f"{self.name} has no folder: it is not started")
        return self._folder

    @property
    def log(self) -> Path:
        """The file that the server's output goes to."""
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else None."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process is not None and running else None

    def start(self) -> Self:
        """Start the server and wait until it answers.

        Raises ServiceError, with the end of the server's log, if it ends or does not answer in time.
        """
        if self.pid is not None:
            return self
        if self._folder is not None:
            return self._launch()
        chosen = self._port
        for _ in range(_PORT_ATTEMPTS - 1 if chosen is None else 0):
            try:
                return self._begin(free_port())
            except _EndedAtStartError:
                self._port = None  # another program may have taken the port meanwhile: try the next one
        return self._begin(chosen if chosen is not None else free_port())

    def stop(self) -> None:
        """Stop the server, wait for its end and remove its folder; nothing if it is not started."""
        if self._process is not None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.stop_within)
        self.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def kill(self) -> None:
        """End the server at once, as a crash would; its port and folder stay for the next ``start()``."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.kill()
            self._guard.wait()
            self._guard.stdin.close()
            self._guard = None
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _begin(self, port: int) -> Self:
        self._port = port
        self._folder = Path(tempfile.mkdtemp(prefix=f"foule-{self.name.replace(' ', '-').lower()}-"))
        try:
            self.prepare()
            return self._launch()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> Self:
        command = self.command()
        with self.log.open("ab") as log:
            try:
                # a session of its own: Ctrl-C in the terminal reaches the starting program, which stops it
                self._process = subprocess.Popen(
                    command,
                    cwd=self.folder,
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                reason = f"{command[0]}: {error.strerror}"
                raise ServiceError(f"{self.name} cannot be started: {reason}") from error
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self._process.pid), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return self._wait_for_answer()

    def _wait_for_answer(self) -> Self:
        deadline = time.monotonic() + self.start_within
        while time.monotonic() < deadline:
            if self.pid is None:
                raise _EndedAtStartError(f"{self.name} ended at its start; the end of its log:\n{self._log_tail()}")
            # asked last: on a port taken by another program, that one would answer while ours has ended
            if accepts_connections(self.port) and self.answers() and self.pid is not None:
                return self
            time.sleep(0.05)
        raise ServiceError(
            f"{self.name} did not answer on port {self.port} within {self.start_within:g} s; "
            f"the end of its log:\n{self._log_tail()}"
        )

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self._process.pid, number)

    def _log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-_LOG_TAIL_LINES:]) or "  (empty)"
