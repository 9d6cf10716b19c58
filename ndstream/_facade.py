"""The five public functions: hand over a source, iterate over what comes out.

Each works on sync and async sources: the source decides whether a `Stream` or an `AsyncStream`
comes back. The options are those of the decoders, which say more of each.
The file is long since each function has its types, its arguments and its example; what they do is a few lines each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, overload

from orjson import loads as orjson_loads

from ndstream._core import (
    DEFAULT_MAX_FRAME_SIZE,
    ConcatenatedJSONDecoder,
    Decoder,
    Event,
    JSONSeqDecoder,
    NDJSONDecoder,
    SSEDecoder,
)
from ndstream._errors import StreamError
from ndstream._framing import FORMATS, Format, body_of_json, make_decoder, sniffed
from ndstream._sources.drain import DEFAULT_DRAIN
from ndstream._sources.headers import framing
from ndstream._sources.protocols import AsyncSource, EitherSource, SyncSource
from ndstream._streams import AsyncStream, Stream
from ndstream._streams.either_stream import EitherStream
from ndstream._streams.read_options import ReadOptions, close_unused

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")

OnError = Literal["raise", "skip"] | Callable[[StreamError], object]
OnTruncated = Literal["raise", "discard", "emit"]


class _Options(TypedDict, total=False):
    max_frame_size: int | None
    on_error: OnError
    done: bytes | str | None
    require_done: bool
    drain: tuple[int, float] | None
    idle_timeout: float | None
    prefetch: int


class _NDJSONOptions(_Options, total=False):
    contains: bytes | str | Iterable[bytes | str] | None
    blank_lines: Literal["skip", "error"]


class _ConcatenatedOptions(_Options, total=False):
    items: bool
    contains: bytes | str | Iterable[bytes | str] | None


class _SSEOptions(_Options, total=False):
    loads: Callable[[bytes], Any]
    on_truncated: OnTruncated
    raw: bool
    on_comment: Callable[[str], object] | None
    empty_events: bool
    last_event_id: str


class _StreamOptions(_Options, total=False):
    format: Format | None
    on_truncated: OnTruncated
    contains: bytes | str | Iterable[bytes | str] | None


@overload
def ndjson(
    source: EitherSource, *, loads: Callable[[bytes], T], **options: Unpack[_NDJSONOptions]
) -> EitherStream[T]: ...
@overload
def ndjson(source: EitherSource, **options: Unpack[_NDJSONOptions]) -> EitherStream[Any]: ...
@overload
def ndjson(
    source: AsyncSource, *, loads: Callable[[bytes], T], **options: Unpack[_NDJSONOptions]
) -> AsyncStream[T]: ...
@overload
def ndjson(source: AsyncSource, **options: Unpack[_NDJSONOptions]) -> AsyncStream[Any]: ...
@overload
def ndjson(source: SyncSource, *, loads: Callable[[bytes], T], **options: Unpack[_NDJSONOptions]) -> Stream[T]: ...
@overload
def ndjson(source: SyncSource, **options: Unpack[_NDJSONOptions]) -> Stream[Any]: ...
def ndjson(
    source: Any,
    *,
    loads: Callable[[bytes], Any] = orjson_loads,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    on_error: OnError = "raise",
    contains: bytes | str | Iterable[bytes | str] | None = None,
    blank_lines: Literal["skip", "error"] = "skip",
    done: bytes | str | None = None,
    require_done: bool = False,
    drain: tuple[int, float] | None = DEFAULT_DRAIN,
    idle_timeout: float | None = None,
    prefetch: int = 0,
) -> Any:
    """Iterate over the values of NDJSON (JSON Lines): one JSON value a line.

    Args:
        source: Where the bytes come from: a response of an HTTP client, the request in a server,
            bytes, a path, a binary file or pipe, a socket, a byte stream of an event loop, an
            iterable or async iterable of bytes. The stream owns it and closes it at its end.
        loads: A callable from a payload (bytes) to a value.
        max_frame_size: The longest line, in bytes without its end; None for no limit.
        on_error: "raise" (the iteration can go on after the error), "skip" (bad lines are counted
            in ``stream.decoder.errors``), or a callable that is given each error.
        contains: Decode only lines that hold these bytes, or one of several needles.
        blank_lines: "skip", or "error" to take a blank line for a bad one.
        done: A payload that ends the stream at once, such as "[DONE]".
        require_done: Whether a stream that ends without `done` is truncated.
        drain: How much is read after the sentinel of a response, and dropped, so that its connection
            can serve the next request: at most this many bytes and seconds; None to close at once.
        idle_timeout: How many seconds to wait for a value of an async source; heartbeats do
            not count. Then a `TruncatedError` with the reason ``stalled`` ends the stream.
        prefetch: How many chunks to read ahead, in a thread or a task, so that reading and decoding
            go on at once; 0 to read when asked.

    Returns:
        A `Stream`, or an `AsyncStream` if the source is async.

    Raises:
        TypeError: Nothing that bytes can be read from, or an option of the wrong type.
        ValueError: An option has none of its values, or a file or socket is non-blocking.
        OSError: The path cannot be opened.

    Example:
        >>> import ndstream
        >>> list(ndstream.ndjson([b'{"a":1}\\n{"a', b'":2}\\n']))
        [{'a': 1}, {'a': 2}]
    """
    read_options = ReadOptions(drain, idle_timeout, prefetch)
    decoder = NDJSONDecoder(
        loads=loads,
        max_frame_size=max_frame_size,
        on_error=on_error,
        contains=contains,
        blank_lines=blank_lines,
        done=done,
        require_done=require_done,
    )
    return read_options.stream(read_options.open(source), decoder)


@overload
def sse(source: EitherSource, **options: Unpack[_SSEOptions]) -> EitherStream[Event]: ...
@overload
def sse(source: AsyncSource, **options: Unpack[_SSEOptions]) -> AsyncStream[Event]: ...
@overload
def sse(source: SyncSource, **options: Unpack[_SSEOptions]) -> Stream[Event]: ...
def sse(
    source: Any,
    *,
    loads: Callable[[bytes], Any] = orjson_loads,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    on_error: OnError = "raise",
    on_truncated: OnTruncated = "raise",
    raw: bool = False,
    on_comment: Callable[[str], object] | None = None,
    empty_events: bool = False,
    done: bytes | str | None = None,
    require_done: bool = False,
    last_event_id: str = "",
    drain: tuple[int, float] | None = DEFAULT_DRAIN,
    idle_timeout: float | None = None,
    prefetch: int = 0,
) -> Any:
    """Iterate over server-sent events (WHATWG HTML, section 9.2).

    Args:
        source: Where the bytes come from, as in `ndjson`.
        loads: What ``event.json()`` decodes with: a callable from bytes to a value.
        max_frame_size: The largest event, in bytes of its data; None for no limit.
        on_error: "raise", "skip" or a callable, as in `ndjson`.
        on_truncated: What to do with an event that the end of the stream cuts: "raise" a
            `TruncatedError`, "discard" it as the standard does, or "emit" it.
        raw: Whether events carry their exact bytes in ``event.raw``, with the comment lines before them.
        on_comment: A callable that is given the text of each comment (a str), as it is read; keep-alives of
            some servers carry data. None to count comments alone.
        empty_events: Whether to yield an event for a block that has an id, a retry or an event type but no
            data, which the standard does not dispatch.
        done: Data that ends the stream at once, such as "[DONE]".
        require_done: Whether a stream that ends without `done` is truncated.
        last_event_id: The id to begin with, if the stream continues an earlier one.
        drain: What is read after the sentinel of a response, in bytes and seconds, as in `ndjson`.
        idle_timeout: How many seconds to wait for a value of an async source, as in `ndjson`.
        prefetch: How many chunks to read ahead, as in `ndjson`.

    Returns:
        A `Stream` of `Event`, or an `AsyncStream` if the source is async.

    Raises:
        TypeError: Nothing that bytes can be read from, or an option of the wrong type.
        ValueError: An option has none of its values, or a file or socket is non-blocking.
        OSError: The path cannot be opened.

    Example:
        >>> import ndstream
        >>> [event.data for event in ndstream.sse([b"data: a\\r", b"\\n\\r\\ndata: b\\n\\n"])]
        ['a', 'b']
    """
    read_options = ReadOptions(drain, idle_timeout, prefetch)
    decoder: SSEDecoder[Any] = SSEDecoder(
        loads=loads,
        max_frame_size=max_frame_size,
        on_error=on_error,
        on_truncated=on_truncated,
        raw=raw,
        on_comment=on_comment,
        empty_events=empty_events,
        done=done,
        require_done=require_done,
        last_event_id=last_event_id,
    )
    return read_options.stream(read_options.open(source), decoder)


@overload
def jsonseq(source: EitherSource, *, loads: Callable[[bytes], T], **options: Unpack[_Options]) -> EitherStream[T]: ...
@overload
def jsonseq(source: EitherSource, **options: Unpack[_Options]) -> EitherStream[Any]: ...
@overload
def jsonseq(source: AsyncSource, *, loads: Callable[[bytes], T], **options: Unpack[_Options]) -> AsyncStream[T]: ...
@overload
def jsonseq(source: AsyncSource, **options: Unpack[_Options]) -> AsyncStream[Any]: ...
@overload
def jsonseq(source: SyncSource, *, loads: Callable[[bytes], T], **options: Unpack[_Options]) -> Stream[T]: ...
@overload
def jsonseq(source: SyncSource, **options: Unpack[_Options]) -> Stream[Any]: ...
def jsonseq(
    source: Any,
    *,
    loads: Callable[[bytes], Any] = orjson_loads,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    on_error: OnError = "raise",
    done: bytes | str | None = None,
    require_done: bool = False,
    drain: tuple[int, float] | None = DEFAULT_DRAIN,
    idle_timeout: float | None = None,
    prefetch: int = 0,
) -> Any:
    """Iterate over the values of a JSON text sequence (RFC 7464).

    Args:
        source: Where the bytes come from, as in `ndjson`.
        loads: A callable from a payload (bytes) to a value.
        max_frame_size: The longest element, in bytes; None for no limit.
        on_error: "raise", "skip" or a callable, as in `ndjson`.
        done: A payload that ends the stream at once.
        require_done: Whether a stream that ends without `done` is truncated.
        drain: What is read after the sentinel of a response, in bytes and seconds, as in `ndjson`.
        idle_timeout: How many seconds to wait for a value of an async source, as in `ndjson`.
        prefetch: How many chunks to read ahead, as in `ndjson`.

    Returns:
        A `Stream`, or an `AsyncStream` if the source is async.

    Raises:
        TypeError: Nothing that bytes can be read from, or an option of the wrong type.
        ValueError: An option has none of its values, or a file or socket is non-blocking.
        OSError: The path cannot be opened.

    Example:
        >>> import ndstream
        >>> list(ndstream.jsonseq(b'\\x1e{"a":\\n1}\\n\\x1e2\\n'))
        [{'a': 1}, 2]
    """
    read_options = ReadOptions(drain, idle_timeout, prefetch)
    decoder = JSONSeqDecoder(
        loads=loads,
        max_frame_size=max_frame_size,
        on_error=on_error,
        done=done,
        require_done=require_done,
    )
    return read_options.stream(read_options.open(source), decoder)


@overload
def concatenated(
    source: EitherSource, *, loads: Callable[[bytes], T], **options: Unpack[_ConcatenatedOptions]
) -> EitherStream[T]: ...
@overload
def concatenated(source: EitherSource, **options: Unpack[_ConcatenatedOptions]) -> EitherStream[Any]: ...
@overload
def concatenated(
    source: AsyncSource, *, loads: Callable[[bytes], T], **options: Unpack[_ConcatenatedOptions]
) -> AsyncStream[T]: ...
@overload
def concatenated(source: AsyncSource, **options: Unpack[_ConcatenatedOptions]) -> AsyncStream[Any]: ...
@overload
def concatenated(
    source: SyncSource, *, loads: Callable[[bytes], T], **options: Unpack[_ConcatenatedOptions]
) -> Stream[T]: ...
@overload
def concatenated(source: SyncSource, **options: Unpack[_ConcatenatedOptions]) -> Stream[Any]: ...
def concatenated(
    source: Any,
    *,
    loads: Callable[[bytes], Any] = orjson_loads,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    on_error: OnError = "raise",
    items: bool = False,
    contains: bytes | str | Iterable[bytes | str] | None = None,
    done: bytes | str | None = None,
    require_done: bool = False,
    drain: tuple[int, float] | None = DEFAULT_DRAIN,
    idle_timeout: float | None = None,
    prefetch: int = 0,
) -> Any:
    """Iterate over JSON values that follow one another, on one line or many, or over the elements of arrays.

    A value ends with its last bracket or quote, a number with what follows it. NDJSON can be read so as
    well; but there one bad line is one error, where here an unclosed bracket costs all that follows it.

    Args:
        source: Where the bytes come from, as in `ndjson`.
        loads: A callable from a payload (bytes) to a value.
        max_frame_size: The longest value or element, in bytes; None for no limit.
        on_error: "raise", "skip" or a callable, as in `ndjson`.
        items: Whether to yield the elements of top-level arrays one by one, however long these are. A
            top-level value that is no array comes as itself.
        contains: Decode only values or elements that hold these bytes, or one of several needles.
        done: A payload that ends the stream at once, such as "[DONE]"; with `items` no array.
        require_done: Whether a stream that ends without `done` is truncated.
        drain: What is read after the sentinel of a response, in bytes and seconds, as in `ndjson`.
        idle_timeout: How many seconds to wait for a value of an async source, as in `ndjson`.
        prefetch: How many chunks to read ahead, as in `ndjson`.

    Returns:
        A `Stream`, or an `AsyncStream` if the source is async. With `items`, its
        ``decoder.array_closed`` says whether the last array was closed.

    Raises:
        TypeError: Nothing that bytes can be read from, or an option of the wrong type.
        ValueError: An option has none of its values, or a file or socket is non-blocking.
        OSError: The path cannot be opened.

    Example:
        >>> import ndstream
        >>> list(ndstream.concatenated([b'{"a":1}{"a"', b':\\n2}']))
        [{'a': 1}, {'a': 2}]
        >>> list(ndstream.concatenated([b'[{"a":1},\\n', b' {"a":2}]'], items=True))
        [{'a': 1}, {'a': 2}]
    """
    read_options = ReadOptions(drain, idle_timeout, prefetch)
    decoder = ConcatenatedJSONDecoder(
        loads=loads,
        max_frame_size=max_frame_size,
        on_error=on_error,
        items=items,
        contains=contains,
        done=done,
        require_done=require_done,
    )
    return read_options.stream(read_options.open(source), decoder)


@overload
def stream(
    source: EitherSource, *, loads: Callable[[bytes], T], **options: Unpack[_StreamOptions]
) -> EitherStream[T]: ...
@overload
def stream(source: EitherSource, **options: Unpack[_StreamOptions]) -> EitherStream[Any]: ...
@overload
def stream(
    source: AsyncSource, *, loads: Callable[[bytes], T], **options: Unpack[_StreamOptions]
) -> AsyncStream[T]: ...
@overload
def stream(source: AsyncSource, **options: Unpack[_StreamOptions]) -> AsyncStream[Any]: ...
@overload
def stream(source: SyncSource, *, loads: Callable[[bytes], T], **options: Unpack[_StreamOptions]) -> Stream[T]: ...
@overload
def stream(source: SyncSource, **options: Unpack[_StreamOptions]) -> Stream[Any]: ...
def stream(
    source: Any,
    *,
    format: Format | None = None,
    loads: Callable[[bytes], Any] = orjson_loads,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    on_error: OnError = "raise",
    on_truncated: OnTruncated = "raise",
    contains: bytes | str | Iterable[bytes | str] | None = None,
    done: bytes | str | None = "[DONE]",
    require_done: bool = False,
    drain: tuple[int, float] | None = DEFAULT_DRAIN,
    idle_timeout: float | None = None,
    prefetch: int = 0,
) -> Any:
    """Iterate over the JSON values of a stream, whatever its framing.

    The Content-Type of a response decides the framing; without one that names a framing, the first bytes
    do. ``application/json`` whose first line leaves a bracket open is read as concatenated JSON, such as
    one document over many lines; otherwise an array in it is one value. Of server-sent events it takes
    the data; events whose data is empty are skipped.

    Args:
        source: Where the bytes come from, as in `ndjson`.
        format: "ndjson", "sse", "jsonseq" or "json" (see `concatenated`), whatever the response says; None to
            detect it, which never chooses "json" without a Content-Type that does.
        loads: A callable from a payload (bytes) to a value.
        max_frame_size: The largest payload, in bytes; None for no limit.
        on_error: "raise", "skip" or a callable, as in `ndjson`.
        on_truncated: What to do with an event that the end of the stream cuts, as in `sse`. It has no
            meaning in other framings, and is refused if `format` names one of those.
        contains: Decode only lines that hold these bytes, or one of several needles; for NDJSON and
            "json" alone.
        done: A payload that ends the stream at once; None for none.
        require_done: Whether a stream that ends without `done` is truncated.
        drain: What is read after the sentinel of a response, in bytes and seconds, as in `ndjson`.
        idle_timeout: How many seconds to wait for a value of an async source, as in `ndjson`.
        prefetch: How many chunks to read ahead, as in `ndjson`.

    Returns:
        A `Stream`, or an `AsyncStream` if the source is async.

    Raises:
        TypeError: Nothing that bytes can be read from, or an option of the wrong type.
        ValueError: An option has none of its values, or does not go with the framing; a file or socket
            is non-blocking; the response is the binary event stream of AWS.
        OSError: The path cannot be opened.

    Example:
        >>> import ndstream
        >>> list(ndstream.stream(b'data: {"a":1}\\n\\ndata: [DONE]\\n\\n'))
        [{'a': 1}]
    """
    make: Callable[[Format], Decoder[Any]] = partial(
        make_decoder,
        loads=loads,
        max_frame_size=max_frame_size,
        on_error=on_error,
        on_truncated=on_truncated,
        contains=contains,
        done=done,
        require_done=require_done,
    )
    # Options are checked here, not when the first bytes come.
    read_options = ReadOptions(drain, idle_timeout, prefetch)
    decoder: Decoder[Any] | None = make("ndjson" if format is None else format)
    if format not in (None, "sse") and on_truncated != "raise":
        raise ValueError(f"on_truncated= is for server-sent events, and this stream is to be {format}")
    opened = read_options.open(source)
    try:
        known = format or framing(opened.headers)
        by_first_line = format is None and known == "json"
        decoder = None if known is None or by_first_line else make(known)
    except BaseException:
        close_unused(opened)
        raise
    return read_options.stream(opened, decoder, body_of_json(make, max_frame_size) if by_first_line else sniffed(make))


__all__ = ["FORMATS", "concatenated", "jsonseq", "ndjson", "sse", "stream"]
