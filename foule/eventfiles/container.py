"""Opens a recorded file: tells its kind from its first bytes, unpacks gzip, follows how far it is read."""

import gzip
import io
import zlib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from config.errors import EventFileError

LONGEST = 1_000_000
"""Bytes of the longest record that is sent whole: what Kafka takes by default, less room for headers."""

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_REFUSED = {
    b"PK\x03\x04": "a zip archive",
    b"\xfd7zXZ": "packed with xz",
    b"BZh": "packed with bzip2",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}
_JSON_NAMES = {".jsonl", ".ndjson", ".json"}


class Kind(Enum):
    """What a recorded file holds."""

    CSV = "CSV"
    JSON_LINES = "JSON Lines"
    PARQUET = "Parquet"


class Container:
    """An open file of recorded events; a context manager.

    The content decides: gzip and Parquet by their first bytes, JSON Lines by a leading "{"; only where that
    says nothing does the name (.jsonl, .ndjson, .json), and the rest is CSV. Raises EventFileError, also while
    reading, where the file is missing, empty, damaged, or of a kind that is not read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
            raise EventFileError(f"{path}: cannot be opened: {reason}; give a file of events") from None
        try:
            self._stream = self._unpacked(self._file)
            head = self._peek()
            self.kind = self._kind_of(head)
            if head.startswith(_BYTE_ORDER_MARK):
                self.read(len(_BYTE_ORDER_MARK))
        except EventFileError:
            self.close()
            raise

    def _unpacked(self, file: io.BufferedReader) -> io.BufferedReader:
        packed = file.peek(2)[:2] == _GZIP
        return io.BufferedReader(gzip.GzipFile(fileobj=file), _BLOCK) if packed else file

    def _peek(self) -> bytes:
        try:
            head = self._stream.peek(64)
        except (OSError, EOFError, zlib.error) as error:
            raise self._damaged() from error
        if not head:
            raise EventFileError(f"{self.path}: is empty; expected events as CSV, JSON Lines or Parquet")
        return head

    def _kind_of(self, head: bytes) -> Kind:
        for magic, what in _REFUSED.items():
            if head.startswith(magic):
                raise EventFileError(
                    f"{self.path}: is {what}; expected CSV or JSON Lines in UTF-8, or Parquet, plain or gzip:"
                    " convert it first"
                )
        if head.startswith(_PARQUET):
            return Kind.PARQUET
        if head.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{"):
            return Kind.JSON_LINES
        suffixes = [suffix.lower() for suffix in self.path.suffixes if suffix.lower() != ".gz"]
        return Kind.JSON_LINES if suffixes and suffixes[-1] in _JSON_NAMES else Kind.CSV

    def _damaged(self) -> EventFileError:
        return EventFileError(
            f"{self.path}: the gzip data is damaged or cut short near byte {self.position} of {self.size};"
            " copy the file again (`gzip -t` tests it)"
        )

    @property
    def position(self) -> int:
        """Bytes of the file, as it lies on the disk, that have been read."""
        return 0 if self._file.closed else self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the content, at most ``size``, or all that is left; empty at the end."""
        try:
            return self._stream.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self._damaged() from error
        except OSError as error:
            raise EventFileError(f"{self.path}: cannot be read: {error.strerror}") from error

    def lines(self) -> Iterator[list[bytes]]:
        """The lines of the content without their ends, about a megabyte at a time; no blank ones.

        A line longer than LONGEST is cut short, but stays longer than LONGEST, so that memory is bounded.
        """
        rest = b""
        while block := self.read(_BLOCK):
            *complete, rest = (rest + block).split(b"\n")
            rest = rest[: LONGEST + 1]
            yield _without_blanks(complete)
        yield _without_blanks([rest])

    def whole(self) -> io.BufferedReader | io.BytesIO:
        """The content as a file that can be searched; unpacked in memory if it is gzip."""
        return self._file if self._stream is self._file else io.BytesIO(self.read())

    def close(self) -> None:
        """Close the file; may be called again."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _without_blanks(lines: list[bytes]) -> list[bytes]:
    return [line for line in (line.rstrip(b"\r") for line in lines) if line and not line.isspace()]
