"""Every public method and every error path of the core, in rounds that can be repeated.

What watches from outside runs them: a CPython that counts references, and valgrind, under which this is the program.
"""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import ndstream
from stream_framing_conformance import cases

DECODERS: dict[str, Any] = {
    "ndjson": ndstream.NDJSONDecoder,
    "sse": ndstream.SSEDecoder,
    "jsonseq": ndstream.JSONSeqDecoder,
    "concatenated": ndstream.ConcatenatedJSONDecoder,
}
STREAMS: dict[str, bytes] = {
    "ndjson": b'{"a":1}\n\n[1,2]\r\nnope\n\xef\xbb\xbf1\n\xff\n' + b"\0" * 9 + b"\n" + b"1" * 80 + b'\n{"b":',
    "sse": b": c\nid: 7\nevent: e\nretry: 5\ndata: [1]\ndata: \n\ndata: nope\n\n{}\nid: 8\n\ndata: "
    + b"1" * 80
    + b"\n\ndata: 2",
    "jsonseq": b'stray\x1e{"a":1}\n\x1enope\n\x1e \x1etrue\x1e' + b"1" * 80 + b"\n\x1e[1",
    "concatenated": b'{"a":1}[2] 3 nope\n"x"[1}{"b":' + b"1" * 80 + b"}[",
}


def taken(decoder: Any) -> None:
    """All that comes out; errors and interrupts are passed over."""
    while True:
        try:
            for value in decoder:
                if isinstance(value, ndstream.Event):
                    _use(value)
            return
        except ndstream.StreamError as error:
            _ = (str(error), repr(error), error.frame, error.offset, error.line, error.position, error.reason)
        except (KeyboardInterrupt, RuntimeError):
            pass


def _use(event: ndstream.Event) -> None:
    _ = (event.data, event.event, event.id, event.retry, event.payload, event.raw, event.offset, repr(event))
    _ = (event == ndstream.Event(data="x"), hash(event), pickle.loads(pickle.dumps(event)))
    with suppress(ndstream.StreamError):
        event.json()


def decode(name: str, **options: Any) -> Callable[[], None]:
    """A round of feeding a stream, whole and byte by byte, to its end and from its start again."""
    data = STREAMS[name]
    decoder = DECODERS[name](**{"loads": json.loads, **options})

    def round() -> None:
        taken(decoder.feed(data))
        taken(decoder.finish())
        with suppress(RuntimeError):
            decoder.feed(b"1")
        decoder.reset()
        for place in range(len(data)):
            taken(decoder.feed(bytearray(data[place : place + 1])))
        taken(decoder.finish())
        _ = [getattr(decoder, attribute) for attribute in dir(decoder) if not attribute.startswith("__")]
        decoder.__init__(**{"loads": json.loads, **options})

    return round


class Interrupting:
    """A `loads` that is interrupted every second time, and calls the decoder that it works for."""

    def __init__(self) -> None:
        self.calls = 0
        self.decoder: Any = None

    def __call__(self, payload: bytes) -> Any:
        self.calls += 1
        if self.calls % 2:
            raise KeyboardInterrupt
        with suppress(RuntimeError):
            self.decoder.feed(b"1")
        return json.loads(payload)


def interrupted(name: str) -> Callable[[], None]:
    def round() -> None:
        loads = Interrupting()
        loads.decoder = DECODERS[name](loads=loads, **({"values": True} if name == "sse" else {}))
        taken(loads.decoder.feed(STREAMS[name]).finish())

    return round


def out_of_memory(name: str) -> Callable[[], None]:
    def loads(payload: bytes) -> Any:
        raise MemoryError

    def round() -> None:
        decoder = DECODERS[name](loads=loads, **({"values": True} if name == "sse" else {}))
        for _ in range(3):
            with suppress(MemoryError, RuntimeError, ndstream.StreamError, StopIteration):
                next(decoder.feed(STREAMS[name]))
        decoder.reset()

    return round


WRONG: list[dict[str, Any]] = [
    {"loads": 1}, {"max_frame_size": 0}, {"max_frame_size": "1"}, {"on_error": "no"}, {"done": 1}, {"unknown": 1},
    {"require_done": True}, {"contains": 5}, {"contains": ["a", b"b"]}, {"items": True}, {"sample": 0.5},
]  # fmt: skip


def misused(name: str) -> Callable[[], None]:
    def round() -> None:
        for options in WRONG:
            with suppress(TypeError, ValueError):
                DECODERS[name](**options)
        decoder = DECODERS[name]()
        for wrong in ("text", 1, None, memoryview(b"1234")[::2]):
            with suppress(TypeError):
                decoder.feed(wrong)
        with suppress(TypeError):
            decoder.reset(offset="1")

    return round


def streams(name: str, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """Streams over sync and async sources, to the end, left early, and with sources that fail."""
    open_stream = getattr(ndstream, name)
    data = STREAMS[name]

    def failing() -> Iterator[bytes]:
        yield data[:20]
        raise OSError("gone")

    async def awaited(fails: bool) -> AsyncIterator[bytes]:
        for place in range(0, len(data), 7):
            yield data[place : place + 7]
        if fails:
            raise OSError("gone")

    async def all_async() -> None:
        for fails in (False, True):
            async with open_stream(awaited(fails), loads=json.loads) as stream:
                while True:
                    try:
                        await anext(stream)
                    except StopAsyncIteration:
                        break
                    except ndstream.StreamError:
                        pass
        async with open_stream(awaited(False), loads=json.loads) as stream:
            with suppress(ndstream.StreamError):
                await anext(stream, None)

    def round() -> None:
        taken(open_stream([data], loads=json.loads))
        taken(open_stream(failing(), loads=json.loads))
        with open_stream([data], loads=json.loads, on_error="skip") as stream:
            next(stream, None)
        with suppress(TypeError):
            open_stream(1)
        loop.run_until_complete(all_async())

    return round


def corpus() -> None:
    """Each case of the conformance corpus, whatever its framing."""
    for case in cases():
        for make in DECODERS.values():
            for on_error in ("raise", "skip", lambda error: None):
                taken(make(loads=json.loads, on_error=on_error).feed(case.data).finish())


def encode() -> None:
    dumps: Any = lambda value: json.dumps(value).encode()  # noqa: E731
    for value in ({"a": "\u2028"}, "x\ny", 1, b'{"a":1}', bytearray(b"1"), None, b"\xff", b" ", "\ud800", object()):
        for write in (ndstream.encode_sse, ndstream.encode_ndjson, ndstream.encode_jsonseq):
            for options in ({}, {"escape_unicode_newlines": True}, {"event": "e", "id": 7, "retry": 5}, {"id": "a\n"}):
                with suppress(ndstream.EncodeError, TypeError, ValueError):
                    write(value, dumps=dumps, **options)
    for comment in ("", "a\nb", 1, "\ud800"):
        with suppress(ndstream.EncodeError, TypeError):
            ndstream.encode_comment(comment)  # type: ignore[arg-type]
    encoder = ndstream.SSEEncoder()
    for event in ndstream.SSEDecoder(raw=True).feed(STREAMS["sse"]):
        encoder.encode(event)


def round_of_each() -> Iterator[tuple[str, Callable[[], None]]]:
    for name in DECODERS:
        yield f"{name}: raise", decode(name)
        yield f"{name}: skip", decode(name, on_error="skip")
        yield f"{name}: handler", decode(name, on_error=lambda error: None)
        yield f"{name}: bytes", decode(name, loads=bytes)
        yield f"{name}: limit", decode(name, max_frame_size=9)
        yield f"{name}: sentinel", decode(name, done="nope", require_done=True)
        yield f"{name}: no sentinel", decode(name, done="gone", require_done=True)
        yield f"{name}: interrupts", interrupted(name)
        yield f"{name}: out of memory", out_of_memory(name)
        yield f"{name}: misuse", misused(name)
        with closing(asyncio.new_event_loop()) as loop:
            yield f"{name}: streams", streams(name, loop)
    yield "ndjson: needles", decode("ndjson", contains=[b"a", b"1"], sample=0.5)
    yield "ndjson: blank lines", decode("ndjson", blank_lines="error")
    yield "sse: values", decode("sse", values=True, on_truncated="emit")
    yield "sse: raw", decode("sse", raw=True, empty_events=True, on_comment=len, on_truncated="discard")
    yield "concatenated: items", decode("concatenated", items=True)
    yield "encoders", encode


def main() -> None:
    for name, round in round_of_each():
        round()
        round()
        print(name, flush=True)
    corpus()


if __name__ == "__main__":
    main()
