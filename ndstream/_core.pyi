"""The compiled core: bytes in, frames out, and frames written. It does no input or output of its own.

A decoder is fed chunks and is its own iterator:

    decoder = NDJSONDecoder()
    for chunk in chunks:
        for value in decoder.feed(chunk):
            ...
    for value in decoder.finish():
        ...

All of them treat errors alike: a bad frame is reported in its place, after the good frames before
it, and the decoder goes on with the next frame. `loads` may fail with any
exception; it becomes the cause of a `DecodeError`, but for RuntimeError (RecursionError aside) and
MemoryError, which pass. After a MemoryError only `reset` is of use.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from types import GenericAlias
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, final, overload

from typing_extensions import Buffer, Self, disjoint_base

from ndstream._errors import StreamError

_T_co = TypeVar("_T_co", covariant=True)
_T = TypeVar("_T")
_OnError: TypeAlias = Literal["raise", "skip"] | Callable[[StreamError], object]

DEFAULT_MAX_FRAME_SIZE: int
"""The largest frame unless an option says otherwise, in bytes."""

@disjoint_base
class Decoder(Generic[_T_co]):
    """What the decoders share. It cannot be used by itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    @property
    def offset(self) -> int:
        """Where the last frame or separator ended, in bytes: a safe point to resume from."""

    @property
    def pending(self) -> int:
        """How many bytes were fed after `offset`."""

    @property
    def frames(self) -> int:
        """How many values or events were delivered."""

    @property
    def errors(self) -> int:
        """How many bad frames there were, whatever `on_error` did with them."""

    @property
    def done(self) -> bool:
        """Whether the sentinel was seen. What is fed after it is dropped."""

    def feed(self, data: Buffer, /) -> Self:
        """Take in a chunk.

        Args:
            data: Any bytes-like object. `bytes` is kept until it is used up, and never copied
                whole; any other buffer is copied at once, since its owner may reuse it.

        Returns:
            The decoder, to iterate over the frames that are complete now. Those that are not
            taken stay for the next loop.

        Raises:
            TypeError: It is not bytes-like.
            RuntimeError: `finish` was called, or the decoder is running already: from its own
                `loads` or `on_error`, or in another thread.

        Example:
            >>> from ndstream import NDJSONDecoder
            >>> list(NDJSONDecoder().feed(b'1\\n2\\n3'))
            [1, 2]
        """

    def finish(self) -> Self:
        """Mark the end of the stream.

        Returns:
            The decoder, to iterate over the last frame; the iteration raises if the stream was
            cut.

        Raises:
            RuntimeError: The decoder is running already.

        Example:
            >>> from ndstream import NDJSONDecoder
            >>> list(NDJSONDecoder().feed(b'1').finish())
            [1]
        """

    def reset(self) -> None:
        """Forget all that was fed, and start over with the same options.

        Raises:
            RuntimeError: The decoder is running already.
        """

    def __iter__(self) -> Self: ...
    def __next__(self) -> _T_co: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def _fail(self, cause: BaseException, /) -> StreamError: ...
    @property
    def _touched(self) -> int: ...
    @property
    def _frame_offset(self) -> int: ...

@final
class NDJSONDecoder(Decoder[_T_co]):
    """Decodes NDJSON (JSON Lines): one JSON value a line.

    LF ends a line, nothing else does; one CR before it is dropped. A line of white space is passed
    over. A BOM is allowed only at the start of the stream. The last line needs no LF: if it decodes
    it is a value, else the stream was truncated.

    Args:
        loads: A callable from a payload (bytes) to a value.
        max_frame_size: The longest line, in bytes without its end; None for no limit.
        on_error: "raise", "skip", or a callable that is given each error.
        contains: Decode only lines that hold these bytes, or one of several needles; the others are counted as
            lines alone. The bytes are compared as they are: an escape such as ``\\u0065`` is not the letter it means.
        sample: Decode only about this share of the lines (of those that `contains` selects), chosen by a hash of
            each line's offset, so that the same lines are chosen wherever the stream is cut or resumed.
        seed: An integer; another one chooses another sample.
        blank_lines: "skip", or "error" to take a blank line for a bad one.
        done: A payload that ends the stream.
        require_done: Whether a stream that ends without `done` is truncated.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: An option has none of its values.
        DecodeError: From ``next``: a line holds no value, or more than one.
        FrameTooLargeError: From ``next``: a line is longer than `max_frame_size`.
        TruncatedError: From ``next``, after `finish`: the stream was cut.

    Example:
        >>> from ndstream import NDJSONDecoder
        >>> decoder = NDJSONDecoder()
        >>> [list(decoder.feed(chunk)) for chunk in (b'{"a":', b'1}\\r', b'\\n[]\\n')]
        [[], [], [{'a': 1}, []]]
    """

    @overload
    def __init__(
        self: NDJSONDecoder[Any],
        *,
        max_frame_size: int | None = 16777216,
        on_error: _OnError = "raise",
        contains: bytes | str | Iterable[bytes | str] | None = None,
        sample: float | None = None,
        seed: int = 0,
        blank_lines: Literal["skip", "error"] = "skip",
        done: bytes | str | None = None,
        require_done: bool = False,
    ) -> None: ...
    @overload
    def __init__(
        self: NDJSONDecoder[_T],
        *,
        loads: Callable[[bytes], _T] = ...,
        max_frame_size: int | None = 16777216,
        on_error: _OnError = "raise",
        contains: bytes | str | Iterable[bytes | str] | None = None,
        sample: float | None = None,
        seed: int = 0,
        blank_lines: Literal["skip", "error"] = "skip",
        done: bytes | str | None = None,
        require_done: bool = False,
    ) -> None: ...
    def reset(self, *, offset: int = 0, line: int = 0) -> None:
        """Forget all that was fed, and start over with the same options, or in the middle of a stream.

        Args:
            offset: The offset of the first byte that is fed next, in bytes from the start of the stream;
                it must be the first byte of a line.
            line: The number of lines before that offset.

        Raises:
            TypeError: One of them is no integer.
            ValueError: One of them is negative.
            OverflowError: One of them does not fit into 63 bits.
            RuntimeError: The decoder is running already.

        Example:
            >>> from ndstream import NDJSONDecoder
            >>> decoder = NDJSONDecoder()
            >>> decoder.reset(offset=4096, line=100)
            >>> list(decoder.feed(b'1\\n')), decoder.offset, decoder.line
            ([1], 4098, 101)
        """

    @property
    def line(self) -> int:
        """How many lines end at or before `offset`: after a frame, the 1-based number of its line."""

    @property
    def unterminated(self) -> bool:
        """Whether the last line was delivered without a LF after it, so that a number may be cut."""

@final
class SSEDecoder(Decoder[_T_co]):
    """Decodes server-sent events by the letter of WHATWG HTML, section 9.2.6.

    An event comes out with the feed that holds its blank line; a CR that ends it does not wait for
    a LF. What the end of the stream cuts off is not an event.

    Args:
        loads: What ``event.json()`` decodes with, and values if they are asked for.
        max_frame_size: The largest event, in bytes of its data; its other bytes may be 64 KiB more.
            None for no limit.
        on_error: "raise", "skip", or a callable that is given each error.
        on_truncated: What to do with an event that the end of the stream cuts: "raise", "discard"
            (as the standard says) or "emit" (for servers that leave out the last blank line).
        values: Whether to yield the JSON values of the events' data instead of the events. Events
            whose data is empty are skipped.
        raw: Whether each event carries its exact bytes, with the comment lines before it.
        on_comment: A callable that is given the text of each comment (a str), as it is read; keep-alives of
            some servers carry data. None to count comments alone.
        empty_events: Whether to yield an event for a block that has an id, a retry or an event type but no
            data, which the standard does not dispatch. It has no meaning with `values`.
        done: Data that ends the stream.
        require_done: Whether a stream that ends without `done` is truncated.
        last_event_id: The id to begin with, if the stream goes on after an earlier one.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: An option has none of its values.
        DecodeError: From ``next``, with `values`: the data holds no JSON value, or more than one.
        FrameTooLargeError: From ``next``: an event is larger than `max_frame_size`.
        TruncatedError: From ``next``, after `finish`: the stream was cut.

    Example:
        >>> from ndstream import SSEDecoder
        >>> list(SSEDecoder().feed(b'id: 7\\ndata: a\\ndata: b\\n\\n'))
        [Event(event='message', data='a\\nb', id='7')]
    """

    @overload
    def __init__(
        self: SSEDecoder[Event],
        *,
        loads: Callable[[bytes], Any] = ...,
        max_frame_size: int | None = 16777216,
        on_error: _OnError = "raise",
        on_truncated: Literal["raise", "discard", "emit"] = "raise",
        values: Literal[False] = False,
        raw: bool = False,
        on_comment: Callable[[str], object] | None = None,
        empty_events: bool = False,
        done: bytes | str | None = None,
        require_done: bool = False,
        last_event_id: str = "",
    ) -> None: ...
    @overload
    def __init__(
        self: SSEDecoder[_T],
        *,
        values: Literal[True],
        loads: Callable[[bytes], _T] = ...,
        max_frame_size: int | None = 16777216,
        on_error: _OnError = "raise",
        on_truncated: Literal["raise", "discard", "emit"] = "raise",
        raw: bool = False,
        on_comment: Callable[[str], object] | None = None,
        empty_events: bool = False,
        done: bytes | str | None = None,
        require_done: bool = False,
        last_event_id: str = "",
    ) -> None: ...
    @property
    def line(self) -> int:
        """How many lines end at or before `offset`."""

    @property
    def last_event_id(self) -> str:
        """The id for the Last-Event-ID header of the next request."""

    @property
    def retry(self) -> int | None:
        """The delay before the next request, in milliseconds, if the server set one."""

    @property
    def comments(self) -> int:
        """How many comment lines there were: a sign of life that is no event."""

    @property
    def stray(self) -> bytes | None:
        """The last block with lines that are no field of an event, at most 64 KiB of it; None without one.

        The standard skips such lines, but servers report errors as bare JSON among events.
        """

@final
class JSONSeqDecoder(Decoder[_T_co]):
    """Decodes JSON text sequences (RFC 7464): each element is 0x1E, a JSON text, LF.

    An element comes out with the LF after it, and at the latest with the next 0x1E, which always
    ends it. A number, true, false or null with nothing after it may be cut, and is an error
    (section 2.4).

    Args:
        loads: A callable from a payload (bytes) to a value.
        max_frame_size: The longest element, in bytes; None for no limit.
        on_error: "raise", "skip", or a callable that is given each error.
        done: A payload that ends the stream.
        require_done: Whether a stream that ends without `done` is truncated.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: An option has none of its values.
        DecodeError: From ``next``: an element holds no value, or bytes are outside of elements.
        FrameTooLargeError: From ``next``: an element is longer than `max_frame_size`.
        TruncatedError: From ``next``: an element was cut.

    Example:
        >>> from ndstream import JSONSeqDecoder
        >>> list(JSONSeqDecoder().feed(b'\\x1e{"a":\\n1}\\n\\x1e[]\\n'))
        [{'a': 1}, []]
    """

    @overload
    def __init__(
        self: JSONSeqDecoder[Any],
        *,
        max_frame_size: int | None = 16777216,
        on_error: _OnError = "raise",
        done: bytes | str | None = None,
        require_done: bool = False,
    ) -> None: ...
    @overload
    def __init__(
        self: JSONSeqDecoder[_T],
        *,
        loads: Callable[[bytes], _T] = ...,
        max_frame_size: int | None = 16777216,
        on_error: _OnError = "raise",
        done: bytes | str | None = None,
        require_done: bool = False,
    ) -> None: ...

@final
class ConcatenatedJSONDecoder(Decoder[_T_co]):
    """Decodes JSON values that follow one another, with or without white space, on one line or many.

    Brackets and strings alone tell where a value ends, and `loads` gets its bytes as they came: a
    closed but wrong value is one bad frame. What cannot begin a value is skipped as one bad frame,
    up to the next line end or value. A value that never closes reaches to the limit or the end of the
    stream, and is one error. A number at the very end is a value; it may be cut.

    Args:
        loads: A callable from a payload (bytes) to a value.
        max_frame_size: The longest value or element, in bytes; None for no limit.
        on_error: "raise", "skip", or a callable that is given each error.
        items: Whether to yield the elements of top-level arrays, however long these are; a top-level
            value that is no array comes as itself.
        contains: Decode only values or elements that hold these bytes, or one of several needles.
        done: A payload that ends the stream. With `items` it cannot be an array.
        require_done: Whether a stream that ends without `done` is truncated.

    Raises:
        TypeError: An option has the wrong type.
        ValueError: An option has none of its values.
        DecodeError: From ``next``: a value is wrong; a comma of an array is missing, or has no
            element; or bytes begin no value.
        FrameTooLargeError: From ``next``: a value or element is longer than `max_frame_size`.
        TruncatedError: From ``next``, after `finish`: a value or array was cut.

    Example:
        >>> from ndstream import ConcatenatedJSONDecoder
        >>> list(ConcatenatedJSONDecoder().feed(b'{"a":1}{"a":\\n2}[3]'))
        [{'a': 1}, {'a': 2}, [3]]
        >>> decoder = ConcatenatedJSONDecoder(items=True)
        >>> [list(decoder.feed(chunk)) for chunk in (b'[{"a":1', b'}, 2, ', b'[3]]')]
        [[], [{'a': 1}, 2], [[3]]]
    """

    @overload
    def __init__(
        self: ConcatenatedJSONDecoder[Any],
        *,
        max_frame_size: int | None = 16777216,
        on_error: _OnError = "raise",
        items: bool = False,
        contains: bytes | str | Iterable[bytes | str] | None = None,
        done: bytes | str | None = None,
        require_done: bool = False,
    ) -> None: ...
    @overload
    def __init__(
        self: ConcatenatedJSONDecoder[_T],
        *,
        loads: Callable[[bytes], _T] = ...,
        max_frame_size: int | None = 16777216,
        on_error: _OnError = "raise",
        items: bool = False,
        contains: bytes | str | Iterable[bytes | str] | None = None,
        done: bytes | str | None = None,
        require_done: bool = False,
    ) -> None: ...
    @property
    def array_closed(self) -> bool:
        """With `items`, whether the last top-level array ended with its bracket; False before the first."""

    @property
    def unterminated(self) -> bool:
        """Whether the last value is a number or name that the end of the stream ended: a number may be cut."""

@final
class Event:
    """A server-sent event. It cannot be changed, so a copy is the event itself; one that was pickled
    decodes with orjson, whatever the decoder's ``loads``.

    Args:
        event: The event's type.
        data: Its data.
        id: The last event id as of this event.
        retry: The delay before a reconnection that the event set, in milliseconds.

    Example:
        >>> from ndstream import SSEDecoder
        >>> [event] = SSEDecoder().feed(b'event: token\\ndata: {"text": "a"}\\n\\n')
        >>> event.event, event.data, event.json()
        ('token', '{"text": "a"}', {'text': 'a'})
    """

    __hash__: ClassVar[Callable[[Event], int]]

    def __init__(self, event: str = "message", data: str = "", id: str = "", retry: int | None = None) -> None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __copy__(self) -> Event: ...
    def __deepcopy__(self, memo: dict[int, object], /) -> Event: ...
    @property
    def event(self) -> str:
        """The event's type, "message" if the server gave none."""

    @property
    def data(self) -> str:
        """The data, decoded as UTF-8 with replacement when it is first asked for."""

    @property
    def payload(self) -> bytes:
        """The data as it came, without a str between."""

    @property
    def id(self) -> str:
        """The last event id as of this event."""

    @property
    def retry(self) -> int | None:
        """The delay before a reconnection that this event set, in milliseconds."""

    @property
    def raw(self) -> bytes | None:
        """The event's exact bytes with its blank line, if the decoder was asked for them."""

    @property
    def offset(self) -> int:
        """Where the event begins, in bytes from the start of the stream; with `raw`, where its comment lines begin."""

    @property
    def line(self) -> int:
        """The 1-based number of the event's first line; 0 for an event made by hand."""

    def json(self) -> Any:
        """The data's JSON value, decoded from the bytes by the decoder's `loads`.

        Raises:
            DecodeError: The data is not one JSON value, or not UTF-8.

        Example:
            >>> from ndstream import Event
            >>> Event(data="[1]").json()
            [1]
        """

@final
class FirstBytes:
    """Holds a stream's first bytes until they decide which decoder reads it.

    Args:
        decide: Given the first bytes, and whether these are all, makes the decoder; None if more are needed.
    """

    def __init__(self, decide: Callable[[bytearray, bool], Decoder[Any] | None], /) -> None: ...
    @property
    def decide(self) -> Callable[[bytearray, bool], Decoder[Any] | None]: ...
    def feed(self, chunk: Any, at_end: bool = False) -> Decoder[Any] | None:
        """Take one more chunk.

        Args:
            chunk: The bytes that follow those before.
            at_end: Whether the stream ends with them.

        Returns:
            The decoder, with all chunks so far fed to it; None while it is not decided.

        Raises:
            TypeError: The chunk is not bytes-like.
        """

@disjoint_base
class Puller(Generic[_T_co]):
    """The iterator under `ndstream.Stream`."""

    def __init__(
        self, chunks: Iterator[Any], decoder: Decoder[_T_co] | None, first_bytes: FirstBytes | None = None
    ) -> None: ...
    def _runs_elsewhere(self) -> bool:
        """Whether another thread is inside `__next__`."""

    @property
    def decoder(self) -> Decoder[_T_co] | None:
        """The decoder in use; None until the first bytes have decided the framing."""

    @property
    def closed(self) -> bool:
        """Whether the source has been released."""

    @property
    def last_byte_at(self) -> float | None:
        """When bytes last arrived, in seconds of `time.monotonic`, some milliseconds late; None before the first."""

    @property
    def last_frame_at(self) -> float | None:
        """When the bytes arrived that completed the last frame taken; None before the first."""

    @property
    def last_comment_at(self) -> float | None:
        """When the last comment of server-sent events arrived, which proves that the server lives; None without."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> _T_co: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    def close(self) -> None:
        """End the iteration and release the source. Closing twice is harmless."""

@disjoint_base
class AsyncPuller(Generic[_T_co]):
    """The iterator under `ndstream.AsyncStream`."""

    def __init__(self, decoder: Decoder[_T_co] | None, first_bytes: FirstBytes | None = None) -> None: ...
    @property
    def decoder(self) -> Decoder[_T_co] | None:
        """The decoder in use; None until the first bytes have decided the framing."""

    @property
    def _ended(self) -> bool: ...
    @property
    def last_byte_at(self) -> float | None:
        """When bytes last arrived, in seconds of `time.monotonic`, some milliseconds late; None before the first."""

    @property
    def last_frame_at(self) -> float | None:
        """When the bytes arrived that completed the last frame taken; None before the first."""

    @property
    def last_comment_at(self) -> float | None:
        """When the last comment of server-sent events arrived, which proves that the server lives; None without."""

    def __aiter__(self) -> Self: ...
    def __anext__(self) -> Awaitable[_T_co]: ...
    def __class_getitem__(cls, item: Any, /) -> GenericAlias: ...
    _running: bool
    _fast_path: bool
    _chunks: Any
    def _feed(self, chunk: Any, /) -> None: ...
    def _choose(self, at_end: bool, /) -> Decoder[_T_co] | None: ...
    def _is_misuse(self, error: BaseException, /) -> bool: ...
    def _end(self) -> None: ...

def iterates_in_c(kind: type[_T], /) -> type[_T]:
    """Give a subclass of a puller the puller's own slot for the next value."""

NOT_YET: object
"""What awaiting an `InterruptibleRead` gives if it was woken before the chunk came."""

@final
class InterruptibleRead:
    """Awaited again and again, it gives the chunks of an async source; its end and its errors are raised as they come.
    While it waits it can be woken, under asyncio, and be left where it waits.

    Args:
        chunks: The source.
        loop: The event loop that runs.
    """

    def __init__(self, chunks: AsyncIterator[Any], loop: Any) -> None: ...
    _asyncio_future_blocking: bool
    idle_since: float | None
    """When it began to wait, by the loop's clock. It is set only if it is None, so that whoever sets it to None decides
    what counts as news."""

    @property
    def suspensions(self) -> int:
        """How often it has let others run."""

    @property
    def is_waiting(self) -> bool:
        """Whether a task waits for it right now."""

    @property
    def is_pending(self) -> bool:
        """Whether a read was left where it waits."""

    def wake(self) -> bool:
        """Make the await give `NOT_YET`. Returns whether it does."""

    def __await__(self) -> Self: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> Any: ...
    def send(self, argument: None, /) -> Any: ...
    def throw(self, error: Any, value: Any = None, traceback: Any = None, /) -> Any: ...
    def close(self) -> None: ...
    def get_loop(self) -> Any: ...
    def done(self) -> bool: ...
    def add_done_callback(self, callback: Callable[[Any], object], /, *, context: Any = None) -> None: ...
    def remove_done_callback(self, callback: Callable[[Any], object], /) -> int: ...
    def cancel(self, msg: Any = None) -> bool: ...
    def result(self) -> None: ...

def encode_sse(
    data: object,
    *,
    event: str | None = None,
    id: str | int | None = None,
    retry: int | None = None,
    dumps: Callable[[Any], bytes | str] | None = None,
    escape_unicode_newlines: bool = False,
) -> bytes:
    """Write a server-sent event (WHATWG HTML, section 9.2.5). Its fields come in the order event, id, retry, data.

    What it decodes to is what it was given, but for line ends in the data, which clients all read as LF. Nothing
    is stripped or repaired: what would be read as further fields is refused.

    Args:
        data: A str or ready bytes of UTF-8, as they are; anything else is written as JSON. NaN and infinities
            become null, as orjson has it.
        event: The event's type. None, "" and "message" are the same to clients, and are left out.
        id: The last event id that the client is to have from now on; "" to make it forget the one it has.
        retry: How long the client is to wait before it reconnects, in milliseconds.
        dumps: What writes JSON: a callable from a value to bytes or str; None for `orjson.dumps`.
        escape_unicode_newlines: Whether U+0085, U+2028 and U+2029 are written as escapes of JSON, for clients that
            split lines as `str.splitlines` does. For data that is JSON.

    Returns:
        The event's bytes, with its blank line.

    Raises:
        EncodeError: The data is None, not UTF-8, or cannot be written as JSON; a text holds a lone surrogate;
            `event` or `id` holds CR or LF, or `id` NUL; `retry` is no int from 0 to 2**63 - 1.

    Example:
        >>> from ndstream import encode_sse
        >>> encode_sse({"text": "Hi"}, event="token", id=7)
        b'event: token\\nid: 7\\ndata: {"text":"Hi"}\\n\\n'
    """

def encode_comment(text: str = "", /) -> bytes:
    """Write a comment of an event stream, which clients pass over: a heartbeat, or a word to whoever reads along.

    Args:
        text: What it says, on one line or more.

    Returns:
        Its bytes with a blank line, so that it can be sent between any two events.

    Raises:
        EncodeError: It is no str, or holds a lone surrogate.

    Example:
        >>> from ndstream import encode_comment
        >>> encode_comment(), encode_comment("data: no")
        (b':\\n\\n', b': data: no\\n\\n')
    """

def encode_ndjson(
    value: object,
    *,
    dumps: Callable[[Any], bytes | str] | None = None,
    escape_unicode_newlines: bool = False,
) -> bytes:
    """Write a line of NDJSON.

    Args:
        value: A JSON value, a str too; bytes are JSON that is ready.
        dumps: What writes JSON, as in `encode_sse`.
        escape_unicode_newlines: Whether U+0085, U+2028 and U+2029 are escaped, as in `encode_sse`.

    Returns:
        The line with its LF.

    Raises:
        EncodeError: It cannot be written as JSON, or is ready bytes that are blank, not UTF-8, begin with a
            BOM, or hold a line end.

    Example:
        >>> from ndstream import encode_ndjson
        >>> encode_ndjson("a\\nb"), encode_ndjson(b"[1]")
        (b'"a\\\\nb"\\n', b'[1]\\n')
    """

def encode_jsonseq(
    value: object,
    *,
    dumps: Callable[[Any], bytes | str] | None = None,
    escape_unicode_newlines: bool = False,
) -> bytes:
    """Write an element of a JSON text sequence (RFC 7464): 0x1E, the JSON text, LF.

    Args:
        value: A JSON value, a str too; bytes are JSON that is ready.
        dumps: What writes JSON, as in `encode_sse`.
        escape_unicode_newlines: Whether U+0085, U+2028 and U+2029 are escaped, as in `encode_sse`.

    Returns:
        The element's bytes.

    Raises:
        EncodeError: It cannot be written as JSON, or is ready bytes that are blank, not UTF-8, begin with a
            BOM, or hold 0x1E.

    Example:
        >>> from ndstream import encode_jsonseq
        >>> encode_jsonseq(12)
        b'\\x1e12\\n'
    """

@final
class SSEEncoder:
    """Sends events on, so that the client has after each of them the id that the event has.

    An id stays with a client until another comes. So it is written when it changes, and as an empty one when
    the events have none any more.

    Args:
        verbatim: Whether an event that carries its exact bytes (``raw=True`` of the decoder) is sent as those, behind
            its id if they do not set it.
        last_event_id: The id that the client has already, as its Last-Event-ID header says.

    Example:
        >>> from ndstream import Event, SSEEncoder
        >>> encoder = SSEEncoder()
        >>> [encoder.encode(Event(data="a", id=id)) for id in ("7", "7", "")]
        [b'id: 7\\ndata: a\\n\\n', b'data: a\\n\\n', b'id: \\ndata: a\\n\\n']
    """

    def __init__(self, *, verbatim: bool = False, last_event_id: str = "") -> None: ...
    @property
    def last_event_id(self) -> str:
        """The id that the client has."""

    def encode(self, event: Event, /) -> bytes:
        """Write an event. Bytes that are no UTF-8 stay as they came; clients read them with replacement.

        Raises:
            EncodeError: The event was made by hand, and its type or id holds what `encode_sse` refuses; the
                client's id is then what it was.
        """
