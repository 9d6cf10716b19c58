"""The public functions: from a source of bytes to a reply, or to the whole answer.

It is long since one name serves sync and async, which takes overloads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, overload

from ndstream._core import DEFAULT_MAX_FRAME_SIZE
from ndstream._sources.protocols import AsyncSource, EitherSource, SyncSource
from ndstream._streams import Stream
from ndstream.llm._answer import Answer
from ndstream.llm._async_reply import AsyncReply
from ndstream.llm._folder import Folder, OnIncomplete
from ndstream.llm._frames import open_frames
from ndstream.llm._reply import Reply

if TYPE_CHECKING:
    from ndstream.llm._either_reply import EitherReply


@overload
def reply(
    source: EitherSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    after: Answer | None = None,
    cumulative: bool = False,
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> EitherReply: ...
@overload
def reply(
    source: AsyncSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    after: Answer | None = None,
    cumulative: bool = False,
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> AsyncReply: ...
@overload
def reply(
    source: SyncSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    after: Answer | None = None,
    cumulative: bool = False,
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> Reply: ...
def reply(
    source: Any,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    after: Answer | None = None,
    cumulative: bool = False,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    idle_timeout: float | None = None,
) -> Any:
    """Read the streamed reply of an LLM server: deltas as they come, the whole answer, and how it ended.

    Args:
        source: Where the bytes come from, as in `ndstream.ndjson`; the reply owns it and closes it at its end.
        wire: The name of the wire, one of `WIRES`; None to detect it from the first frame.
        on_incomplete: "raise" to raise at the end of a reply that is not complete, or "return" to end the
            iteration quietly and leave the verdict to ``reply.ending``.
        after: An earlier reply that was cut, or the ``reply`` of its error: this one goes on from its state, and what
            the server repeats is not folded twice. Only the servers of Responses resume a stream: send
            ``GET /v1/responses/{id}?stream=true&starting_after={n}`` with the last ``sequence_number`` that came.
        cumulative: Whether each frame holds the whole text so far, as DashScope and variants of MiniMax send chat
            completions; other servers send what each frame adds. A text that does not go on with the one before sets
            ``reply.text_revised``.
        max_frame_size: The largest frame, in bytes; None for no limit.
        idle_timeout: How many seconds to wait for a frame, if the source is async; heartbeats
            (comments, empty events, pings) do not count. Then the reply is truncated, with the reason ``stalled``.

    Returns:
        A `Reply`, or an `AsyncReply` if the source is async.

    Raises:
        TypeError: Nothing that bytes can be read from, an option of the wrong type, or an earlier reply whose server
            cannot resume.
        ValueError: An option has none of its values.
        WireOptionError: An option means nothing for the wire; from ``next`` if the wire is detected.
        OSError: The path cannot be opened.

    Example:
        >>> from ndstream import llm
        >>> reply = llm.reply([b'{"response":"H","done":false}\\n{"resp', b'onse":"i","done":true}\\n'])
        >>> [delta.text for delta in reply], reply.text, reply.ending.verdict
        (['H', 'i'], 'Hi', 'complete')
    """
    folder = Folder(wire, on_incomplete, after, cumulative)
    stream = open_frames(source, folder.note_first_byte, max_frame_size=max_frame_size, idle_timeout=idle_timeout)
    return Reply(stream, folder) if isinstance(stream, Stream) else AsyncReply(stream, folder, idle_timeout)


@overload
def collect(
    source: EitherSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    after: Answer | None = None,
    cumulative: bool = False,
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> Any: ...
@overload
def collect(
    source: AsyncSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    after: Answer | None = None,
    cumulative: bool = False,
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> Coroutine[Any, Any, Answer]: ...
@overload
def collect(
    source: SyncSource,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    after: Answer | None = None,
    cumulative: bool = False,
    max_frame_size: int | None = ...,
    idle_timeout: float | None = ...,
) -> Answer: ...
def collect(
    source: Any,
    wire: str | None = None,
    *,
    on_incomplete: OnIncomplete = "raise",
    after: Answer | None = None,
    cumulative: bool = False,
    max_frame_size: int | None = DEFAULT_MAX_FRAME_SIZE,
    idle_timeout: float | None = None,
) -> Any:
    """Read a reply to its end for those who want only the whole of it.

    Args:
        source: As in `reply`, and so are the others.
        wire: The name of the wire.
        on_incomplete: Whether to raise if the reply is not complete.
        after: An earlier reply to go on from.
        cumulative: Whether each frame holds the whole text so far.
        max_frame_size: The largest frame, in bytes.
        idle_timeout: How many seconds to wait for a frame.

    Returns:
        The `Answer`, or a coroutine that gives it if the source is async.

    Raises:
        ReplyTruncatedError: The bytes ended before the server was done; what came is in ``error.reply``.
        ReplyServerError: The server reported an error, or sent no reply.

    Example:
        >>> from ndstream import llm
        >>> llm.collect(b'{"response":"Hi","done":true}').body
        {'response': 'Hi', 'done': True}
    """
    made: Any = reply(
        source,
        wire,
        on_incomplete=on_incomplete,
        after=after,
        cumulative=cumulative,
        max_frame_size=max_frame_size,
        idle_timeout=idle_timeout,
    )
    return _collect(made) if isinstance(made, Reply) else _acollect(made)


def _collect(made: Reply) -> Answer:
    with made:
        # A deque of no length consumes an iterator in C.
        deque(made, maxlen=0)
    return Answer(made._state)


async def _acollect(made: AsyncReply) -> Answer:
    async with made:
        async for _ in made:
            pass
    return Answer(made._state)
