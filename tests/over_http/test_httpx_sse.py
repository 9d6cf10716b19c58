"""Code written for httpx-sse and for httpx2's own events runs over ours, and sees the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts
from inputs.cuts import cuts
from ndstream.dropin import EventSource

from . import sync_clients
from .scripted_server import Reply, ScriptedServer

STREAM = (
    b": hello\n\n"
    b'data: {"a": 1}\n\n'
    b'event: update\nid: 7\nretry: 1500\ndata: {"b":\ndata: 2}\n\n'
    b"data: no id of its own\n\n"
    b"event: end\nid\ndata:\n\n"
)


def httpx_sse(url: str) -> Iterator[Any]:
    library = real_parts.library("httpx_sse")
    with sync_clients.httpx("httpx") as open:
        yield from library.EventSource(open(url)).iter_sse()


def httpx2(url: str) -> Iterator[Any]:
    library = real_parts.library("httpx2")
    with sync_clients.httpx("httpx2") as open:
        yield from library.EventSource(open(url))


def event_source(url: str) -> Iterator[Any]:
    real_parts.library("httpx")
    with sync_clients.httpx("httpx") as open:
        yield from EventSource(open(url)).iter_sse()


def ours(url: str) -> Iterator[Any]:
    real_parts.library("httpx")
    with sync_clients.httpx("httpx") as open, ndstream.sse(open(url)) as events:
        yield from events


@pytest.fixture
def url() -> Iterator[str]:
    async def script(reply: Reply) -> None:
        await reply.begin()
        await reply.part(STREAM)
        await reply.end()

    with ScriptedServer() as server:
        yield server.url(script, content_type="text/event-stream")


def print_all(events: Iterable[Any]) -> list[Any]:
    """The example of httpx-sse's own README."""
    return [(sse.event, sse.data, sse.id, sse.retry) for sse in events]


def reconnect(events: Iterable[Any]) -> list[Any]:
    """What its README does to come back: `retry` is None where the server did not say."""
    last_event_id, delay, log = "", 0.0, []
    for sse in events:
        last_event_id = sse.id
        if sse.retry is not None:
            delay = sse.retry / 1000
        log.append((last_event_id, delay))
    return log


def decode(events: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for sse in events:
        try:
            found.append(sse.json())
        except ValueError:
            found.append(sse.data)
    return found


@pytest.mark.parametrize("theirs", [httpx_sse, httpx2])
@pytest.mark.parametrize("program", [print_all, reconnect, decode])
def test_a_program_for_their_events_sees_the_same_in_ours(
    url: str, theirs: Callable[[str], Iterator[Any]], program: Callable[[Iterable[Any]], list[Any]]
) -> None:
    seen = program(theirs(url))
    assert len(seen) == 4
    assert program(ours(url)) == seen
    assert program(event_source(url)) == seen


def test_events_are_made_by_hand_as_theirs_are() -> None:
    library = real_parts.library("httpx_sse")
    for arguments in ({}, {"data": "{}"}, {"event": "a", "data": "b", "id": "c", "retry": 4}):
        made, theirs = ndstream.Event(**arguments), library.ServerSentEvent(**arguments)
        assert [getattr(made, name) for name in ("event", "data", "id", "retry")] == [
            getattr(theirs, name) for name in ("event", "data", "id", "retry")
        ]


WITHOUT_DATA = (
    b"id: 1\n\n"
    b"\n\n"
    b"retry: 10\n\n"
    b": a comment\n\n"
    b"event: ping\n\n"
    b"id: 2\ndata: x\n\n"
    b"id: 2\n\n"
    b"other: field\n\n"
    b"id\nretry: 20\n\n"
    b"data\n\n"
)


def made(data: bytes, kind: str = "text/event-stream") -> Any:
    return real_parts.library("httpx2").Response(
        200,
        headers={"Content-Type": kind},
        content=data,
        request=real_parts.library("httpx2").Request("GET", "http://localhost/"),
    )


def test_blocks_without_data_come_out_as_theirs_do() -> None:
    seen = print_all(real_parts.library("httpx2").EventSource(made(WITHOUT_DATA)))
    assert len(seen) == 7
    assert print_all(EventSource(made(WITHOUT_DATA))) == seen
    assert print_all(EventSource(made(WITHOUT_DATA)).iter_sse()) == seen


def test_blocks_without_data_are_the_same_for_every_cut() -> None:
    def events(chunks: list[bytes]) -> list[Any]:
        return [
            (event.event, event.data, event.id, event.retry, event.offset, event.line, event.raw)
            for event in ndstream.sse(chunks, empty_events=True, raw=True)
        ]

    whole = events([WITHOUT_DATA])
    assert len(whole) == 7
    for _, chunks in cuts(WITHOUT_DATA):
        assert events(chunks) == whole
    assert [event.data for event in ndstream.sse(WITHOUT_DATA)] == ["x", ""]


def test_an_async_response_is_iterated_over_by_the_async_method() -> None:
    async def main() -> None:
        async with real_parts.library("httpx").AsyncClient() as client:
            async with client.stream("GET", server.url(_script, content_type="text/event-stream")) as response:
                source = EventSource(response)
                assert source.response is response
                assert [event.data async for event in source.aiter_sse()] == ["1"]
            async with client.stream("GET", server.url(_script, content_type="text/event-stream")) as response:
                assert [event.data async for event in EventSource(response)] == ["1"]
            async with client.stream("GET", server.url(_script, content_type="text/event-stream")) as response:
                with pytest.raises(TypeError, match="aiter_sse"):
                    EventSource(response).iter_sse()

    async def _script(reply: Reply) -> None:
        await reply.begin()
        await reply.part(b"data: 1\n\n")
        await reply.end()

    with ScriptedServer() as server:
        anyio.run(main)


def test_another_content_type_is_refused_with_what_to_do() -> None:
    for kind in ("text/html", "", "application/json; charset=utf-8"):
        with pytest.raises(ValueError, match=r"ndstream\.sse"):
            EventSource(made(b"data: 1\n\n", kind)).iter_sse()
    for kind in ("text/event-stream", "Text/Event-Stream; charset=utf-8"):
        assert [event.data for event in EventSource(made(b"data: 1\n\n", kind))] == ["1"]
    with pytest.raises(TypeError, match="iter_sse"):
        EventSource(SyncResponse()).aiter_sse()


class SyncResponse:
    headers = {"Content-Type": "text/event-stream"}  # noqa: RUF012

    def iter_bytes(self) -> Iterator[bytes]:
        return iter([b"data: 1\n\n"])


@pytest.mark.parametrize("source", [None, b"data: 1\n\n", [b"data: 1\n\n"]])
def test_what_is_no_response_is_refused_with_what_to_do(source: Any) -> None:
    with pytest.raises(TypeError, match=r"takes a response.*ndstream\.sse"):
        EventSource(source)


def test_options_are_checked_before_the_response_is_read() -> None:
    for options, error in (({"max_frame_size": 0}, ValueError), ({"loads": None}, TypeError)):
        with pytest.raises(error, match=next(iter(options))):
            EventSource(made(b"data: 1\n\n", "text/event-stream"), **options)
