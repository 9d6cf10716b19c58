"""The sync reply: a source and a wire make an iterator of deltas, and the answer that these add up to.

A reply owns its source, as a stream does. What iterates refers to the stream and the folder, never to the
reply, so that a reply that is dropped is released at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, TypeVar

from ndstream._core import SSEDecoder
from ndstream._errors import DecodeError, StreamError
from ndstream._streams import Stream
from ndstream.llm._answer import Answer, ReplyState
from ndstream.llm._delta import Delta
from ndstream.llm._errors import ReplyError
from ndstream.llm._folder import Folder
from ndstream.llm._heartbeats import is_about_heartbeat

ReplyT = TypeVar("ReplyT", bound="Reply")


class Reply(Answer):
    """An iterator over the deltas of a reply, made by `reply`. What it has of `Answer` holds at any moment.

    Raises:
        ReplyTruncatedError: From ``next``, at the end: the bytes ended before the server was done.
        ReplyServerError: From ``next``, at the end: the server reported an error, or sent no reply.
        WireOptionError: From ``next``: an option means nothing for the wire that was detected.

    Example:
        >>> from ndstream import llm
        >>> with llm.reply(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\\n\\ndata: [DONE]\\n\\n') as reply:
        ...     [delta.text for delta in reply]
        ['Hi']
        >>> reply.ending.verdict
        'complete'
    """

    def __init__(self, stream: Stream[Any], folder: Folder) -> None:
        super().__init__(folder.state)
        self._stream = stream
        self._folder = folder
        self._deltas = _deltas(stream, folder)

    def __iter__(self) -> Iterator[Delta]:
        return self._deltas

    def __next__(self) -> Delta:
        return next(self._deltas)

    def texts(self) -> Iterator[str]:
        """The text alone, in pieces as they come: that of choice 0.

        A server that has no choice 0 is found out at the end; then comes the text of its lowest choice.

        Example:
            >>> from ndstream import llm
            >>> "".join(llm.reply(b'{"response":"Hi","done":true}').texts())
            'Hi'
        """
        return _texts(self._deltas, self._state)

    @property
    def closed(self) -> bool:
        """Whether the source has been released."""
        return self._stream.closed

    def close(self) -> None:
        """Stop here and release the source. Closing twice is harmless."""
        self._folder.note_closed(self._stream.decoder)
        self._stream.close()

    def __enter__(self: ReplyT) -> ReplyT:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _texts(deltas: Iterator[Delta], state: ReplyState) -> Iterator[str]:
    try:
        yield from (delta.text for delta in deltas if delta.text and not delta.choice)
    except ReplyError:
        if state.wire.first_choice:
            yield state.wire.text
        raise
    if state.wire.first_choice:
        yield state.wire.text


def _deltas(stream: Stream[Any], folder: Folder) -> Iterator[Delta]:
    item: Any = None
    error: Exception | None = None
    try:
        for item in stream:
            first = folder.fold(item)
            if first is not None:
                yield first
                yield from folder.extra_deltas()
                if folder.wire_known:
                    break
        fold, extra_deltas = folder.wire_fold, folder.state.wire.extra_deltas
        awaits_text = folder.awaits_text
        while True:
            try:
                # These loops are what each token costs.
                if isinstance(stream.decoder, SSEDecoder):
                    for item in stream:
                        delta = fold(item.json(), item)
                        if awaits_text and delta.text:
                            awaits_text = False
                            folder.note_first_text()
                        yield delta
                        if extra_deltas:
                            yield from folder.extra_deltas()
                else:
                    for item in stream:
                        delta = fold(item, None)
                        if awaits_text and delta.text:
                            awaits_text = False
                            folder.note_first_text()
                        yield delta
                        if extra_deltas:
                            yield from folder.extra_deltas()
                break
            except DecodeError as bad:
                if not is_about_heartbeat(bad, item):
                    raise
    except StreamError as failure:
        error = folder.note_failure(failure, stream.decoder, item)
    except GeneratorExit:
        raise
    except BaseException as interruption:
        folder.note_closed(stream.decoder, repr(interruption))
        stream.close()
        raise
    else:
        error = folder.note_end_of_stream(stream.decoder)
    stream.close()
    yield from folder.extra_deltas()
    if error is not None:
        raise error
