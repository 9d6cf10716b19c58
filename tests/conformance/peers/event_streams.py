"""Decoders of event streams, each reached the way its own library reaches it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

from peers.peer import Peer
from stream_framing_conformance import ReceivedEvent


def httpx_response(chunks: list[bytes], library: str = "httpx") -> Any:
    """A real response, whose bytes come from memory as they were cut."""
    module: Any = import_module(library)

    class InMemory(module.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            return iter(chunks)

    headers = {"Content-Type": "text/event-stream"}
    return module.Response(200, headers=headers, stream=InMemory(), request=module.Request("GET", "http://localhost"))


@contextmanager
def patched(module: Any, name: str, value: object) -> Iterator[None]:
    original = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, original)


def message(event: Any) -> ReceivedEvent:
    """What a library calls an event; no type is the type "message", and no id the empty one."""
    return ReceivedEvent(event.event or "message", event.data, event.id or "")


def httpx_sse(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    yield from map(message, import_module("httpx_sse").EventSource(httpx_response(chunks)).iter_sse())


def httpx2(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    yield from map(message, import_module("httpx2").EventSource(httpx_response(chunks, "httpx2")))


def cohere(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    source = import_module("cohere.core.http_sse._api").EventSource(httpx_response(chunks))
    yield from map(message, source.iter_sse())


def from_bytes(module: str) -> Callable[[list[bytes]], Iterator[ReceivedEvent]]:
    """The decoders of openai and anthropic have the same form."""

    def decode(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
        yield from map(message, import_module(module).SSEDecoder().iter_bytes(iter(chunks)))

    return decode


def sseclient_py(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    class Source:
        def __iter__(self) -> Iterator[bytes]:
            return iter(chunks)

        def close(self) -> None:
            pass

    yield from map(message, import_module("sseclient").SSEClient(Source()).events())


def mistralai(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    module = import_module("mistralai.client.utils.eventstreaming")

    def event(text: str) -> ReceivedEvent:
        parts = json.loads(text)
        return ReceivedEvent(parts.get("event") or "message", parts["data"], parts.get("id") or "")

    # It decodes data that is JSON; what is asked here is which text it read.
    with patched(module, "json", _NothingIsJSON()):
        yield from module.stream_events(httpx_response(chunks), event)


class _NothingIsJSON:
    JSONDecodeError = json.JSONDecodeError
    dumps = staticmethod(json.dumps)

    def loads(self, text: str) -> None:
        raise json.JSONDecodeError("not decoded", text, 0)


def launchdarkly(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    reader = import_module("ld_eventsource.reader")
    event_class = import_module("ld_eventsource.actions").Event
    lines = reader._BufferedLineReader.lines_from(iter(chunks))
    for item in reader._SSEReader(lines).events_and_comments():
        if isinstance(item, event_class):
            yield ReceivedEvent(item.event, item.data, item.last_event_id or "")


def langgraph_sdk(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    module = import_module("langgraph_sdk.sse")
    decoder = module.SSEDecoder()
    recorder = _Recorder()
    # It decodes the data as JSON; what is asked here is which text it read.
    with patched(module, "orjson", recorder):
        for line in module.iter_lines_raw(httpx_response(chunks)):
            part = decoder.decode(line.rstrip(b"\n"))
            if part is not None and decoder.has_data:
                yield ReceivedEvent(part.event or "message", recorder.take(), part.id or "")


class _Recorder:
    _text = ""

    def loads(self, data: Any) -> None:
        self._text = bytes(data).decode("utf-8", "replace")

    def take(self) -> str:
        text, self._text = self._text, ""
        return text


def niquests(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    extension = import_module("urllib3_future.contrib.webextensions.sse").ServerSideEventExtensionFromHTTP()

    class Response:
        _fp = None

        def stream(self, size: int, decode_content: bool) -> Iterator[bytes]:
            yield from chunks

    extension._response, extension._police_officer = Response(), None
    extension._stream = Response().stream(-1, decode_content=True)
    while (event := extension.next_payload()) is not None:
        yield message(event)


def aiohttp_sse_client(chunks: list[bytes]) -> Iterator[ReceivedEvent]:
    return iter(asyncio.run(_aiohttp_sse_client(chunks)))


async def _aiohttp_sse_client(chunks: list[bytes]) -> list[ReceivedEvent]:
    aiohttp = import_module("aiohttp")
    client = import_module("aiohttp_sse_client.client")
    reader = aiohttp.StreamReader(_Protocol(), 2**16, loop=asyncio.get_running_loop())
    for chunk in chunks:
        reader.feed_data(chunk)
    reader.feed_eof()

    class Response:
        status = 200
        content = reader

    class Ended(Exception):
        pass

    def end() -> None:
        raise Ended

    async with aiohttp.ClientSession() as session:
        # It would connect again at the end of the stream, after a wait.
        source = client.EventSource("http://localhost", session=session, on_error=end)
        source._response = Response()
        source._ready_state = client.READY_STATE_OPEN
        received = []
        with suppress(Ended):
            while True:
                event = await source.__anext__()
                received.append(ReceivedEvent(event.type or "message", event.data, event.last_event_id or ""))
        return received


class _Protocol:
    _reading_paused = False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self, **_: object) -> None:
        pass


PEERS = [
    Peer("httpx-sse", httpx_sse),
    Peer("httpx2", httpx2),
    Peer("openai", from_bytes("openai._streaming")),
    Peer("anthropic", from_bytes("anthropic._streaming")),
    Peer("sseclient-py", sseclient_py),
    Peer("mistralai", mistralai),
    Peer("cohere", cohere),
    Peer("launchdarkly-eventsource", launchdarkly),
    Peer("langgraph-sdk", langgraph_sdk),
    Peer("niquests", niquests),
    Peer("aiohttp-sse-client", aiohttp_sse_client),
]
