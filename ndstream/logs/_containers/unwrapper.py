"""What a program wrote, out of the envelopes that Docker and CRI put around its lines.

The runtimes cut long lines into parts. The parts of a stream (stdout, stderr) are joined as bytes, whatever lies
between them, also from one file to the next generation of the same log, and only then decoded: a part may end in
the middle of a character or of an escape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from ndstream._core import NDJSONDecoder
from ndstream._diagnosis import shown, where
from ndstream._errors import DecodeError, StreamError, TruncatedError
from ndstream.logs._containers.line_formats import FORMS, Container, Envelope, cri_part, docker_part
from ndstream.logs._containers.unfinished_line import UnfinishedLine

T = TypeVar("T")


class _Fields(NamedTuple):
    # CPython 3.10 lets no NamedTuple itself be generic.
    value: Any
    time: str
    stream: str


class Record(_Fields, Generic[T]):
    """A value that was unwrapped, and its envelope.

    Attributes:
        value: What `loads` made of the text.
        time: When the line, or its first part, was written, as the runtime spells it (RFC 3339).
        stream: "stdout" or "stderr".
    """

    __slots__ = ()
    value: T


class Unwrapper(Generic[T]):
    """Takes envelopes off and joins parts, for all files of a stream.

    Args:
        container: Whose envelopes they are.
        make_decoder: Makes the decoder for the texts, given its ``on_error=``.
        max_frame_size: The longest text, in bytes; None for no limit.
        on_error: "raise", "skip" or a callable.

    Attributes:
        frames: How many values came out of the current file.
        errors: How many bad lines and texts it had.
        offset: Where the first line of the last whole text begins, in bytes of the content of its file.
        line: The 1-based number of that line.
    """

    def __init__(
        self,
        container: Container,
        make_decoder: Callable[[Any], NDJSONDecoder[T]],
        max_frame_size: int | None,
        on_error: Any,
    ) -> None:
        self._split = {"docker": docker_part, "cri": cri_part}[container]
        self._container = container
        self._decoder = make_decoder(self._hand_over if callable(on_error) else on_error)
        self._max_size = max_frame_size
        self._on_error = on_error
        self._envelope: Envelope | None = None
        self._unfinished: dict[str, UnfinishedLine] = {}
        self._group: str | None = None
        self._began = False
        self.frames = 0
        self.errors = 0
        self.offset = self.line = 0

    @property
    def is_unfinished(self) -> bool:
        """Whether a line waits for its last part."""
        return bool(self._unfinished)

    def unfinished(self) -> tuple[UnfinishedLine, ...]:
        """The lines that wait for their last part, the oldest first."""
        return tuple(self._unfinished.values())

    def go_on_with(self, unfinished: Iterable[UnfinishedLine]) -> None:
        """Wait for the last parts of these lines, and of no others."""
        self._unfinished = {line.envelope.stream: line for line in unfinished}

    def may_change_to(self, group: str | None) -> bool:
        """Go on with a file of this log. If it is another log, what is unfinished has to be taken first."""
        if self._began and (group is None or group != self._group) and self._unfinished:
            return True
        self._began, self._group = True, group
        return False

    def leftovers(self) -> Iterator[Any]:
        """No values: an error for each line whose last part never came."""
        return _Leftovers(self)

    def report_leftover(self) -> None:
        """Report the oldest line that is unfinished."""
        stream = next(iter(self._unfinished))
        message = self._unfinished.pop(stream)
        text = bytes(message.text)
        self._report(
            TruncatedError(
                f"the message at byte {message.offset} (line {message.line}) of {stream} is unfinished: its last part "
                "never came; the container may have been killed while it wrote",
                frame=text,
                offset=message.offset,
                line=message.line,
                position=len(text),
                reason="unfinished",
            ),
            message.envelope,
        )

    def values(self, lines: Iterator[bytes], decoder: NDJSONDecoder[bytes]) -> Iterator[Record[T]]:
        """The values of one file, or of what a decoder has to give now.

        Args:
            lines: The lines as they are.
            decoder: The decoder of `lines`, which knows where they are.
        """
        self.frames = self.errors = 0
        return _Values(self, lines, decoder)

    def take(
        self, line: bytes, offset: int, number: int, *, has_carriage_return: bool, is_cut: bool
    ) -> Iterator[Record[T]]:
        """The value of a line; none of a part that is not the last, and of what was skipped."""
        # That is no part of the line's end: runtimes write LF alone. It is a byte of the text that a part ends with.
        part = self._split(line + b"\r" if has_carriage_return else line)
        if part is None:
            self._report(self._no_envelope(line, offset, number, is_cut), None)
            return
        envelope, text, is_last = part
        message = self._unfinished.pop(envelope.stream, None)
        if message is None:
            if is_last:
                # As nearly all lines are.
                yield from self._decode(envelope, offset, number, text, is_cut)
                return
            message = UnfinishedLine(envelope, offset, number, 0, bytearray(), 0)
        # Past the limit one byte more is enough for the decoder to say so.
        room = len(text) if self._max_size is None else max(0, self._max_size + 1 - len(message.text))
        message.text.extend(text[:room])
        message = message._replace(size=message.size + len(text), kept=len(message.text))
        if is_last:
            yield from self._decode(message.envelope, message.offset, message.line, bytes(message.text), is_cut)
        else:
            self._unfinished[envelope.stream] = message

    def _decode(self, envelope: Envelope, offset: int, line: int, text: bytes, is_cut: bool) -> Iterator[Record[T]]:
        decoder = self._decoder
        self._envelope = envelope
        self.offset, self.line = offset, line
        decoder.reset(offset=offset, line=line - 1)
        try:
            # The text of a line of CRI ends where the line does. An envelope of Docker that was cut is none.
            for value in (
                decoder.feed(text).finish() if is_cut and self._container == "cri" else decoder.feed(text + b"\n")
            ):
                yield Record(value, *envelope)
                self.frames += 1
        except StreamError as error:
            self.errors += 1
            raise with_envelope(error, envelope) from error.__cause__
        self.errors += decoder.errors

    def _hand_over(self, error: StreamError) -> None:
        """Give an error of the decoder to the user's callable."""
        if self._envelope is not None:
            with_envelope(error, self._envelope)
        self._on_error(error)

    def _no_envelope(self, line: bytes, offset: int, number: int, is_cut: bool) -> StreamError:
        place = where("line", offset, number)
        if is_cut:
            return TruncatedError(
                f"{place} was cut by the end of the file: {shown(line)}",
                frame=line,
                offset=offset,
                line=number,
                position=len(line),
                reason="unfinished",
            )
        return DecodeError(
            f"{place} is no line of a {self._container} log, which has the form {FORMS[self._container]}: "
            f"{shown(line)}; leave out unwrap= for lines without an envelope",
            frame=line,
            offset=offset,
            line=number,
            reason="invalid_envelope",
        )

    def _report(self, error: StreamError, envelope: Envelope | None) -> None:
        self.errors += 1
        if envelope is not None:
            with_envelope(error, envelope)
        if callable(self._on_error):
            self._on_error(error)
        elif self._on_error == "raise":
            raise error


class _Values(Iterator[Any]):
    """The values of one file. After an error it goes on, as a generator would not."""

    def __init__(self, unwrapper: Unwrapper[Any], lines: Iterator[bytes], decoder: NDJSONDecoder[bytes]) -> None:
        self._unwrapper = unwrapper
        self._lines = lines
        self._decoder = decoder
        self._waiting: Iterator[Any] = iter(())

    def __next__(self) -> Any:
        while True:
            for value in self._waiting:
                return value
            line = next(self._lines)
            decoder = self._decoder
            offset = decoder._frame_offset
            has_carriage_return = decoder.offset - offset - len(line) == 2 - decoder.unterminated
            self._waiting = self._unwrapper.take(
                line, offset, decoder.line, has_carriage_return=has_carriage_return, is_cut=decoder.unterminated
            )


class _Leftovers(Iterator[Any]):
    def __init__(self, unwrapper: Unwrapper[Any]) -> None:
        self._unwrapper = unwrapper

    def __next__(self) -> Any:
        while self._unwrapper.is_unfinished:
            self._unwrapper.report_leftover()
        raise StopIteration


def with_envelope(error: StreamError, envelope: Envelope) -> StreamError:
    """The error, with the envelope of its line in ``error.envelope``."""
    error.envelope = envelope  # type: ignore[attr-defined]
    return error


_ENVELOPE_SIZE = 64 * 1024


def make_unwrapping(
    container: Container, loads: Callable[[bytes], T], max_frame_size: int | None, on_error: Any, **selection: Any
) -> tuple[Callable[[], Unwrapper[T]], Callable[[], NDJSONDecoder[bytes]]]:
    """What makes unwrappers, and decoders for the lines as they are in the file.

    Args:
        container: Whose envelopes they are.
        loads: A callable from a text to a value.
        max_frame_size: The longest text, in bytes; None for no limit.
        on_error: "raise", "skip" or a callable.
        selection: Options of the decoder for texts.

    Raises:
        ValueError: There are no such envelopes.
    """
    if container not in ("docker", "cri"):
        raise ValueError(f"unwrap must be 'docker', 'cri' or None, not {container!r}")

    def make_decoder(handler: Any) -> NDJSONDecoder[T]:
        return NDJSONDecoder(loads=loads, max_frame_size=max_frame_size, on_error=handler, **selection)

    # An envelope needs some room around its part of the text, in which each byte may be an escape.
    limit = None if max_frame_size is None else 6 * max_frame_size + _ENVELOPE_SIZE
    return (
        partial(Unwrapper, container, make_decoder, max_frame_size, on_error),
        partial(NDJSONDecoder, loads=bytes, max_frame_size=limit, on_error=on_error),
    )
