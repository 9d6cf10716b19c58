"""The stream over logs that are followed, as its user sees it: sync and async, with the waits between two looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from types import TracebackType
from typing import Any, TypeVar

from ndstream._sources.clocks import Clock
from ndstream.logs._following.changes import Change
from ndstream.logs._following.follower import Follower

T = TypeVar("T")


class FollowStream(chain[T]):
    """An iterator, and an async iterator, over the values of logs as they are written. It is made by `follow`.

    It ends when it is closed, and after `stop_after_idle`. After an error the iteration can go on.

    Raises:
        StreamError: From ``next``: a line is bad, or a rotated archive is damaged.
        OSError: From ``next``: a file cannot be read, or the checkpoint or a dead letter not written.

    Example:
        >>> from ndstream import logs
        >>> async def show():
        ...     async with logs.follow("/var/log/app/*.log") as stream:
        ...         async for value in stream:
        ...             print(stream.path, stream.line, value)
    """

    _follower: Follower
    _clock: Clock
    _steps: Iterator[Iterable[Any] | float]
    _values: Iterator[T]

    @property
    def path(self) -> str | None:
        """The path, as it is followed, of the log that the last value came from; None before the first."""
        log = self._follower.log
        return None if log is None else log.path

    @property
    def offset(self) -> int:
        """Where the last line ended, in bytes of its file."""
        decoder = self._follower.decoder
        return 0 if decoder is None else decoder.offset

    @property
    def line(self) -> int:
        """The 1-based number of the last line in its file; if the log was begun at its end, counted from there."""
        decoder = self._follower.decoder
        return 0 if decoder is None else decoder.line

    @property
    def changes(self) -> list[Change]:
        """What happened to the files, the last thousand of it."""
        return list(self._follower.changes)

    @property
    def closed(self) -> bool:
        """Whether the files have been released."""
        return self._follower.closed

    def commit(self) -> None:
        """Save that all values that came so far, the last one included, were dealt with.

        Raises:
            OSError: The checkpoint cannot be written; the old one is intact.
            ValueError: There is no checkpoint.
        """
        self._follower.commit()

    def close(self) -> None:
        """Save the checkpoint, and release all files. Closing twice is harmless.

        Saved is all that came before the value that was given last, which may not have been dealt with yet.

        Raises:
            OSError: The checkpoint cannot be written; the old one is intact.
        """
        self._clock.wake()
        self._follower.close()

    async def aclose(self) -> None:
        """The same, for ``async with``."""
        self.close()

    def __enter__(self) -> FollowStream[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> FollowStream[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> FollowStream[T]:
        return self

    async def __anext__(self) -> T:
        while not self._follower.closed:
            for value in self._values:
                return value
            step = next(self._steps, None)
            if step is None:
                self.close()
            elif isinstance(step, float):
                await self._clock.sleep(step)
            else:
                self._values = iter(step)
                # Other tasks have their turn while there is always more to read.
                await self._clock.sleep(0)
        raise StopAsyncIteration

    def __del__(self) -> None:
        if hasattr(self, "_follower"):
            self.close()


def stream_of(follower: Follower, clock: Clock) -> FollowStream[Any]:
    """The stream of what a follower finds."""
    steps = follower.steps()
    stream: FollowStream[Any] = FollowStream.from_iterable(_waiting(steps, follower, clock))  # type: ignore[assignment]
    stream._follower, stream._clock, stream._steps, stream._values = follower, clock, steps, iter(())
    return stream


def _waiting(steps: Iterator[Iterable[Any] | float], follower: Follower, clock: Clock) -> Iterator[Iterable[Any]]:
    """The steps for a thread: the waits are waited for."""
    for step in steps:
        if isinstance(step, float):
            clock.wait(step)
        else:
            yield step
    follower.close()
