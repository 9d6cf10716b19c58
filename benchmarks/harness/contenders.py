"""What a contender is: a loop, kept as source, that is checked and then timed.

In the source ``take(value)`` stands where a value is in hand. It is compiled twice: to be checked,
so that each value is kept and compared with what must come out, and to be timed, where nothing is in
its place. So what is timed is what was checked, and no contender pays for a call or a generator that
its user would not have.
"""

from __future__ import annotations

import io
import json
import textwrap
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import orjson

import ndstream
from benchmarks.harness import shapes


@dataclass(frozen=True)
class Contender:
    """A way to get the values out of a stream.

    The source of the loop may use the names of `Case.names`, and those that `library` adds. Where
    it is not installed, the contender stays out. `plain` turns a value into what it is compared as.
    """

    name: str
    source: str
    library: str | None = None
    plain: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Case:
    """A stream in chunks, its payloads, what must come out, and how many units of work it is."""

    chunks: list[bytes]
    payloads: list[bytes]
    expected: list[Any]
    units: int

    @property
    def names(self) -> dict[str, Any]:
        return {
            "chunks": self.chunks,
            "data": b"".join(self.chunks),
            "expected": self.expected,
            "payloads": self.payloads,
            "arriving": arriving,
            "by_hand": by_hand,
            "drip": shapes.drip,
            "io": io,
            "json": json,
            "ndstream": ndstream,
            "orjson": orjson,
        }


def timed(contender: Contender, case: Case) -> Callable[[], object]:
    """The contender's loop over the case, which keeps nothing."""
    return _compiled(contender, case, "pass", {})


def values(contender: Contender, case: Case) -> list[Any]:
    """All that the contender's loop gets out of the case."""
    taken: list[Any] = []
    _compiled(contender, case, "taken.append(value)", {"taken": taken})()
    return taken if contender.plain is None else [contender.plain(value) for value in taken]


def missing(contender: Contender) -> bool:
    """Whether the contender's library is not installed."""
    try:
        if contender.library is not None:
            LIBRARIES[contender.library]()
    except ImportError:
        return True
    return False


def _compiled(contender: Contender, case: Case, take: str, names: dict[str, Any]) -> Callable[[], object]:
    body = textwrap.dedent(contender.source).strip().replace("take(value)", take)
    asynchronous = "async for" in body
    source = f"{'async ' * asynchronous}def loop():\n{textwrap.indent(body, '    ')}\n"
    namespace = {**case.names, **LIBRARIES[contender.library]()} if contender.library else case.names
    namespace |= names
    exec(compile(source, contender.name, "exec"), namespace)
    loop: Callable[[], Any] = namespace["loop"]
    return (lambda: _drive(loop())) if asynchronous else loop


def _drive(coroutine: Any) -> None:
    """Run a coroutine that never waits, without an event loop to be timed along."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("the loop waits for something")


async def arriving(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Chunks as an async library hands them over."""
    for chunk in chunks:
        yield chunk


async def by_hand(chunks: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """What a user would write around a decoder for want of an async stream."""
    decoder = ndstream.NDJSONDecoder()
    async for chunk in chunks:
        for value in decoder.feed(chunk):
            yield value
    for value in decoder.finish():
        yield value


def _response(library: Any) -> Callable[[Iterable[bytes]], Any]:
    # A library that is imported by its name has no types.
    class InMemory(library.SyncByteStream):  # type: ignore[misc]
        def __init__(self, chunks: Iterable[bytes]) -> None:
            self.chunks = chunks

        def __iter__(self) -> Iterator[bytes]:
            return iter(self.chunks)

    def response(chunks: Iterable[bytes]) -> Any:
        """A real response, whose bytes come from memory."""
        headers = {"Content-Type": "text/event-stream"}
        request = library.Request("GET", "http://localhost")
        return library.Response(200, headers=headers, stream=InMemory(chunks), request=request)

    return response


def _httpx() -> dict[str, Any]:
    return {"response": _response(import_module("httpx"))}


def _httpx_sse() -> dict[str, Any]:
    return {**_httpx(), "EventSource": import_module("httpx_sse").EventSource}


def _httpx2() -> dict[str, Any]:
    library = import_module("httpx2")
    return {"response": _response(library), "EventSource": library.EventSource}


def _msgspec() -> dict[str, Any]:
    library = import_module("msgspec")
    log = library.defstruct(
        "Log", [("time", str), ("level", str), ("method", str), ("path", str), ("status", int), ("ms", float)]
    )
    return {"decode_lines": library.json.Decoder().decode_lines, "typed": library.json.Decoder(log)}


LIBRARIES: dict[str, Callable[[], dict[str, Any]]] = {
    "anthropic": lambda: {"SSEDecoder": import_module("anthropic._streaming").SSEDecoder},
    "httpx": _httpx,
    "httpx-sse": _httpx_sse,
    "httpx2": _httpx2,
    "ijson": lambda: {"ijson_items": import_module("ijson.backends.yajl2_c").items},
    "msgspec": _msgspec,
    "openai": lambda: {"SSEDecoder": import_module("openai._streaming").SSEDecoder},
    "sseclient-py": lambda: {"SSEClient": import_module("sseclient").SSEClient},
}
"""What a loop may name beyond the case's own names, by the name of the distribution."""
