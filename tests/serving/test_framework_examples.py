"""The examples of docs/serving-frameworks.md, each as it stands there, in a server of other people."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import real_parts
from doubles.loopback import Server as Upstream
from doubles.loopback import response
from doubles.loopback import serving as upstream_serving

from .servers import GET, PATIENCE, Client, free_port, get, program

PAGE = Path(__file__).resolve().parents[2] / "docs" / "serving-frameworks.md"
EXAMPLES = dict(
    re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
)
SERVERS = {
    "FastAPI": ("uvicorn", "fastapi"),
    "Starlette": ("uvicorn", "starlette"),
    "Litestar": ("uvicorn", "litestar"),
    "Django under ASGI": ("uvicorn", "django"),
    "Quart": ("hypercorn", "quart"),
    "aiohttp.web": ("", "aiohttp"),
    "Flask": ("waitress", "flask"),
}
FIRST, SECOND = b"data: 1\n\n", b"data: 2\n\n"


def test_each_framework_has_an_example() -> None:
    # The examples of shutdown are run by the tests of stopping servers.
    assert EXAMPLES.keys() - {"When the server stops"} == SERVERS.keys()


def command(server: str, port: int) -> list[str]:
    arguments = {
        "uvicorn": ["-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "error"],
        "hypercorn": ["-m", "hypercorn", "app:app", "--bind", f"127.0.0.1:{port}", "--log-level", "ERROR"],
        "waitress": ["-m", "waitress", "--listen", f"127.0.0.1:{port}", "app:app"],
        "": ["app.py"],
    }
    return [sys.executable, *arguments[server]]


@contextmanager
def serving_example(name: str, folder: Path) -> Iterator[tuple[int, Upstream]]:
    """Run an example: its port, and its upstream, whose answer each test sets."""
    server, framework = SERVERS[name]
    for part in (framework, server, "httpx"):
        if part:
            real_parts.library(part, GET)
    (folder / "app.py").write_text(EXAMPLES[name])
    port = free_port()
    with upstream_serving([]) as upstream, program(command(server, port), folder, port, upstream.url):
        yield port, upstream


@pytest.fixture(scope="module", params=SERVERS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Upstream]]:
    with serving_example(request.param, tmp_path_factory.mktemp("example")) as served:
        yield served


def test_frames_come_out_as_they_come_in_and_the_upstream_is_released_when_the_client_leaves(
    served: tuple[int, Upstream],
) -> None:
    port, upstream = served
    go_on = threading.Event()
    # Without its end, so that the upstream stays open.
    upstream.answers = [response(FIRST, go_on, SECOND, kind="text/event-stream")[:-1]]
    client = Client(port, "/stream")
    head = client.read_until(FIRST).lower()
    assert head.startswith(b"http/1.1 200")
    assert b"content-type: text/event-stream" in head
    assert b"x-accel-buffering: no" in head
    go_on.set()
    client.read_until(SECOND)
    upstream.gone.clear()
    client.leave()
    # A sync relay finds out by its next heartbeat.
    assert upstream.gone.wait(2 * PATIENCE)


def test_a_refusal_of_the_upstream_becomes_an_answer_with_its_status(served: tuple[int, Upstream]) -> None:
    port, upstream = served
    upstream.answers = [[b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nbusy"]]
    assert get(port, "/stream").split()[1] == b"429"


def test_a_cut_of_the_upstream_is_told_by_an_error_frame(served: tuple[int, Upstream]) -> None:
    port, upstream = served
    upstream.answers = [response(FIRST, b"data: cu", kind="text/event-stream")]
    answer = get(port, "/stream")
    assert FIRST in answer
    assert b"event: error\n" in answer
    assert b"data: cu\n" not in answer
