"""How many bytes of memory a stream takes while it waits: at rest, and with a frame that is not complete.

What is counted is what the allocators of Python gave out for 1,000 of each, with a generator as the source. A response
of an HTTP library and its connection take more than any of these.

    python -m benchmarks.memory_per_stream
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import ndstream
from ndstream import llm

COUNT = 1000
PART = b'{"text":"' + b"x" * 1015
"""1 KiB of a frame that is not complete."""
DELTA = b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'


def chunks(first: bytes) -> Iterator[bytes]:
    yield first
    yield b""


async def async_chunks(first: bytes) -> AsyncIterator[bytes]:
    yield first


def fed(decoder: Any, part: bytes) -> Any:
    list(decoder.feed(part))
    return decoder


def begun(stream: Any) -> Any:
    next(stream)
    return stream


def bytes_of(make: Callable[[], Any]) -> float:
    """The bytes that one takes.

    Args:
        make: Makes one.
    """
    make()  # What is imported and kept for all of them is no part of one.
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [make() for _ in range(COUNT)]
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(kept) == COUNT
    return taken / COUNT


ROWS: dict[str, Callable[[], Any]] = {
    "`NDJSONDecoder`, at rest": ndstream.NDJSONDecoder,
    "`SSEDecoder`, at rest": ndstream.SSEDecoder,
    "`NDJSONDecoder`, 1 KiB of a line": lambda: fed(ndstream.NDJSONDecoder(), PART),
    "`SSEDecoder`, 1 KiB of an event": lambda: fed(ndstream.SSEDecoder(), b"data: " + PART),
    "`ndstream.ndjson`, before the first value": lambda: ndstream.ndjson(chunks(b"")),
    "`ndstream.ndjson`, between two values": lambda: begun(ndstream.ndjson(chunks(b"1\n2"))),
    "`ndstream.ndjson` of an async source, before the first value": lambda: ndstream.ndjson(async_chunks(b"")),
    "`ndstream.llm.reply`, after the first delta": lambda: begun(llm.reply(chunks(DELTA))),
    "`ndstream.relay`, before the first frame": lambda: ndstream.relay(chunks(b""), format="sse"),
    '`ndstream.relay(to="ui")`, before the first frame': lambda: ndstream.relay(chunks(b""), to="ui", format="sse"),
}


def main() -> None:
    """Print the table."""
    print("| what | bytes |\n|---|--:|")
    for title, make in ROWS.items():
        print(f"| {title} | {bytes_of(make):,.0f} |")


if __name__ == "__main__":
    main()
