"""Standard output without a buffer, which does not mix with a progress bar on the same terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Hideable(Protocol):
    """What can be removed from the terminal for a moment."""

    def hidden(self) -> AbstractContextManager[None]: ...


class Output(io.FileIO):
    """Standard output without a buffer. A bar on the same terminal is removed during each write.

    Attributes:
        bar: The progress bar on the terminal that this writes to, if there is one.
    """

    bar: Hideable | None = None

    def __init__(self) -> None:
        with _named():
            super().__init__(1, "wb", closefd=False)

    def write(self, data: ReadableBuffer, /) -> int:
        """Write once, as `io.FileIO.write` does."""
        with _named(), nullcontext() if self.bar is None else self.bar.hidden():
            return super().write(data)

    def write_all(self, *pieces: ReadableBuffer) -> None:
        """Write until all is written. A bar does not come between two pieces."""
        for piece in pieces if self.bar is None else [b"".join(pieces)]:
            rest = memoryview(piece)
            while rest:
                rest = rest[self.write(rest) :]


@contextmanager
def _named() -> Iterator[None]:
    """Name standard output in errors."""
    try:
        yield
    except OSError as error:
        error.filename = "standard output"
        raise
