"""The id of a request is UTF-8 on the wire, whatever client sends it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from ndstream import EventSource
from ndstream.serving._event_source.request_headers import request_headers

from .clients import ASYNC, SYNC

ASCII_IDS = ["7", "a b"]
IDS = ["7", "caf\xe9 \u20ac", "\U0001f600", "a b"]


@contextmanager
def recording_server(*ids: str, data: Iterable[str] = ()) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each request an event with the next id; its address, and the heads of the requests."""
    heads: list[bytes] = []
    left = list(ids)
    payloads = iter(data)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                heads.append(head)
                status = b"200 OK" if left else b"204 No Content"
                body = b""
                if left:
                    body = f"retry: 1\nid: {left.pop(0)}\ndata: {next(payloads, 'a')}\n\n".encode()
                connection.sendall(
                    b"HTTP/1.1 %b\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                    % (status, len(body))
                    + body
                )

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", heads
        # This ends the accept that waits.
        listener.shutdown(socket.SHUT_RDWR)


def sent_ids(heads: list[bytes]) -> list[str | None]:
    ids: list[str | None] = []
    for head in heads:
        [*found] = [line for line in head.split(b"\r\n") if line.lower().startswith(b"last-event-id:")]
        ids.append(found[0].partition(b":")[2].strip().decode() if found else None)
        assert b"\r\naccept: text/event-stream\r\n" in head.lower()
        assert b"\r\ncache-control: no-cache\r\n" in head.lower()
    return ids


@pytest.mark.parametrize("client", SYNC)
def test_an_id_is_sent_as_utf_8_by_a_sync_client(client: str) -> None:
    # This client decodes its headers as ASCII itself.
    ids = ASCII_IDS if client == "curl_cffi" else IDS
    with recording_server(*ids) as (url, heads), SYNC[client](url) as connect:
        with EventSource(connect, delay=lambda attempt, retry: 0.0) as source:
            assert [event.id for event in source] == ids
            assert source.last_error is None
        assert sent_ids(heads) == [None, *ids]


@pytest.mark.parametrize("client", ASYNC)
def test_an_id_is_sent_as_utf_8_by_an_async_client(client: str) -> None:
    async def main() -> None:
        ids = ASCII_IDS if client == "curl_cffi" else IDS
        with recording_server(*ids) as (url, heads):
            async with ASYNC[client](url) as connect, EventSource(connect, delay=lambda attempt, retry: 0.0) as source:
                assert [event.id async for event in source] == ids
                assert source.last_error is None
            assert sent_ids(heads) == [None, *ids]

    asyncio.run(main())


def test_white_space_at_the_ends_of_an_id_has_no_place_in_a_header() -> None:
    assert request_headers(" \t7 ")["Last-Event-ID"] == "7"
    assert "Last-Event-ID" not in request_headers("  ")
