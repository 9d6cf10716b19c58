"""Following logs: the values of files that are being written, for as long as they are.

Files are looked at by polling, which is the same on every file system: 10 ms after the last data, then less and less
often up to `poll_interval`. Nothing that logrotate keeps is lost: see `followed_log` for what may happen to a file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, overload

from orjson import loads as orjson_loads

from ndstream._core import DEFAULT_MAX_FRAME_SIZE, NDJSONDecoder
from ndstream._errors import FrameTooLargeError, StreamError
from ndstream._sources.clocks import Clock, SystemClock
from ndstream.logs._checkpoints.checkpoint import Checkpoint
from ndstream.logs._containers.line_formats import Container
from ndstream.logs._containers.unwrapper import Record, Unwrapper, make_unwrapping
from ndstream.logs._dead_letters.dead_letters import DeadLetters
from ndstream.logs._following.changes import Change
from ndstream.logs._following.follow_stream import FollowStream, stream_of
from ndstream.logs._following.followed_file import FollowedFile
from ndstream.logs._following.follower import Follower
from ndstream.logs._reading.needles import kept_needles

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")
Path = str | os.PathLike[str]

_MAX_OPEN = 4096


class _FollowOptions(TypedDict, total=False):
    start: Literal["beginning", "end"]
    checkpoint: Checkpoint | Path | None
    dead_letters: DeadLetters | Path | None
    poll_interval: float
    rotate_wait: float
    stop_after_idle: float | None
    max_open: int | None
    on_change: Callable[[Change], object] | None
    clock: Clock | None
    max_frame_size: int | None
    on_error: Literal["raise", "skip"] | Callable[[StreamError], object]
    contains: bytes | str | Iterable[bytes | str] | None
    sample: float | None
    seed: int
    blank_lines: Literal["skip", "error"]
    done: bytes | str | None
    require_done: bool


@overload
def follow(
    *paths: Path,
    unwrap: Container,
    loads: Callable[[bytes], T],
    **options: Unpack[_FollowOptions],
) -> FollowStream[Record[T]]: ...
@overload
def follow(
    *paths: Path,
    unwrap: Container,
    **options: Unpack[_FollowOptions],
) -> FollowStream[Record[Any]]: ...
@overload
def follow(
    *paths: Path,
    loads: Callable[[bytes], T],
    **options: Unpack[_FollowOptions],
) -> FollowStream[T]: ...
@overload
def follow(
    *paths: Path,
    **options: Unpack[_FollowOptions],
) -> FollowStream[Any]: ...
def follow(
    *paths: Path,
    unwrap: Container | None = None,
    start: Literal["beginning", "end"] = "beginning",
    checkpoint: Checkpoint | Path | None = None,
    dead_letters: DeadLetters | Path | None = None,
    poll_interval: float = 0.25,
    rotate_wait: float = 5.0,
    stop_after_idle: float | None = None,
    max_open: int | None = None,
    on_change: Callable[[Change], object] | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> FollowStream[Any]:
    """Iterate over the values of logs as they are written, through rotation, by ``for`` or ``async for``.

    Args:
        paths: Paths and globs. A path need not exist yet. Of a glob's matches, rotated files of another match are
            read first and belong to that log.
        unwrap: "docker" (json-file driver) or "cri" (Kubernetes): take off the envelope, and join the parts of long
            lines, also from one file to the next generation of the log. The values are then `Record`.
        start: Where to begin in the files that exist now, if the checkpoint does not know them: at the "beginning",
            or after the last line end. Files that appear later are read from their beginning.
        checkpoint: Where to save how far everything was read, and to go on from: a path, or a `Checkpoint` with
            options of its own.
        dead_letters: Where to put bad lines instead of raising them: a path, to which they are appended, or
            `DeadLetters`.
        poll_interval: How many seconds pass between two looks at a file that is at rest.
        rotate_wait: For how many seconds a rotated or deleted file has to be quiet before it is closed.
        stop_after_idle: End after so many seconds without anything new; None to go on for ever.
        max_open: How many files are kept open at the same time; by default half of what the system allows.
        on_change: Is called with each `Change`.
        clock: The time; for tests.
        options: Those of `ndstream.NDJSONDecoder`.

    Returns:
        A stream. In async code it reads files without a thread, and awaits only between two looks.

    Raises:
        CheckpointError: The checkpoint is damaged or in use, or a file is not the one that was read.
        NotImplementedError: On Windows.
        OSError: A path is a directory, a pipe or not readable.
        TypeError: An option has the wrong type.
        ValueError: No path was given, or an option has none of its values.

    Example:
        >>> from ndstream import logs
        >>> with logs.follow("app.log", checkpoint="app.checkpoint", dead_letters="bad.ndjson") as stream:
        ...     for value in stream:  # doctest: +SKIP
        ...         ...
    """
    if sys.platform == "win32":
        raise NotImplementedError(
            "files cannot be followed on Windows: a file that is open there can neither be renamed nor removed, so "
            "that following would stop its rotation; read, check and replay work"
        )
    if not paths:
        raise ValueError("there is nothing to follow: no path was given")
    if start not in ("beginning", "end"):
        raise ValueError(f'start must be "beginning" or "end", not {start!r}')
    for name, seconds in (("poll_interval", poll_interval), ("rotate_wait", rotate_wait)):
        if not seconds > 0:
            raise ValueError(f"{name} must be a number of seconds over 0, not {seconds}")
    if dead_letters is not None and "on_error" in options:
        raise ValueError("dead_letters= takes the bad lines: leave out on_error=, or dead_letters=")
    if "contains" in options:
        options["contains"] = kept_needles(options["contains"])
    # Wrong options are refused before anything is opened.
    NDJSONDecoder(**options)
    make_unwrapper: Callable[[], Unwrapper[Any]] | None = None
    clock = clock or SystemClock()
    letters = dead_letters if dead_letters is None or isinstance(dead_letters, DeadLetters) else None
    place = checkpoint if checkpoint is None or isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
    stream: FollowStream[Any] | None = None
    try:
        if letters is None and dead_letters is not None:
            assert not isinstance(dead_letters, DeadLetters)
            letters = DeadLetters(dead_letters, append=True)

        def keep(error: StreamError) -> None:
            part = follower.part
            whole = None
            is_line = isinstance(error, FrameTooLargeError) and not hasattr(error, "envelope")
            if is_line and isinstance(part, FollowedFile):
                whole = part.file.line_digest(error.offset)
            assert letters is not None
            letters.write("" if follower.log is None else follower.log.path, error, whole=whole)

        if letters is not None:
            options["on_error"] = keep
        make_decoder: Callable[[], NDJSONDecoder[Any]] = partial(NDJSONDecoder, **options)
        if unwrap is not None:
            defaults: dict[str, Any] = {
                "loads": orjson_loads,
                "max_frame_size": DEFAULT_MAX_FRAME_SIZE,
                "on_error": "raise",
            }
            make_unwrapper, make_decoder = make_unwrapping(unwrap, **(defaults | options))
        follower = Follower(
            [os.fsdecode(path) for path in paths],
            make_decoder,
            now=clock.now,
            poll_interval=poll_interval,
            rotate_wait=rotate_wait,
            at_end=start == "end",
            max_open=_most_open() if max_open is None else max_open,
            on_change=on_change,
            checkpoint=place,
            letters=letters,
            stop_after_idle=stop_after_idle,
            make_unwrapper=make_unwrapper,
        )
        stream = stream_of(follower, clock)
        return stream
    finally:
        if stream is None:
            for opened in (letters, place):
                if opened is not None:
                    opened.close()


def _most_open() -> int:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_OPEN if soft == resource.RLIM_INFINITY else max(1, min(_MAX_OPEN, soft // 2))
