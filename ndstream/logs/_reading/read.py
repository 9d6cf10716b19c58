"""The way in: from paths to a stream of values."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, overload

from orjson import loads as orjson_loads

from ndstream._core import DEFAULT_MAX_FRAME_SIZE, NDJSONDecoder
from ndstream._errors import StreamError
from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._containers.line_formats import Container
from ndstream.logs._containers.unwrapper import Record, Unwrapper, make_unwrapping
from ndstream.logs._dead_letters.dead_letters import DeadLetter, DeadLetters
from ndstream.logs._dead_letters.letter_list import LetterList
from ndstream.logs._files.after_damage import open_after_damage
from ndstream.logs._files.compressed_copies import compressed_copies
from ndstream.logs._files.distinct_files import refuse_to_write_to
from ndstream.logs._files.opened_file import DEFAULT_MAX_WINDOW, SEARCHED_CHUNK_SIZE, open_file
from ndstream.logs._files.paths import BinaryFile, PathOrFile, find_files
from ndstream.logs._files.positions import START, Position
from ndstream.logs._files.remote import is_url
from ndstream.logs._reading.bookkeeping import BadLines, open_bookkeeping
from ndstream.logs._reading.fields import Fields, row_decoder
from ndstream.logs._reading.log_files import LogFiles
from ndstream.logs._reading.needles import kept_needles
from ndstream.logs._reading.stream import LogStream, stream_of
from ndstream.logs._splits.open_split import open_rest_of_split, open_split
from ndstream.logs._splits.splits import Split

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")

OnError = Literal["raise", "skip"] | Callable[[StreamError], object]


class _Options(TypedDict, total=False):
    contains: bytes | str | Iterable[bytes | str] | None
    sample: float | None
    seed: int
    on_error: OnError
    max_frame_size: int | None
    max_window: int | None
    prefetch: int | None
    duplicates: bool
    start: Position
    start_line: int
    storage_options: dict[str, Any] | None
    checkpoint: Checkpoint | str | os.PathLike[str] | None
    dead_letters: DeadLetters | list[DeadLetter] | str | os.PathLike[str] | None


@overload
def read(
    paths: PathOrFile | Iterable[PathOrFile] | Split,
    *,
    unwrap: Container,
    loads: Callable[[bytes], T],
    **options: Unpack[_Options],
) -> LogStream[Record[T]]: ...
@overload
def read(
    paths: PathOrFile | Iterable[PathOrFile] | Split,
    *,
    unwrap: Container,
    fields: Fields | None = None,
    **options: Unpack[_Options],
) -> LogStream[Record[Any]]: ...
@overload
def read(
    paths: PathOrFile | Iterable[PathOrFile] | Split, *, loads: Callable[[bytes], T], **options: Unpack[_Options]
) -> LogStream[T]: ...
@overload
def read(
    paths: PathOrFile | Iterable[PathOrFile] | Split, *, fields: Fields | None = None, **options: Unpack[_Options]
) -> LogStream[Any]: ...
def read(
    paths: PathOrFile | Iterable[PathOrFile] | Split,
    *,
    loads: Callable[[bytes], Any] | None = None,
    fields: Fields | None = None,
    contains: bytes | str | Iterable[bytes | str] | None = None,
    sample: float | None = None,
    seed: int = 0,
    unwrap: Container | None = None,
    on_error: OnError = "raise",
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    max_window: int | None = DEFAULT_MAX_WINDOW,
    prefetch: int | None = None,
    duplicates: bool = False,
    start: Position = START,
    start_line: int = 0,
    storage_options: dict[str, Any] | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    dead_letters: DeadLetters | list[DeadLetter] | str | os.PathLike[str] | None = None,
) -> LogStream[Any]:
    """Iterate over the values of log files, plain or compressed, or of a split: one JSON value a line.

    The format of each file is detected from its bytes: plain, gzip, zstd, bz2, xz or lz4. Lines of two files are never
    joined, and each file has offsets and line numbers of its own.

    Args:
        paths: A path, a glob, a URL or a binary file, or several of them; or one `Split`. The matches of a glob come
            in the order of their content: of rotated files the oldest first. URLs take the extra ``remote``. The
            lines of a split have the offsets that they have in the file, and numbers from 1 in the split.
        loads: A callable from a line (bytes) to a value; ``bytes`` for the lines as they are.
        fields: Instead of `loads`: for each column a dotted path, or a path and a type. The values are then rows with
            an attribute for each column, and nothing else of a line is decoded. It takes the extra ``fields``.
        contains: Decode only lines that hold these bytes, or one of several needles. The bytes are compared as they
            are: an escape such as ``\\u0065`` is not the letter it means.
        sample: Decode only about this share of the lines, chosen by a hash of their offsets.
        seed: An integer; another one chooses another sample.
        unwrap: "docker" (json-file driver) or "cri" (Kubernetes): take off the envelope, and join the parts of long
            lines. The values are then `Record`, and errors have their envelope in ``error.envelope``.
        on_error: "raise" (the iteration can go on after the error), "skip" (bad lines are counted in the report;
            a damaged file is raised all the same), or a callable that is given each error.
        max_frame_size: The longest line, in bytes without its end; None for no limit.
        max_window: How much memory decompressing may take for the window or dictionary of an archive, in bytes;
            None for no limit.
        prefetch: How many chunks of up to 2 MiB a thread reads and decompresses ahead; 0 for none. None does so for
            archives and URLs, where it pays.
        duplicates: Whether a file that is named twice, also through a link, is read twice, and a compressed copy of a
            file beside it, which rotation leaves for a moment, as well.
        start: Where to begin in the one file that is read: the ``position`` of an earlier stream.
        start_line: How many lines precede `start`.
        storage_options: What fsspec is to know to open URLs, such as credentials.
        checkpoint: Where to save how far everything was read, and to go on from: a path, or a `Checkpoint` with
            options of its own. Pipes, URLs and file objects are read from their beginning all the same.
        dead_letters: Where to put bad lines instead of raising them: a path, `DeadLetters`, or a list, to which a
            `DeadLetter` is added for each. With a checkpoint they are appended to the file, else they replace what is
            there. A damaged file is raised all the same.

    Returns:
        A stream with the current ``path``, ``line``, ``offset``, ``compressed_offset`` and ``position``, and a
        ``report`` of what was read.

    Raises:
        FileNotFoundError: A path does not exist, or a glob matches nothing. From ``next``: the file of a split is not
            on this machine.
        IsADirectoryError: A path is a folder.
        TypeError: It is nothing that can be read, or an option has the wrong type.
        ValueError: An option has none of its values, or does not go with another one; or what is to be written is a
            file that is read.
        CheckpointError: The checkpoint is damaged or in use. From ``next``: a file is not the one that was read.
        ModuleNotFoundError: A library is missing; the message says how to get it.

    Example:
        >>> import gzip, io
        >>> from ndstream import logs
        >>> list(logs.read(io.BytesIO(gzip.compress(b'{"a":1}\\n{"a":2}\\n'))))
        [{'a': 1}, {'a': 2}]
    """
    if checkpoint is not None and start != START:
        raise ValueError("checkpoint= and start= both say where to begin: leave out one of them")
    if dead_letters is not None and on_error != "raise":
        raise ValueError("dead_letters= takes the bad lines: leave out on_error=, or dead_letters=")
    if fields is not None:
        if loads is not None:
            raise ValueError("fields= and loads= both say how lines are decoded: pass one of them")
        loads = row_decoder(fields)
    _check_window(max_window)
    if prefetch is not None and (isinstance(prefetch, bool) or not isinstance(prefetch, int)):
        raise TypeError(f"prefetch must be a number of chunks, 0 for none, or None, not {prefetch!r}")
    if prefetch is not None and prefetch < 0:
        raise ValueError(f"prefetch must be a number of chunks, 0 for none, or None, not {prefetch}")
    keep = None if dead_letters is None else BadLines()
    if keep is not None:
        on_error = keep
    decode = orjson_loads if loads is None else loads
    selection: Any = {"contains": kept_needles(contains), "sample": sample, "seed": seed}
    unwrapper: Unwrapper[Any] | None = None
    make_decoder: Callable[[], NDJSONDecoder[Any]]
    if unwrap is None:
        make_decoder = partial(
            NDJSONDecoder, loads=decode, max_frame_size=max_frame_size, on_error=on_error, **selection
        )
    else:
        make_unwrapper, make_decoder = make_unwrapping(unwrap, decode, max_frame_size, on_error, **selection)
        unwrapper = make_unwrapper()
    # Options are checked here, not when the first file is opened.
    make_decoder()
    file_options: Any = {"max_window": max_window, "ahead": prefetch, "storage_options": storage_options}
    if contains is not None or sample is not None:
        file_options["plain_chunk_size"] = SEARCHED_CHUNK_SIZE
    opener = partial(open_file, start=start, **file_options)
    repeated: list[str] = []
    if isinstance(paths, Split):
        if checkpoint is not None or unwrap is not None or start.offset:
            raise ValueError("checkpoint=, unwrap= and start= do not go together with a split: leave them out")
        sources: list[str | BinaryFile] = [paths.path]
        opener = partial(open_split, split=paths, **file_options)
        open_rest = partial(open_rest_of_split, split=paths, max_window=max_window)
    else:
        found = find_files(paths, storage_options or {})
        _check_files(found)
        repeated = [] if duplicates else compressed_copies(found)
        sources = [source for source in found if source not in repeated]
        open_rest = partial(open_after_damage, max_window=max_window)
    if start.offset and len(sources) != 1:
        raise ValueError(f"start= is a place in one file, and {len(sources)} are to be read")
    refuse_to_write_to(sources, dead_letters=dead_letters)
    collected = LetterList(dead_letters) if isinstance(dead_letters, list) else None
    letters, resumption = open_bookkeeping(
        checkpoint,
        None if isinstance(dead_letters, list) else dead_letters,
        partial(open_file, **file_options),
        unwrapper,
    )
    files = LogFiles(
        sources, opener, make_decoder, unwrapper, on_error, duplicates, resumption, letters, start_line, open_rest,
        repeated,
    )  # fmt: skip
    target = letters if collected is None else collected
    if keep is not None and target is not None:
        keep.begin(target, files, counts_lines=not isinstance(paths, Split) or paths.start == 0)
    return stream_of(files)


def _check_window(max_window: int | None) -> None:
    if max_window is not None:
        if isinstance(max_window, bool) or not isinstance(max_window, int):
            raise TypeError(f"max_window must be a number of bytes or None, not {type(max_window).__name__}")
        if max_window < 1:
            raise ValueError(f"max_window must be at least 1 byte, or None for no limit, not {max_window}")


def _check_files(sources: list[str | BinaryFile]) -> None:
    """Say at once what is missing, and not after hours of reading."""
    for source in sources:
        if isinstance(source, Split):
            raise TypeError("splits are read one by one: pass a split by itself, and no list")
        if isinstance(source, str) and not is_url(source):
            if os.path.isdir(source):
                raise IsADirectoryError(errno.EISDIR, "this is a folder; name its files, or pass a glob", source)
            os.stat(source)
