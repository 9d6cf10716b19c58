"""Files cut into splits, each of which can be read by itself, in any process on any machine.

A split owns the lines whose first byte it holds. Whatever the sizes, each line of a file is in exactly one split, and
has the offset that it has in the whole file.

In an archive, splits begin one byte after the content of a member begins. That byte tells whether a line begins after
it, so that no split needs the member before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ndstream.logs._archives.member_index import bgzf_members, zstd_members
from ndstream.logs._files.distinct_files import distinct_files
from ndstream.logs._files.fingerprint import digest
from ndstream.logs._files.opened_file import DEFAULT_MAX_WINDOW, OpenedFile, open_file
from ndstream.logs._files.paths import PathOrFile, find_files, is_pipe_or_device
from ndstream.logs._files.positions import START, Member, Position
from ndstream.logs._files.remote import is_url

DEFAULT_SPLIT_SIZE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Split:
    """A part of a log file: the lines whose first byte is in it. It can be pickled.

    Attributes:
        path: The file's path or URL.
        format: "plain", "gzip", "zstd", "bz2", "xz" or "lz4".
        start: Where the split begins, in bytes of content.
        stop: Where it ends; None for the end of an archive.
        member: The member of an archive to begin decompression with.
        size: The size of the file as stored when it was split, in bytes; None if a server does not tell it.
        head_size: How many of the first bytes of the file are in `head`.
        head: Their digest, by which the file is known again.
        unsplittable: Why the file is one split, whatever size was asked for; None if it can be split.
        stop_member: Where the member of an archive begins with which the next split begins, in bytes as stored; None
            if there is none.
    """

    path: str
    format: str
    start: int = 0
    stop: int | None = None
    member: Member = START.member
    size: int | None = None
    head_size: int = 0
    head: str = ""
    unsplittable: str | None = None
    stop_member: int | None = None

    @property
    def position(self) -> Position:
        """Where reading begins: at the byte before the split, which tells whether a line begins with it."""
        if not self.start:
            return START
        before = self.start - 1
        return Position(before, before if self.format == "plain" else self.member.compressed_offset, self.member)

    def __str__(self) -> str:
        return f"{self.path}[{self.start}:{'' if self.stop is None else self.stop}]"


def splits(
    paths: PathOrFile | Iterable[PathOrFile],
    size: int = DEFAULT_SPLIT_SIZE,
    *,
    max_window: int | None = DEFAULT_MAX_WINDOW,
    storage_options: dict[str, Any] | None = None,
) -> list[Split]:
    """Cut log files into splits, to be read by `read` one by one, in any order and anywhere.

    Plain files are cut anywhere. Archives are cut between members where these can be found: those of bgzip, and zstd
    archives of several frames. Other archives, archives at URLs, and files of servers without ranges are one split
    each, which says why.

    Args:
        paths: A path, a glob or a URL, or several of them.
        size: How large a split is at least, in bytes as stored; the last one of a file is what is left.
        max_window: How much memory decompressing may take, in bytes; None for no limit. Frames of zstd that do not
            state the size of their content, as those of pzstd, are decompressed here.
        storage_options: What fsspec is to know to open URLs.

    Returns:
        The splits, in the order in which `read` reads the files. A file that is named twice is split once,
        and one beside its compressed copy as well.

    Raises:
        OSError: A file cannot be read.
        TypeError: It is no path: splits are read again elsewhere, by their path.
        ValueError: `size` is less than 1, or a path is that of a pipe.
        ModuleNotFoundError: A library is missing; the message says how to get it.

    Example:
        >>> import pathlib, tempfile
        >>> from ndstream import logs
        >>> path = pathlib.Path(tempfile.mkdtemp(), "app.log")
        >>> _ = path.write_bytes(b'{"a":1}\\n{"a":2}\\n{"a":3}\\n')
        >>> [(split.start, split.stop, list(logs.read(split))) for split in logs.splits(path, 10)]
        [(0, 10, [{'a': 1}, {'a': 2}]), (10, 20, [{'a': 3}]), (20, 24, [])]
    """
    if isinstance(size, bool) or not isinstance(size, int):
        raise TypeError(f"size must be a number of bytes, not {type(size).__name__}")
    if size < 1:
        raise ValueError(f"size must be at least 1 byte, not {size}")
    found: list[Split] = []
    for path in distinct_files(find_files(paths, storage_options or {})):
        if isinstance(path, Split):
            raise TypeError("this is a split already; all that takes several splits takes them as one list")
        if not isinstance(path, str):
            raise TypeError(f"splits are read by their path, and {type(path).__name__} has none: pass a path")
        if not is_url(path) and is_pipe_or_device(path):
            raise ValueError(f"{path} is a pipe or a device, which cannot be read twice: use read()")
        file = open_file(path, max_window=max_window, ahead=0, storage_options=storage_options)
        try:
            found.extend(_splits_of(path, file, size, max_window))
        finally:
            file.close()
    return found


def _splits_of(path: str, file: OpenedFile, size: int, max_window: int | None) -> Iterator[Split]:
    head = len(file.head), digest(file.head)
    whole = Split(path, file.format, 0, None, Member(), file.size, *head)
    if file.format == "plain":
        if file.size is None or not file.seekable:
            yield _unsplittable(whole, "its server sends no ranges")
            return
        for start in range(0, max(file.size, 1), size):
            yield replace(whole, start=start, stop=min(start + size, file.size))
        return
    if is_url(path):
        yield _unsplittable(whole, "it is an archive at a URL, and would have to be fetched to find its members")
    elif file.format not in ("gzip", "zstd"):
        yield _unsplittable(whole, f"{file.format} archives are read as a whole")
    else:
        yield from _archive_splits(whole, size, max_window)


def _archive_splits(whole: Split, size: int, max_window: int | None) -> Iterator[Split]:
    with Path(whole.path).open("rb") as file:
        members = list(bgzf_members(file) if whole.format == "gzip" else zstd_members(file, max_window))
    if not members and whole.format == "gzip":
        yield _unsplittable(whole, "its members cannot be found without decompressing it, as those of bgzip can")
        return
    if len(members) < 2 and whole.format == "zstd":
        yield _unsplittable(whole, "it is one frame; pzstd writes several")
        return
    begins = [Member()]
    for member in members:
        if member.offset and member.compressed_offset - begins[-1].compressed_offset >= size:
            begins.append(member)
    starts = [member.offset + 1 if member.offset else 0 for member in begins]
    stop_members = [*(member.compressed_offset for member in begins[1:]), None]
    for start, stop, member, stop_member in zip(starts, [*starts[1:], None], begins, stop_members, strict=True):
        yield replace(whole, start=start, stop=stop, member=member, stop_member=stop_member)


def _unsplittable(whole: Split, reason: str) -> Split:
    return replace(whole, unsplittable=reason)
