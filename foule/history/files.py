"""Files that appear whole or not at all, in the folder of an export."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from config.errors import FouleError


class OutFolder:
    """Writes files under a hidden folder within ``folder``, and puts them into their places with :meth:`complete`.

    Each file replaces the one of its name in one step; a file that is not written again stays. A context manager: what
    was not completed is removed. Raises FouleError where the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._partial = folder / f".export-{uuid4().hex[:8]}"
        self._names: list[Path] = []

    def pending(self, name: Path) -> Path:
        """Where the file that is to be ``name``, relative to the folder, is until :meth:`complete`."""
        return self._partial / name

    def path(self, name: Path) -> Path:
        """Where to write the file that is to be ``name``, relative to the folder."""
        path = self.pending(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._names.append(name)
        return path

    def write(self, name: Path, content: bytes) -> None:
        """Write a file that is to be ``name``, relative to the folder."""
        try:
            self.path(name).write_bytes(content)
        except OSError as error:
            raise self.unwritable(error) from error

    def complete(self) -> list[str]:
        """Put all files into their places; returns their names, relative to the folder, sorted."""
        try:
            for name in self._names:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self._partial / name).replace(self.folder / name)
        except OSError as error:
            raise self.unwritable(error) from error
        return sorted(name.as_posix() for name in self._names)

    def unwritable(self, error: OSError) -> FouleError:
        """The error as the operator is told it."""
        return FouleError(f"{self.folder}: cannot be written: {error.strerror or error}; give another --out")

    def __enter__(self) -> Self:
        try:
            self._partial.mkdir(parents=True)
        except OSError as error:
            raise self.unwritable(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)
