"""Dead letters: bad lines as NDJSON, with all that it takes to find them, mend them and drive them again.

One letter is one line. What holds whatever happens to the process that writes them:

- A file of dead letters holds whole letters. What a crash or a full disk left of one is removed: at once where the
  write failed, else when the file is opened to append to it. The frame is then read again, since no checkpoint is
  saved before the letters that precede it are on the disk.
- A letter may come twice after a crash, with the same `key`. Whoever reads letters drops the second.
"""

from __future__ import annotations

import base64
import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ndstream._errors import FrameTooLargeError, StreamError
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.fingerprint import digest
from ndstream.logs._files.line_reader import LineDigest, LineReader
from ndstream.logs._files.locking import lock
from ndstream.logs._files.tail import find_last_line_end, read_at

_BEGIN = b'{"file":'


@dataclass(frozen=True)
class DeadLetter:
    """A bad line as it lies in a file of dead letters.

    Attributes:
        file: The path of the file that it came from. `os.fsencode` gives its exact bytes.
        offset: Where the line begins, in bytes of the file's content.
        line: Its 1-based number; None if lines were not counted.
        reason: What is wrong, as a fixed word.
        message: The same as a sentence.
        position: The first wrong byte inside the line; None if it is not known.
        raw: The line without its end; of an over-long line its first bytes.
        cut: Whether `raw` is only the beginning of an over-long line.
        length: The length of the line in bytes; None if an over-long line could not be read again to its end.
        sha256: The SHA-256 of an over-long line, as hexadecimal digits; None for a whole one, and without `length`.
    """

    file: str
    offset: int
    line: int | None
    reason: str
    message: str
    position: int | None
    raw: bytes
    cut: bool = False
    length: int | None = None
    sha256: str | None = None

    @property
    def key(self) -> tuple[str, int, int | None, str]:
        """What tells this letter from all others: file, offset and length, and the content by its digest.

        The digest is there since the file under a name, and so the line at an offset, changes with each rotation.
        """
        return self.file, self.offset, self.length, self.sha256 or digest(self.raw)

    @classmethod
    def of(
        cls, file: str, error: StreamError, message: str | None = None, whole: LineDigest | None = None
    ) -> DeadLetter:
        """The letter for an error.

        Args:
            file: The path of the file that the line came from.
            error: What is wrong with the line.
            message: The same in words; by default the error's own.
            whole: Of an over-long line, its length and digest.
        """
        cut = isinstance(error, FrameTooLargeError)
        length = len(error.frame) if not cut else None if whole is None else whole.length
        return cls(
            file, error.offset, error.line, error.reason, str(error) if message is None else message,
            error.position, error.frame, cut, length, None if whole is None else whole.sha256,
        )  # fmt: skip

    def to_json(self) -> bytes:
        """The letter as a line, with its LF.

        Example:
            >>> from ndstream.logs import DeadLetter
            >>> DeadLetter("a.log", 8, 2, "invalid_json", "bad", 0, b"x", length=1).to_json()
            b'{"file":"a.log","offset":8,"line":2,"reason":"invalid_json","message":"bad","position":0,"length":1,"raw":"x"}\\n'
        """
        letter: dict[str, Any] = {}
        path = os.fsencode(self.file)
        try:
            letter["file"] = path.decode()
        except UnicodeDecodeError:
            # A file's name may be any bytes, a JSON string may not.
            letter["file"] = path.decode("utf-8", "replace")
            letter["file_base64"] = base64.b64encode(path).decode()
        letter.update(offset=self.offset, line=self.line, reason=self.reason, message=_text(self.message))
        letter.update(position=self.position, length=self.length)
        try:
            letter["raw"] = self.raw.decode()
        except UnicodeDecodeError:
            letter["base64"] = base64.b64encode(self.raw).decode()
        if self.cut:
            letter.update(cut=True, sha256=self.sha256)
        return orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def from_json(cls, line: bytes) -> DeadLetter:
        """The letter in a line.

        Raises:
            ValueError: The line is no dead letter.

        Example:
            >>> from ndstream.logs import DeadLetter
            >>> DeadLetter.from_json(b'{"file":"a","offset":8,"line":2,"raw":"x"}').key[:3]
            ('a', 8, 1)
        """
        letter = orjson.loads(line)
        try:
            encoded, path = letter.get("base64"), letter.get("file_base64")
            raw = letter["raw"].encode() if encoded is None else base64.b64decode(encoded, validate=True)
            file = letter["file"] if path is None else os.fsdecode(base64.b64decode(path, validate=True))
            cut = letter.get("cut", False)
            length = letter.get("length", None if cut else len(raw))
            known = cls(
                file, letter["offset"], letter["line"], letter.get("reason", ""), letter.get("message", ""),
                letter.get("position"), raw, cut, length, letter.get("sha256"),
            )  # fmt: skip
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no dead letter: {type(error).__name__}: {error}") from None
        if not (isinstance(known.file, str) and isinstance(known.offset, int)):
            raise ValueError("this is no dead letter: its file must be a string and its offset an integer")
        return known


class DeadLetters:
    """A file to write dead letters to. Only one process at a time can have it open.

    Args:
        path: Where to write them.
        append: Whether to keep the letters that are there; by default they are replaced.

    Raises:
        OSError: The file cannot be written, or another process has it open. It names the file.
        ValueError: `append` was asked for, and the file holds something else than dead letters.

    Example:
        >>> from ndstream import logs
        >>> with logs.DeadLetters("bad.ndjson") as letters:  # doctest: +SKIP
        ...     stream = logs.read("app.log", on_error=lambda error: letters.write("app.log", error))
        ...     values = list(stream)
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool = False) -> None:
        self.path = os.fspath(path)
        self.count = 0
        self._reader: tuple[object, LineReader] | None = None
        try:
            self._regular = not Path(self.path).exists() or stat.S_ISREG(Path(self.path).stat().st_mode)
            # Without truncation, which has to wait for the lock.
            self._file = io.FileIO(self.path, "w", opener=_open_untruncated)
        except OSError as error:
            error.filename = self.path
            raise
        try:
            if self._regular:
                self._begin(append)
        except BaseException:
            self._file.close()
            raise

    def _begin(self, append: bool) -> None:
        try:
            lock(self._file.fileno())
        except OSError as error:
            raise BlockingIOError(error.errno, "another process writes dead letters here", self.path) from None
        size = self._file.seek(0, os.SEEK_END)
        keep = self._whole_letters(size) if append else 0
        if keep < size:
            self._file.truncate(keep)
        self._file.seek(keep)

    def _whole_letters(self, size: int) -> int:
        """The size without a torn letter at the end."""
        with io.FileIO(self.path) as file:
            end = find_last_line_end(file, size)
            for start, available in ((0, end), (end, size - end)):
                begin = read_at(file, min(len(_BEGIN), available), start)
                # A torn letter may end in NULs after a loss of power.
                if not _BEGIN.startswith(begin.rstrip(b"\0")):
                    raise ValueError(f"{self.path} holds something else than dead letters; name another file")
        return end

    def write(
        self,
        file: str,
        error: StreamError,
        message: str | None = None,
        *,
        source: str | os.PathLike[str] | None = None,
        whole: LineDigest | None = None,
    ) -> None:
        """Write one at once, so that a kill of the process loses none.

        Args:
            file: The path or name of the file that the frame came from.
            error: What is wrong with the frame.
            message: The same in words; by default the error's own.
            source: The file to read an over-long frame from again, for its length and digest; None if it cannot be
                read again.
            whole: Its length and digest, if they are known.

        Raises:
            OSError: It cannot be written. It names the file, which holds whole letters still.
        """
        if isinstance(error, FrameTooLargeError) and source is not None and whole is None:
            whole = self._digest(source, error.offset)
        self.add(DeadLetter.of(file, error, message, whole))

    def add(self, letter: DeadLetter) -> None:
        """Write a letter as it is.

        Raises:
            OSError: It cannot be written. It names the file, which holds whole letters still.
        """
        rest = letter.to_json()
        start = self._file.tell() if self._regular else 0
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as failure:
            if self._regular:
                self._file.truncate(start)
                self._file.seek(start)
            failure.filename = self.path
            raise
        self.count += 1

    def _digest(self, source: str | os.PathLike[str], offset: int) -> LineDigest | None:
        if self._reader is None or self._reader[0] != source:
            self._close_reader()
            self._reader = source, LineReader(source)
        try:
            return self._reader[1].digest(offset)
        except (OSError, LogFileError):
            # The letter counts; its length is an extra.
            return None

    def sync(self) -> None:
        """Wait until all letters are on the disk. A checkpoint that moves past them is saved after this alone.

        Raises:
            OSError: They cannot be written. It names the file.
        """
        if self._regular:
            try:
                os.fsync(self._file.fileno())
            except OSError as failure:
                failure.filename = self.path
                raise

    def close(self) -> None:
        """Close the file."""
        self._close_reader()
        self._file.close()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader[1].close()
            self._reader = None

    def __enter__(self) -> DeadLetters:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open_untruncated(path: str, flags: int) -> int:
    return os.open(path, flags & ~os.O_TRUNC, 0o666)


def _text(message: str) -> str:
    """The message with what no JSON string can hold replaced."""
    return message.encode("utf-8", "replace").decode()
