"""Each way to use the package, as a program that keeps what it got in memory that is there already.

Such a program allocates nothing of its own, so that each allocation that fails in it is one of the package's, of
CPython's or of orjson's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import ndstream
from llm.example import Example
from llm.examples import EXAMPLES
from ndstream import llm, serving


class Taken:
    """What a program got.

    Attributes:
        values: Room for the values.
        count: How many of them there are.
        errors: Room for the errors that a handler was given.
        error_count: How many of them there are.
        stream: What is iterated over; None until it is made.
    """

    __slots__ = ("count", "error_count", "errors", "stream", "values")

    def __init__(self) -> None:
        self.values: list[Any] = [None] * 100
        self.errors: list[Any] = [None] * 100
        self.count = self.error_count = 0
        self.stream: Any = None

    def note_error(self, error: Any) -> None:
        self.errors[self.error_count] = error
        self.error_count += 1


class Source:
    """An iterator of chunks, sync and async, that counts how often it was closed."""

    __slots__ = ("at", "chunks", "closed", "headers", "suspends")

    def __init__(self, chunks: list[bytes], suspends: bool = False) -> None:
        self.chunks = chunks
        self.at = self.closed = 0
        self.suspends = suspends


class SyncSource(Source):
    """A source that is called."""

    __slots__ = ()

    def __iter__(self) -> SyncSource:
        return self

    def __next__(self) -> bytes:
        if self.at == len(self.chunks):
            raise StopIteration
        self.at += 1
        return self.chunks[self.at - 1]

    def close(self) -> None:
        self.closed += 1


class AsyncSource(Source):
    """A source that is awaited. It needs no event loop."""

    __slots__ = ()

    def __aiter__(self) -> AsyncSource:
        return self

    async def __anext__(self) -> bytes:
        if self.suspends:
            await PASS
        if self.at == len(self.chunks):
            raise StopAsyncIteration
        self.at += 1
        return self.chunks[self.at - 1]

    async def aclose(self) -> None:
        self.closed += 1


class Pass:
    """What lets other tasks run, once."""

    def __await__(self) -> Any:
        return iter(ONE_YIELD)


ONE_YIELD = (None,)
PASS = Pass()
Open = Callable[[Any, Taken], Any]


class Use:
    """A way to use the package.

    Args:
        name: What it is called.
        data: The bytes of the source.
        open: Makes what is iterated over, from the source and what is taken.
        kind: "sync", "async", or "suspending" for an async source that waits.
        size: The size of the chunks, in bytes.

    Attributes:
        is_read_in_c: Whether no Python code runs for a frame, so that CPython's own leaks do not count: up to 3.12 it
            loses the arguments of a function that it has no memory to call.
    """

    def __init__(self, name: str, data: bytes, open: Open, kind: str = "sync", size: int = 23) -> None:
        self.name = f"{name} {kind}"
        self.chunks = [data[at : at + size] for at in range(0, len(data), size)]
        self.open = open
        self.kind = kind
        self.is_read_in_c = not name.startswith(("reply", "relay", "lines without"))

    def source(self) -> Any:
        """A source with all of the data."""
        return SyncSource(self.chunks) if self.kind == "sync" else AsyncSource(self.chunks, self.kind == "suspending")

    def read(self, taken: Taken) -> None:
        """Take what the stream has; to be called again after an error."""
        if self.kind == "sync":
            self._take(taken)
        else:
            run(self._take_async(taken))

    def close(self, taken: Taken) -> None:
        """Close the stream."""
        if self.kind == "sync":
            taken.stream.close()
        else:
            run(taken.stream.aclose())

    def _take(self, taken: Taken) -> None:
        for value in taken.stream:
            taken.values[taken.count] = value
            taken.count += 1

    async def _take_async(self, taken: Taken) -> None:
        async for value in taken.stream:
            taken.values[taken.count] = value
            taken.count += 1


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Drive a coroutine to its end, as an event loop does that has nothing else to do."""
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return


def shown(value: Any) -> Any:
    """A value so that it can be compared and printed."""
    if isinstance(value, ndstream.Event):
        return [value.event, value.data, value.id, value.retry]
    if isinstance(value, llm.Delta):
        # What it refers to goes on growing.
        return [value.text, value.thinking, value.choice, list(value.arguments), value.finish_reason]
    if isinstance(value, bytes):
        # A reply that has no id of its own gets one.
        return re.sub(r"msg_\w+", "msg_", value.decode())
    return value if isinstance(value, (int, str, list, dict)) else repr(value)


LINES = b'{"a":"one"}\n[2]\n' + b'{"b":"' + b"x" * 60 + b'"}\n"\xc3\xa9"\nnull\n[6]'
BAD_LINES = b'{"a":"one"}\nnope\n' + b'{"b":"' + b"x" * 60 + b'"}\n"\xff"\n[4]\n[5}\n[6]\n'
EVENTS = b": note\nid: 1\nevent: e\ndata: [1]\n\n" + b"data: [2,\ndata: 2]\nretry: 5\n\ndata: \xc3\xa9\n\ndata: [4]\n\n"
JSON_EVENTS = b"data: [1]\n\n: note\n\ndata: [2,\ndata: 2]\n\ndata: [3]\n\ndata: [DONE]\n\n"
SEQUENCE = b'\x1e{"a":1}\n\x1e[2]\n\x1e"three"\n'
CONCATENATED = b'{"a":1}[2] "three" {"b":\n{"c":4}}'
ARRAY = b'[{"a":1},[2], "three",\n{"b":4}]'
CHAT = next(example for example in EXAMPLES if example.name == "openai text").data

FRAMINGS: list[tuple[str, bytes, Open]] = [
    ("ndjson", LINES, lambda source, taken: ndstream.ndjson(source)),
    ("ndjson skip", BAD_LINES, lambda source, taken: ndstream.ndjson(source, on_error="skip")),
    ("ndjson on_error", BAD_LINES, lambda source, taken: ndstream.ndjson(source, on_error=taken.note_error)),
    ("ndjson raise", BAD_LINES, lambda source, taken: ndstream.ndjson(source)),
    ("ndjson contains", LINES, lambda source, taken: ndstream.ndjson(source, contains=b'"')),
    ("ndjson limit", LINES, lambda source, taken: ndstream.ndjson(source, max_frame_size=30)),
    ("sse", EVENTS, lambda source, taken: ndstream.sse(source)),
    ("sse comments", EVENTS, lambda source, taken: ndstream.sse(source, on_comment=ignore)),
    ("jsonseq", SEQUENCE, lambda source, taken: ndstream.jsonseq(source)),
    ("concatenated", CONCATENATED, lambda source, taken: ndstream.concatenated(source)),
    ("items", ARRAY, lambda source, taken: ndstream.concatenated(source, items=True)),
    ("stream of lines", LINES, lambda source, taken: ndstream.stream(source)),
    ("stream of events", JSON_EVENTS, lambda source, taken: ndstream.stream(source, require_done=True)),
    ("reply", CHAT, lambda source, taken: llm.reply(source)),
    ("relay verbatim", JSON_EVENTS, lambda source, taken: serving.relay(source, format="sse", heartbeat=None)),
    (
        "relay reframed",
        JSON_EVENTS,
        lambda source, taken: serving.relay(source, "ndjson", format="sse", heartbeat=None),
    ),
    ("relay text", CHAT, lambda source, taken: serving.relay(source, "text", heartbeat=None)),
    ("relay ui", CHAT, lambda source, taken: serving.relay(source, "ui", heartbeat=None)),
]


def ignore(argument: Any) -> None:
    """A handler that does nothing."""


def reply_of(example: Example) -> Open:
    return lambda source, taken: llm.reply(source, example.wire)


def plainly(source: Any, taken: Taken) -> Any:
    """What reads a stream without ndstream, in the kinds of statements that ndstream has."""
    assert not all(hasattr(source, name) for name in ("chunks", "at", "nothing"))
    isinstance(source, (str, Coroutine))
    return plain_lines(source)


def plain_lines(source: Any) -> Any:
    waiting = b""
    with suppress(StopIteration):
        while True:
            *lines, waiting = (waiting + next(source)).split(b"\n")
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:
                    yield None


WITHOUT_NDSTREAM = [Use("lines without ndstream", BAD_LINES, plainly)]
WIRES: dict[str, Example] = {}
for _example in EXAMPLES:
    WIRES.setdefault(_example.wire, _example)
USES: list[Use] = [
    Use(name, data, open, kind)
    for name, data, open in FRAMINGS
    for kind in ("sync", "async", "suspending")
    # An async relay needs an event loop, and those do not survive without memory.
    if kind == "sync" or not name.startswith("relay")
] + [Use(f"reply of {wire}", example.data, reply_of(example), size=400) for wire, example in WIRES.items()]
BY_NAME = {use.name: use for use in (*USES, *WITHOUT_NDSTREAM)}
