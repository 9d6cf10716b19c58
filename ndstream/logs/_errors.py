"""What can be wrong with a log file beside its lines.

    StreamError
    └── LogFileError                               the file is damaged, or is no log
        └── LogFileTruncatedError (TruncatedError)  the file ends too early

All lines before the damage have come out when one of these is raised.
"""

from __future__ import annotations

from ndstream._errors import StreamError, TruncatedError
from ndstream.logs._files.positions import Position


class LogFileError(StreamError):
    """A file is damaged, or holds something else than lines.

    ``frame``, ``offset`` and ``line`` are those of the line that the damage cut; ``frame`` is empty
    if it cut none. ``reason`` is one of:

        ``corrupt``: the compressed bytes make no sense from here on.
        ``checksum``: all bytes came out, but their checksum or length is not the stored one.
        ``trailing_garbage``: what follows the last member is neither a member nor zeros.
        ``window_too_large``: decompressing needs more memory than ``max_window`` allows.
        ``dictionary``: the archive was made with a dictionary, which is not part of it.
        ``not_lines``: the content is another container (tar, zip, a second compression, ...).

    Attributes:
        path: The file's path or name; None if it has none.
        format: "plain", "gzip", "zstd", "bz2", "xz" or "lz4".
        member: The number of the member or frame in the archive, from 1; 0 for a plain file.
        compressed_offset: Where the fault was noticed, in bytes of the file as it is stored.
        decompressed_offset: How many bytes of content came out before it.
        rest: Where the file goes on after the damage, for ``read(path, start=error.rest)``; None if no whole member
            was found there. `read` goes on with it by itself. The first line there may have lost its beginning: it is
            a `DecodeError` of the reason ``after_damage``.
    """

    path: str | None
    format: str
    member: int
    compressed_offset: int
    decompressed_offset: int
    rest: Position | None

    def __init__(
        self,
        message: str = "",
        *,
        frame: bytes = b"",
        offset: int = 0,
        line: int | None = None,
        position: int | None = None,
        reason: str = "",
        path: str | None = None,
        format: str = "plain",
        member: int = 0,
        compressed_offset: int = 0,
        decompressed_offset: int = 0,
        rest: Position | None = None,
    ) -> None:
        super().__init__(message, frame=frame, offset=offset, line=line, position=position, reason=reason)
        self.path = path
        self.format = format
        self.member = member
        self.compressed_offset = compressed_offset
        self.decompressed_offset = decompressed_offset
        self.rest = rest

    def _note_cut(self, cut: StreamError) -> None:
        """Take over which line the damage cut."""
        self.frame, self.offset, self.line, self.position = cut.frame, cut.offset, cut.line, cut.position


class LogFileTruncatedError(LogFileError, TruncatedError):
    """A file ends too early. ``reason`` is one of:

    ``truncated_archive``: the file ends inside a member or frame, as it does while it is being written.
    ``shrank``: the file became shorter while it was read.
    """


class CheckpointError(StreamError):
    """A checkpoint cannot be gone on from. Nothing was read: it never means a silent start from the beginning.

    ``offset`` and ``line`` are where the checkpoint says to go on, 0 and None if it could not be read.
    ``reason`` is one of:

        ``damaged``: the checkpoint is empty, cut, or no checkpoint at all, or its path is that of a pipe or a device.
        ``version``: it was written by another version in a form that this one does not know.
        ``other_file``: the file under this name is not the one that was read, nor is any rotated one beside it; or it
            is to be followed, and is gone.
        ``shrank``: the file is shorter than the offset, and no rotated file beside it holds the rest.
        ``locked``: another process uses the checkpoint.

    Attributes:
        checkpoint: The path of the checkpoint.
        path: The path of the log file; None if it is not about one.
    """

    checkpoint: str
    path: str | None

    def __init__(
        self,
        message: str = "",
        *,
        offset: int = 0,
        line: int | None = None,
        reason: str = "",
        checkpoint: str = "",
        path: str | None = None,
    ) -> None:
        super().__init__(message, offset=offset, line=line, reason=reason)
        self.checkpoint = checkpoint
        self.path = path
