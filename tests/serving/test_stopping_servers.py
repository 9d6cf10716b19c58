"""What servers do to open streams when they stop, and how a group ends them first, as the page on frameworks says."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import real_parts
from doubles.loopback import Server as Upstream
from doubles.loopback import response
from doubles.loopback import serving as upstream_serving

from .servers import GET, PATIENCE, Client, free_port, listens, program, until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "serving-frameworks.md"
SECTION = PAGE.read_text().partition("\n## When the server stops\n")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```python\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
WITH_GROUP = dict(zip(("uvicorn", "hypercorn"), BLOCKS, strict=True))
ALONE = """
import os, sys
import httpx
import ndstream
client = httpx.AsyncClient(timeout=httpx.Timeout(10, read=None))
async def app(scope, receive, send):
    upstream = await client.send(client.build_request("GET", os.environ["UPSTREAM"]), stream=True)
    await ndstream.relay(upstream)(scope, receive, send)
"""
EVENT = b"data: 1\n\n"


@contextmanager
def running(source: str, folder: Path, *command: str) -> Iterator[tuple[Client, subprocess.Popen[bytes], Upstream]]:
    """A program with one stream open."""
    (folder / "app.py").write_text(source)
    port = free_port()
    arguments = [sys.executable, *(part.replace("PORT", str(port)) for part in command or ("app.py",))]
    with (
        upstream_serving(response(EVENT, kind="text/event-stream")[:-1]) as upstream,
        program(arguments, folder, port, upstream.url) as process,
    ):
        client = Client(port, "/stream")
        with client.socket:
            client.read_until(EVENT)
            yield client, process, upstream


@pytest.mark.parametrize("server", ["uvicorn", "hypercorn"])
def test_a_group_ends_the_stream_with_an_error_frame_and_a_whole_transfer(server: str, tmp_path: Path) -> None:
    real_parts.library(server, GET)
    with running(WITH_GROUP[server], tmp_path) as (client, process, upstream):
        process.send_signal(signal.SIGTERM)
        told = client.read_all()
        assert b'event: error\ndata: {"error":{"message":"the server is shutting down","type":"shutdown"}}\n\n' in told
        assert told.endswith(b"\r\n0\r\n\r\n")
        assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
        assert upstream.gone.wait(PATIENCE)


UVICORN = ["--port", "PORT", "--lifespan", "off"]
# In this process alone; else the process that starts it listens on.
HYPERCORN = ["--bind", "127.0.0.1:PORT", "--workers", "0", "--graceful-timeout", "1"]
# It closes asyncio's server first, and from there on that waits for its connections.
HYPERCORN_WAITS = sys.version_info >= (3, 12)


@pytest.mark.parametrize(
    ("server", "options"),
    [
        ("uvicorn", [*UVICORN, "--timeout-graceful-shutdown", "1"]),
        pytest.param(
            "hypercorn",
            HYPERCORN,
            marks=pytest.mark.skipif(HYPERCORN_WAITS, reason="hypercorn waits for the stream from CPython 3.12 on"),
        ),
    ],
)
def test_without_one_the_server_cuts_the_body_and_the_upstream_is_released_all_the_same(
    server: str, options: list[str], tmp_path: Path
) -> None:
    real_parts.library(server, GET)
    with running(ALONE, tmp_path, "-m", server, "app:app", *options) as (client, process, upstream):
        process.send_signal(signal.SIGTERM)
        told = client.read_all()
        assert b"error" not in told
        assert not told.endswith(b"\r\n0\r\n\r\n")
        assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
        assert upstream.gone.wait(PATIENCE)


@pytest.mark.parametrize(
    ("server", "options"),
    [
        ("uvicorn", UVICORN),
        pytest.param(
            "hypercorn",
            HYPERCORN,
            marks=pytest.mark.skipif(not HYPERCORN_WAITS, reason="hypercorn cuts the stream on CPython 3.11 and older"),
        ),
    ],
)
def test_uvicorn_without_a_timeout_waits_for_the_stream_and_so_does_hypercorn_with_one(
    server: str, options: list[str], tmp_path: Path
) -> None:
    real_parts.library(server, GET)
    with running(ALONE, tmp_path, "-m", server, "app:app", *options) as (client, process, _):
        process.send_signal(signal.SIGTERM)
        # It takes no new connections, and keeps the old one.
        assert until(lambda: not listens(client.socket.getpeername()[1]))
        assert process.poll() is None
        client.leave()
        assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
