"""What the answers and the silence of a real server become with real clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import real_parts
from doubles.loopback import response, serving
from ndstream import EventSource, TruncatedError, UpstreamError
from ndstream._core import SSEDecoder
from ndstream.serving._event_source.async_connection import AsyncConnection
from ndstream.serving._event_source.sync_connection import SyncConnection

from ..servers import free_port
from .clients import ASYNC, SYNC
from .scripted import Answer, AsyncResponse

AT_ONCE: dict[str, Any] = {"delay": lambda attempt, retry: 0.0}
SHORT = 0.2
"""Seconds of silence that are too long."""


def events(*parts: Any, **options: Any) -> list[Any]:
    return response(*parts, kind="text/event-stream", **options)


def answer(status: str, body: bytes = b"", headers: str = "") -> list[Any]:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return [head.encode() + body]


END = answer("204 No Content")


def data_over_sync(client: str, url: str, seen: list[Any], **options: Any) -> list[str]:
    options = {**AT_ONCE, **options, "on_state_change": lambda source: seen.append(source.last_error)}
    with SYNC[client](url) as connect, EventSource(connect, **options) as source:
        return [event.data for event in source]


def data_over_async(client: str, url: str, seen: list[Any], **options: Any) -> list[str]:
    options = {**AT_ONCE, **options, "on_state_change": lambda source: seen.append(source.last_error)}

    async def main() -> list[str]:
        async with ASYNC[client](url) as connect, EventSource(connect, **options) as source:
            return [event.data async for event in source]

    return asyncio.run(main())


EVERY_CLIENT = [
    *(pytest.param(data_over_sync, client, id=f"{client} sync") for client in SYNC),
    *(pytest.param(data_over_async, client, id=f"{client} async") for client in ASYNC),
]
Read = Callable[..., list[str]]
each_client = pytest.mark.parametrize(("read", "client"), EVERY_CLIENT)


@each_client
def test_it_goes_on_after_a_body_that_breaks_off(read: Read, client: str) -> None:
    seen: list[Any] = []
    broken = events(b"id: 1\ndata: a\n\nid: 2\ndata: b")[:-1]
    with serving([*broken, _break_off], events(b"id: 2\ndata: b\n\n"), END) as server:
        assert read(client, server.url, seen) == ["a", "b"]
    [error] = {error for error in seen if error is not None}
    assert isinstance(error, TruncatedError)
    assert error.reason == "source_failed"


def _break_off() -> None:
    raise OSError("the server gives up")


@each_client
def test_a_refusal_that_may_pass_is_tried_again(read: Read, client: str) -> None:
    seen: list[Any] = []
    with serving(answer("503 Busy", b"later", "Retry-After: 1\r\n"), events(b"data: a\n\n"), END) as server:
        assert read(client, server.url, seen) == ["a"]
    error = next(error for error in seen if error is not None)
    assert (getattr(error, "status", None) or error.code) == 503


@each_client
def test_a_refusal_that_does_not_pass_raises(read: Read, client: str) -> None:
    with serving(answer("403 Forbidden", b"no")) as server:
        with pytest.raises(Exception, match="403") as caught:
            read(client, server.url, [])
        assert server.connections == 1
    if client != "urllib.request":
        # That raises an error of its own.
        assert isinstance(caught.value, UpstreamError)
        assert caught.value.body == b"no"


@each_client
def test_a_page_in_the_place_of_a_stream_raises_with_its_first_bytes(read: Read, client: str) -> None:
    page = answer("200 OK", b"<html>", "Content-Type: text/html\r\n")
    with serving(page) as server, pytest.raises(UpstreamError, match="text/html") as caught:
        read(client, server.url, [])
    assert caught.value.body == b"<html>"


@pytest.mark.parametrize("client", ["httpx", "httpx2"])
def test_a_redirect_that_the_client_does_not_follow_names_the_switch(client: str) -> None:
    redirect = answer("307 Temporary Redirect", headers="Location: /there\r\n")
    with serving(redirect) as server, pytest.raises(UpstreamError, match="follow_redirects=True"):
        data_over_sync(client, server.url, [])


@each_client
def test_a_server_that_cannot_be_reached_is_tried_again(read: Read, client: str) -> None:
    attempts: list[int] = []

    def delay(attempt: int, retry: int | None) -> float | None:
        attempts.append(attempt)
        return 0.0 if attempt < 3 else None

    # Each client raises an error of its own, and says in its own words what the system says.
    with pytest.raises(Exception, match=r"(?i)refused|connect|111") as caught:
        read(client, f"http://127.0.0.1:{free_port()}/", [], delay=delay)
    assert attempts == [1, 2, 3]
    assert not isinstance(caught.value, (TypeError, ValueError))


# raise_for_status


def test_what_raise_for_status_of_httpx_raises_is_judged_by_its_status() -> None:
    httpx = real_parts.library("httpx")

    def connect(headers: dict[str, str]) -> Any:
        response = client.send(client.build_request("GET", server.url, headers=headers), stream=True)
        responses.append(response)
        return response.raise_for_status()

    responses: list[Any] = []
    retries: list[int | None] = []

    def delay(attempt: int, retry: int | None) -> float:
        retries.append(retry)
        return 0.0

    answers = [answer("429 Slow", headers="Retry-After: 2\r\n"), events(b"data: a\n\n"), answer("401 Who", b"you")]
    with serving(*answers) as server, httpx.Client() as client:
        source = EventSource(connect, delay=delay)
        assert next(source).data == "a"
        with pytest.raises(httpx.HTTPStatusError, match="401"):
            next(source)
    assert retries == [2000, None]
    assert all(response.is_closed for response in responses)


def test_what_raise_for_status_of_aiohttp_raises_is_judged_by_its_status() -> None:
    aiohttp = real_parts.library("aiohttp")

    async def main() -> None:
        answers = [answer("503 Busy"), events(b"data: a\n\n"), answer("401 Who", b"you")]
        with serving(*answers) as server:
            async with aiohttp.ClientSession(raise_for_status=True) as session:
                source = EventSource(lambda headers: session.get(server.url, headers=headers), **AT_ONCE)
                assert (await source.__anext__()).data == "a"
                with pytest.raises(aiohttp.ClientResponseError, match="401"):
                    await source.__anext__()

    asyncio.run(main())


# read_timeout


@pytest.mark.parametrize(
    ("read", "client"),
    [param for param in EVERY_CLIENT if param.id != "curl_cffi sync"],
)
def test_a_connection_that_is_silent_for_too_long_is_made_again(read: Read, client: str) -> None:
    silence = threading.Event()
    seen: list[Any] = []
    try:
        with serving(events(b"id: 1\ndata: a\n\n", silence), events(b"data: b\n\n"), END) as server:
            assert read(client, server.url, seen, read_timeout=SHORT) == ["a", "b"]
    finally:
        silence.set()
    error = next(error for error in seen if error is not None)
    assert isinstance(error, TruncatedError)
    assert error.reason in ("timeout", "stalled")


def test_a_client_whose_reads_cannot_be_ended_is_told_so() -> None:
    with serving(events(b"data: a\n\n")) as server, pytest.raises(ValueError, match="read_timeout="):
        data_over_sync("curl_cffi", server.url, [], read_timeout=SHORT)


def test_each_read_of_a_sync_client_has_the_whole_time() -> None:
    """A heartbeat is enough: the time is set anew for each chunk, and none passes while the reader has an event."""
    deadlines: list[float] = []
    reading: list[bool] = []

    class Deadlined:
        headers = None

        def __init__(self) -> None:
            self.chunks = iter([b":\n\n", b":\n\n", b"data: a\n\n"])

        def iter_bytes(self) -> Iterator[bytes]:
            return self.chunks

    @contextmanager
    def read_deadline(seconds: float) -> Iterator[None]:
        deadlines.append(seconds)
        reading.append(True)
        yield
        reading.pop()

    from ndstream._sources import open_source
    from ndstream.serving._event_source import sync_connection

    opened = open_source(Deadlined())._replace(read_deadline=read_deadline)  # type: ignore[call-arg]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sync_connection, "open_source", lambda source: opened)
        stream = SyncConnection(Deadlined()).open(SSEDecoder(), 45)
        assert [(event.data, reading) for event in stream] == [("a", [])]
    assert deadlines == [45] * 4


def test_each_read_of_an_async_client_has_the_whole_time() -> None:
    """A heartbeat is enough: the time is set anew for each chunk."""
    limits: list[float] = []

    async def main() -> None:
        from ndstream._sources.event_loops import move_on_after
        from ndstream.serving._event_source import async_connection

        def counted(seconds: float) -> Any:
            limits.append(seconds)
            return move_on_after(seconds)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(async_connection, "move_on_after", counted)
            connection = await AsyncConnection.of(AsyncResponse(Answer(b":\n\n", b":\n\n", b"data: a\n\n")))
            connection.open(SSEDecoder(), 45)
            assert connection.stream is not None
            assert [event.data async for event in connection.stream] == ["a"]
            assert limits[:4] == [45] * 4
            await connection.release()

    asyncio.run(main())
