"""A relay as the body of each framework, in servers of other people: what arrives, and what a refusal becomes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import real_parts
from doubles.loopback import response
from doubles.loopback import serving as upstream_serving
from over_http.nginx import proxy

from .servers import PAIRS, Client, get, serving, until

EVENTS = [b"data: %d\n\n" % number for number in range(3)]


@pytest.fixture(scope="module", params=PAIRS, ids="-in-".join)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with serving(*request.param) as port:
        yield port


def test_events_arrive_as_they_are_with_headers_that_keep_proxies_from_holding_them_back(port: int) -> None:
    with upstream_serving(response(*EVENTS, kind="text/event-stream; charset=utf-8")) as upstream:
        answer = get(port, f"/relay?upstream={upstream.url}")
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = {line.lower() for line in head.split(b"\r\n")}
        assert any(line.startswith(b"content-type: text/event-stream") for line in lines)
        assert b"x-accel-buffering: no" in lines
        assert b"cache-control: no-cache, no-transform" in lines
        for event in EVENTS:
            assert event in body


def test_a_client_of_http_1_0_gets_the_stream_until_its_connection_ends(port: int, request: Any) -> None:
    if "uvicorn" in request.node.callspec.id and find_spec("httptools") is not None:
        pytest.skip(
            "uvicorn with httptools sends chunk sizes to clients of HTTP/1.0, as docs/serving-frameworks.md says"
        )
    with upstream_serving(response(*EVENTS, kind="text/event-stream")) as upstream:
        client = Client(port, f"/relay?upstream={upstream.url}", version="1.0")
        head, _, body = client.read_all().partition(b"\r\n\r\n")
        client.leave()
        assert b"transfer-encoding" not in head.lower()
        assert body == b"".join(EVENTS)


def test_a_range_is_not_cut_out_of_a_stream(port: int) -> None:
    with upstream_serving(response(*EVENTS, kind="text/event-stream")) as upstream:
        answer = get(port, f"/relay?upstream={upstream.url}", "Range: bytes=3-4\r\n")
        assert answer.split()[1] == b"200"
        for event in EVENTS:
            assert event in answer


def test_a_cut_of_the_upstream_is_told(port: int) -> None:
    with upstream_serving(response(EVENTS[0], b"data: cu", kind="text/event-stream")) as upstream:
        answer = get(port, f"/relay?upstream={upstream.url}")
        assert EVENTS[0] in answer
        assert b"event: error\n" in answer
        assert b"data: cu\n" not in answer


def test_a_silent_upstream_has_heartbeats(port: int) -> None:
    with upstream_serving(response(EVENTS[0], kind="text/event-stream")[:-1]) as upstream:
        client = Client(port, f"/relay?upstream={upstream.url}")
        client.read_until(EVENTS[0])
        client.read_until(b":\n\n")
        client.leave()
        assert upstream.gone.wait(20)


def test_a_refusal_of_the_upstream_starts_no_stream(port: int) -> None:
    refusal = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy"
    with upstream_serving([refusal]) as upstream:
        head = get(port, f"/refused?upstream={upstream.url}").partition(b"\r\n")[0]
        # Frameworks make a 500 of the UpstreamError, unless the application handles it; the ASGI application does.
        assert head.split()[1] in (b"429", b"500")


def test_a_head_request_ends_and_leaves_no_upstream_open(port: int) -> None:
    with upstream_serving(response(*EVENTS, kind="text/event-stream")[:-1]) as upstream:
        client = Client(port, f"/relay?upstream={upstream.url}", "HEAD")
        client.read_until(b"\r\n\r\n")
        client.leave()
        if upstream.connections:
            assert upstream.gone.wait(20)


def test_a_broadcast_is_a_body_that_goes_on_after_an_id_and_leaves_with_its_client(port: int) -> None:
    def text(path: str) -> bytes:
        return get(port, path).partition(b"\r\n\r\n")[2]

    assert b"e-1" in text("/publish")
    assert b"e-2" in text("/publish")
    late, new = Client(port, "/broadcast?last=e-1"), Client(port, "/broadcast")
    head = late.read_until(b"id: e-2\ndata: news\n\n").lower()
    assert head.startswith(b"http/1.1 200")
    assert b"content-type: text/event-stream" in head
    assert b"x-accel-buffering: no" in head
    new.read_until(b":\n\n")
    assert b"e-3" in text("/publish")
    assert b"subscribers: 2" in text("/subscribers")
    for client in (late, new):
        client.read_until(b"id: e-3\ndata: news\n\n")
        assert b"id: e-1" not in client.received
        client.leave()
    assert b"id: e-2" not in new.received
    # Those who serve them find out at the next heartbeat, if not before.
    assert until(lambda: b"subscribers: 0" in text("/subscribers"))


@pytest.mark.parametrize("location", ["buffered", "unbuffered", "compressed"])
def test_nginx_in_front_lets_each_event_through_at_once_and_the_upstream_go(location: str, tmp_path: Path) -> None:
    """X-Accel-Buffering and no-transform are in the response, whatever nginx is configured to do."""
    with (
        serving("starlette", "uvicorn") as port,
        proxy(f"http://127.0.0.1:{port}", tmp_path) as front,
        upstream_serving(response(EVENTS[0], kind="text/event-stream")[:-1]) as upstream,
    ):
        client = Client(int(front.rpartition(":")[2]), f"/{location}/relay?upstream={upstream.url}")
        client.read_until(EVENTS[0])
        client.read_until(b":\n\n")
        client.leave()
        assert upstream.gone.wait(20)


@pytest.mark.parametrize("location", ["buffered", "unbuffered", "compressed"])
def test_nginx_in_front_with_http_2_lets_each_event_through_at_once_and_the_upstream_go(
    location: str, tmp_path: Path
) -> None:
    httpx = real_parts.library("httpx", "pip install 'ndstream[test-clients]'")
    with (
        serving("starlette", "uvicorn") as port,
        proxy(f"http://127.0.0.1:{port}", tmp_path, http2=True) as front,
        upstream_serving(response(EVENTS[0], kind="text/event-stream")[:-1]) as upstream,
        upstream_serving(response(*EVENTS, kind="text/event-stream")) as short,
    ):
        with httpx.Client(http1=False, http2=True, timeout=20) as client:
            body = client.get(f"{front}/{location}/relay?upstream={short.url}").content
            assert body.replace(b":\n\n", b"") == b"".join(EVENTS)
            with client.stream("GET", f"{front}/{location}/relay?upstream={upstream.url}") as answer:
                assert answer.http_version == "HTTP/2"
                assert "connection" not in answer.headers
                received = b""
                for part in answer.iter_bytes():
                    received += part
                    if EVENTS[0] in received and received.endswith(b":\n\n"):
                        break
        assert upstream.gone.wait(20)
