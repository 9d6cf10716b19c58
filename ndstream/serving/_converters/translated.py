"""A reply of any LLM server in the format of a front end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ndstream._sources.opened_source import Chunk
from ndstream.llm import Answer
from ndstream.serving._converters.converter import Converter, ErrorMessage
from ndstream.serving._converters.reply_reader import ReplyReader
from ndstream.serving._targets.outcome import Failure, Refusal
from ndstream.serving._targets.target import Target


class Translated(Converter):
    """Gives what a target writes for the deltas of a reply.

    Args:
        target: Writes the frames.
        reader: Reads the reply.
    """

    def __init__(self, target: Target, reader: ReplyReader, error_message: ErrorMessage | None) -> None:
        super().__init__(error_message)
        self.content_type = target.content_type
        self.headers = target.headers
        self.heartbeat = target.heartbeat
        self.breaks_on_failure = target.breaks_on_failure
        self.reader = reader
        self._target = target
        target.answer = reader.answer

    @property
    def started(self) -> bool:
        return self.reader.answer.output_started

    @property
    def answer(self) -> Answer:
        return self.reader.answer

    @property
    def refusal(self) -> Refusal | None:
        return None if self.failure is None else self._target.refusal(self.failure)

    def feed(self, chunk: Chunk) -> bytes:
        return self._take(self.reader.feed(chunk))

    def finish(self) -> bytes:
        return self._take(self.reader.finish())

    def fail(self, cause: Exception) -> bytes:
        return self._take(self.reader.fail(cause))

    def stop(self, failure: Failure) -> bytes:
        return self._end(lambda: self._target.fail(failure))

    def abort(self) -> bytes:
        return self._end(self._target.abort)

    def _end(self, write: Callable[[], bytes]) -> bytes:
        self.reader.stop()
        written = write()
        self.ended = True
        self.failure = self._target.failure
        return written

    def _take(self, deltas: Any) -> bytes:
        target = self._target
        written = target.take(deltas)
        if target.failure is None and self.reader.ended:
            written += self._conclude()
        elif target.failure is None:
            return written
        self.ended = True
        self.failure = target.failure
        self.error = self.error or target.error
        return written

    def _conclude(self) -> bytes:
        answer = self.reader.answer
        ending = answer.ending
        assert ending is not None
        if ending.verdict == "complete":
            return self._target.complete(answer)
        assert self.reader.error is not None
        return self._target.fail(self._failure_of(self.reader.error))
