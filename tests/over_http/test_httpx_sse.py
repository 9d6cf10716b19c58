"""Code written for httpx-sse and for httpx2's own events runs over ours, and sees the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

import ndstream
import real_parts

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


def test_events_are_made_by_hand_as_theirs_are() -> None:
    library = real_parts.library("httpx_sse")
    for arguments in ({}, {"data": "{}"}, {"event": "a", "data": "b", "id": "c", "retry": 4}):
        made, theirs = ndstream.Event(**arguments), library.ServerSentEvent(**arguments)
        assert [getattr(made, name) for name in ("event", "data", "id", "retry")] == [
            getattr(theirs, name) for name in ("event", "data", "id", "retry")
        ]
