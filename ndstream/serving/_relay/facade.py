"""`relay`: hand over an upstream, get the body of a response."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, overload

from ndstream._core import DEFAULT_MAX_FRAME_SIZE
from ndstream._framing import FORMATS, Format
from ndstream._sources.opened_source import OpenedSyncSource
from ndstream._sources.protocols import AsyncSource, EitherSource, SyncSource
from ndstream._streams.read_options import close_unused
from ndstream.serving._converters.converter import Converter
from ndstream.serving._converters.event_fields import EventFields
from ndstream.serving._converters.reframed import Reframed
from ndstream.serving._converters.reply_reader import ReplyReader
from ndstream.serving._converters.translated import Translated
from ndstream.serving._converters.verbatim import Verbatim
from ndstream.serving._relay.async_relay import AsyncRelay
from ndstream.serving._relay.sync_relay import Relay
from ndstream.serving._relay.upstream import Upstream
from ndstream.serving._seconds import check_seconds
from ndstream.serving._targets.registry import TARGETS
from ndstream.serving._targets.target import Target

if TYPE_CHECKING:
    from typing_extensions import Unpack

DEFAULT_HEARTBEAT = 15.0
FRAMINGS_TO_SEND: tuple[Format, ...] = ("sse", "ndjson", "jsonseq")

To: TypeAlias = Literal["sse", "ndjson", "jsonseq", "openai-chat", "anthropic", "ollama-chat", "ui", "ag-ui", "text"]


class RelayOptions(TypedDict, total=False):
    """The options of `relay`."""

    format: Format | None
    wire: str | None
    model: str | None
    heartbeat: float | None
    max_frame_size: int | None
    done: bytes | str | None
    require_done: bool
    done_event: bool
    event_fields: bool
    escape_unicode_newlines: bool
    error_message: Callable[[Exception], str] | None
    first_frame_timeout: float | None
    send_timeout: float | None


@overload
def relay(source: EitherSource, to: To | Target | None = None, **options: Unpack[RelayOptions]) -> Any: ...
@overload
def relay(source: AsyncSource, to: To | Target | None = None, **options: Unpack[RelayOptions]) -> AsyncRelay: ...
@overload
def relay(source: SyncSource, to: To | Target | None = None, **options: Unpack[RelayOptions]) -> Relay: ...
def relay(
    source: Any,
    to: str | Target | None = None,
    *,
    format: Format | None = None,
    wire: str | None = None,
    model: str | None = None,
    heartbeat: float | None = DEFAULT_HEARTBEAT,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    done: bytes | str | None = "[DONE]",
    require_done: bool = False,
    done_event: bool = False,
    event_fields: bool = False,
    escape_unicode_newlines: bool = False,
    error_message: Callable[[Exception], str] | None = None,
    first_frame_timeout: float | None = 10.0,
    send_timeout: float | None = None,
) -> Any:
    """Send a stream on to a client: whole frames, verbatim or in another framing or format.

    Args:
        source: The upstream: a response of an HTTP client, or any source of bytes, as in `ndstream.stream`. The relay
            owns it, and closes it on every way out.
        to: None for the upstream's own framing, byte for byte; "sse", "ndjson" or "jsonseq" for its JSON values in
            that framing; the name of a target, or a `Target`, for the reply of an LLM server in a front end's format.
        format: The upstream's framing; None to go by its Content-Type, or its first bytes.
        wire: The upstream's wire, for a target; None to recognise it.
        model: The name of the model to tell the client, for a target; None for the upstream's.
        heartbeat: After how many seconds without a message a heartbeat is sent, in formats that have one; None for
            none. A sync source has them if it is a connection, one under trio if the relay is made in a task.
        max_frame_size: The largest frame, in bytes; a larger one ends the stream with an error. None for no limit.
        done: A payload that ends the stream at once; None for none. For framings.
        require_done: Whether a stream that ends without it is truncated. For framings.
        done_event: Whether server-sent events that are not a target's end with an ``event: done`` that holds the usage
            of the reply (`wire` names its wire), once they are complete.
        event_fields: Whether server-sent events become objects with their fields in NDJSON and JSON text sequences, as
            ``{"event":"token","id":"7","data":...}``, and not their data alone.
        escape_unicode_newlines: Whether U+0085, U+2028 and U+2029 are written as escapes. For other framings.
        error_message: What the client is told of an exception; None for words that name no host and no key.
        first_frame_timeout: As an ASGI application: after how many seconds the response starts although no frame has
            come, so that heartbeats can flow; None to wait without end, as for an upstream whose Content-Type names no
            framing.
        send_timeout: As an ASGI application: after how many seconds a client that takes nothing is given up; None to
            leave that to the server.

    Returns:
        A `Relay`, or an `AsyncRelay` if the source is async.

    Raises:
        TypeError: Nothing that bytes can be read from, or an option of the wrong type.
        ValueError: An option has none of its values, or does not go with `to`.

    Example:
        >>> import ndstream
        >>> list(ndstream.relay([b'data: {"a":1}\\n\\nda', b'ta: {"a":2}\\n\\n'], format="sse"))
        [b'data: {"a":1}\\n\\n', b'data: {"a":2}\\n\\n']
    """
    check_seconds("heartbeat", heartbeat)
    check_seconds("first_frame_timeout", first_frame_timeout)
    check_seconds("send_timeout", send_timeout)
    if format is not None and format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(map(repr, FORMATS))}, or None, not {format!r}")
    if error_message is not None and not callable(error_message):
        raise TypeError(f"error_message must be a callable or None, not {error_message!r:.80}")
    target = _target(to, model)
    upstream = Upstream(source, format)
    try:
        converter: Converter
        if event_fields and (target is not None or upstream.format != "sse" or to not in ("ndjson", "jsonseq")):
            raise ValueError(
                'event_fields= is for server-sent events that are sent as to="ndjson" or to="jsonseq"; if the source '
                'does not say that they are events, name them by format="sse"'
            )
        if target is not None:
            reader = ReplyReader(upstream.opened.headers, wire, max_frame_size)
            converter = Translated(target, reader, error_message)
        elif to is None or to == upstream.format:
            converter = Verbatim(
                upstream.format,
                by_first_line=upstream.by_first_line,
                max_frame_size=max_frame_size,
                done=done,
                require_done=require_done,
                error_message=error_message,
            )
        else:
            converter = (EventFields if event_fields else Reframed)(
                upstream.format,
                to,  # type: ignore[arg-type]
                by_first_line=upstream.by_first_line,
                max_frame_size=max_frame_size,
                done=done,
                require_done=require_done,
                error_message=error_message,
                escape_unicode_newlines=escape_unicode_newlines,
            )
        usage_reader: ReplyReader | None = None
        if done_event:
            if converter.content_type != "text/event-stream" or target is not None:
                raise ValueError("done_event= is for server-sent events without a target: name them by to= or format=")
            usage_reader = ReplyReader(upstream.opened.headers, wire, max_frame_size)
    except BaseException:
        close_unused(upstream.opened)
        raise
    if isinstance(upstream.opened, OpenedSyncSource):
        return Relay(upstream, converter, usage_reader, heartbeat)
    # No response can start while only the first bytes would show its Content-Type.
    start_by = first_frame_timeout if converter.content_type else None
    return AsyncRelay(upstream, converter, usage_reader, heartbeat, start_by, send_timeout)


def _target(to: str | Target | None, model: str | None) -> Target | None:
    if to is None or (isinstance(to, str) and to in FRAMINGS_TO_SEND):
        return None
    if isinstance(to, Target):
        return to
    if not isinstance(to, str) or to not in TARGETS:
        raise ValueError(
            f"to must be one of {', '.join(map(repr, (*FRAMINGS_TO_SEND, *TARGETS)))}, a Target or None, not {to!r}"
        )
    return TARGETS[to](model=model)
