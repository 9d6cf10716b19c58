"""The files of a followed log, each with its decoder: plain ones that may grow, and archives that do not."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ndstream._core import NDJSONDecoder
from ndstream.logs._checkpoints.tracked_file import TrackedFile
from ndstream.logs._errors import LogFileError
from ndstream.logs._files.opened_file import OpenedFile, open_file
from ndstream.logs._following.live_file import LiveFile


class FollowedFile:
    """A plain file and its decoder. Half a line waits in the decoder, however long.

    Args:
        file: The file, at the beginning of a line.
        decoder: A new decoder.
        line: How many lines precede that.

    Attributes:
        idle_since: When the last bytes came.
        doubted_since: When the file was first seen shorter than it had been; None if it is not.
        at_head: Whether nothing but NULs was read so far.
        nuls: How many NULs before the first line were skipped.
    """

    def __init__(self, file: LiveFile, decoder: NDJSONDecoder[Any], line: int = 0) -> None:
        self.file = file
        self.decoder = decoder
        self.idle_since = 0.0
        self.doubted_since: float | None = None
        self.nuls = 0
        self._begin(line)

    def _begin(self, line: int) -> None:
        file = self.file
        self.tracked = TrackedFile(file, offset=file.end, line=line, head=file.head, anchor=file.anchor)
        self.at_head = file.end == 0
        self.decoder.reset(offset=file.end, line=line)

    def read(self) -> bytes | None:
        """The next bytes; see `LiveFile.read`."""
        chunk = self.file.read()
        if chunk:
            self.doubted_since = None
        return chunk

    def feed(self, chunk: bytes) -> Iterator[NDJSONDecoder[Any]]:
        """Feed the decoder, which is handed out if it may have more to give."""
        if self.at_head:
            chunk = self._without_nuls(chunk)
            if not chunk:
                return
        self.tracked.add(chunk)
        yield self.decoder.feed(chunk)
        self.tracked.commit(self.decoder)

    def _without_nuls(self, chunk: bytes) -> bytes:
        """What follows the NULs before the first line: a writer that was not told of the cut leaves a hole there."""
        start = self.file.end - len(chunk)
        kept = chunk.lstrip(b"\0")
        if not kept:
            self.file.skip_hole()
        if len(kept) < len(chunk):
            offset = self.file.end - len(kept)
            self.nuls += offset - start
            self.decoder.reset(offset=offset)
            self.tracked = TrackedFile(self.file, offset=offset)
        self.at_head = not kept
        return kept

    def finish(self) -> Iterator[NDJSONDecoder[Any]]:
        """End the content: a last line without its LF is a value or an error now."""
        if self.decoder.pending:
            yield self.decoder.finish()

    @property
    def modified(self) -> int:
        """When it was last written to, in nanoseconds as files tell it; 0 without a handle."""
        return self.file.status.st_mtime_ns if self.file.opened else 0

    def continues(self, before: FollowedFile) -> bool:
        """Go on where another file ended, if this one begins with all that was read of it.

        Returns:
            Whether it does.
        """
        end = before.file.end
        if not end or self.file.end or self.file.status.st_size < end or self.file.contradicts(before.file):
            return False
        self.file.move_to(before.tracked.offset)
        self._begin(before.tracked.line)
        return True

    def taken_over_by(self, file: LiveFile) -> FollowedFile:
        """The same content in another file: the decoder goes on with what it holds."""
        twin = copy.copy(self)
        twin.file = twin.tracked.file = file
        return twin

    def shorten(self) -> None:
        """Go on from the file's end, which was moved before the offset."""
        self.file.move_to(self.file.status.st_size)
        self._begin(self.file.lines_before(self.file.end))

    def close(self) -> None:
        """Release the file."""
        self.file.close()


class FollowedArchive:
    """A compressed rotated file and its decoder.

    Args:
        path: Its path.
        decoder: A new decoder.
        file: The opened file; by default it is opened at its beginning.
        tracked: How far it was read.
    """

    def __init__(
        self,
        path: str,
        decoder: NDJSONDecoder[Any],
        file: OpenedFile | None = None,
        tracked: TrackedFile | None = None,
    ) -> None:
        self.file = open_file(path, ahead=0) if file is None else file
        self.tracked = TrackedFile(self.file) if tracked is None else tracked
        self.decoder = decoder
        self.idle_since = 0.0
        self.ended = False
        decoder.reset(offset=self.tracked.offset, line=self.tracked.line)

    @staticmethod
    def is_archive(path: str) -> bool:
        """Whether the file's first bytes are those of an archive."""
        opened = open_file(path, ahead=0)
        opened.close()
        return opened.format != "plain"

    def turn(self) -> Iterator[NDJSONDecoder[Any]]:
        """Read one chunk; the decoder is handed out if it may have more to give.

        Raises:
            LogFileError: The archive is damaged. What follows is the next file.
        """
        try:
            chunk = bytes(next(self.file.chunks, b""))
        except LogFileError as error:
            # What it had of the last line is in the error, and no value: a part of a number is a number as well.
            error._note_cut(self.decoder._fail(error))
            self.decoder.reset(offset=self.decoder.offset, line=self.decoder.line)
            raise
        if chunk:
            self.tracked.add(chunk)
            yield self.decoder.feed(chunk)
            self.tracked.commit(self.decoder)
        else:
            yield self.decoder.finish()
            self.tracked.commit_end(self.decoder)
            self.ended = True

    def skip(self) -> None:
        """Pass over all that it holds, bad lines and damage too."""
        self.decoder = NDJSONDecoder(loads=bytes, on_error="skip", max_frame_size=None)
        while not self.ended:
            with suppress(LogFileError):
                for lines in self.turn():
                    for _ in lines:
                        pass

    @property
    def identity(self) -> tuple[int, int]:
        """Its device and inode."""
        cursor = self.tracked.cursor()
        return cursor.device, cursor.inode

    def close(self) -> None:
        """Release the file."""
        self.file.close()


Part = FollowedFile | FollowedArchive
