"""The table of disconnects: whatever a framework does when a client leaves, the upstream is released.

A row is a framework in a server, a column what the body is doing when the client leaves: waiting for a silent upstream,
sending to a client that does not read, or taking from a source that never waits.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from doubles.loopback import response
from doubles.loopback import serving as upstream_serving

from .servers import PAIRS, Client, get, serving, until

EVENT = b"data: " + b"x" * 1000 + b"\n\n"


@pytest.fixture(scope="module", params=PAIRS, ids="-in-".join)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with serving(*request.param) as port:
        yield port


def test_the_upstream_is_released_when_a_client_leaves_while_it_is_silent(port: int) -> None:
    with upstream_serving(response(EVENT, kind="text/event-stream")[:-1]) as upstream:
        client = Client(port, f"/relay?upstream={upstream.url}")
        client.read_until(b"xx\n\n")
        client.leave()
        assert upstream.gone.wait(20)
        assert upstream.connections == 1


def test_the_upstream_is_released_when_a_client_leaves_that_does_not_read(port: int) -> None:
    flood = [EVENT * 100] * 2000
    with upstream_serving(response(*flood, kind="text/event-stream")) as upstream:
        client = Client(port, f"/relay?upstream={upstream.url}")
        client.read_until(b"xx\n\n")
        # The upstream is not read on while the client is not: the flood stands still.
        assert not upstream.gone.wait(0.3)
        client.leave()
        assert upstream.gone.wait(20)


def test_a_source_that_never_waits_is_released_and_lets_others_be_served(port: int) -> None:

    client = Client(port, "/endless")
    client.read_until(b"xx\n\n")
    released = _released(port)
    client.leave()
    assert until(lambda: _released(port) == released + 1)


def _released(port: int) -> int:
    head, _, body = get(port, "/released").partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        body = body.split(b"\r\n")[1]
    return int(body)
