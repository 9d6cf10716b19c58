"""The body of a request, read by an application while it is being sent."""

from __future__ import annotations

import queue
import socket
from urllib.parse import urlsplit

import pytest

import ndstream
import real_parts

from .bodies import BODIES, Body, Upload
from .scenarios import CUT, WHOLE, frame, size, value
from .scripted_server import PATIENCE


@pytest.fixture(params=BODIES, ids=lambda body: body.name)
def body(request: pytest.FixtureRequest) -> Body:
    found: Body = request.param
    for module in found.needs:
        real_parts.library(module)
    return found


def begin(address: str, length: int) -> socket.socket:
    """A request whose body is to follow."""
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname, parts.port or 80), PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(
        f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode()
    )
    return connection


def test_an_upload_arrives_whole_and_each_value_as_soon_as_it_can(body: Body) -> None:
    upload = Upload()
    with body.serve(upload) as address, begin(address, size("ndjson", WHOLE)) as connection:
        for number in range(WHOLE):
            connection.sendall(frame("ndjson", number))
            if body.prompt:
                # Nothing more is sent until this one is there.
                assert upload.values.get(timeout=PATIENCE) == value(number)
        if not body.prompt:
            assert [upload.values.get(timeout=PATIENCE) for _ in range(WHOLE)] == [value(n) for n in range(WHOLE)]
        assert upload.ended.get(timeout=PATIENCE) is None
        assert b"204" in connection.recv(65536)


def test_an_upload_that_its_client_breaks_off_is_truncated(body: Body) -> None:
    upload = Upload()
    with body.serve(upload) as address:
        with begin(address, size("ndjson", WHOLE)) as connection:
            for number in range(CUT):
                connection.sendall(frame("ndjson", number))
            connection.sendall(frame("ndjson", CUT)[:9])
        if not body.tells:
            with pytest.raises(queue.Empty):
                upload.ended.get(timeout=0.2)
            return
        error = upload.ended.get(timeout=PATIENCE)
        assert isinstance(error, ndstream.TruncatedError)
        assert error.offset == size("ndjson", CUT)
        assert [upload.values.get(timeout=PATIENCE) for _ in range(CUT)] == [value(number) for number in range(CUT)]


def test_an_upload_broken_off_between_two_frames_is_truncated(body: Body) -> None:
    upload = Upload()
    with body.serve(upload) as address:
        with begin(address, size("ndjson", WHOLE)) as connection:
            connection.sendall(frame("ndjson", 0))
        if not body.tells:
            return
        error = upload.ended.get(timeout=PATIENCE)
        assert isinstance(error, ndstream.TruncatedError) if body.counts else error is None
