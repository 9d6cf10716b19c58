"""The page on migrating shows programs that run, and what is shown after prints what is shown before."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import real_parts

GET = "pip install 'ndstream[test-clients]'"
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "migrating.md").read_text()
STREAM = b'event: tick\nid: 1\ndata: {"n": 1}\n\nevent: tick\nid: 2\ndata: {"n": 2}\n\n'
SENTINEL = b"event: end\nid: 3\ndata: [DONE]\n\n"


def programs(title: str) -> list[str]:
    [section] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = STREAM + (SENTINEL if self.path == "/done" else b"")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def printed(program: str, **names: str) -> str:
    given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
    ran = subprocess.run(
        [sys.executable, "-c", given + program], capture_output=True, text=True, check=False, timeout=60
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize(
    ("title", "library", "path", "expected"),
    [
        ("httpx-sse", "httpx_sse", "/", "tick 1 {'n': 1}\ntick 2 {'n': 2}\n"),
        ("sseclient-py", "sseclient", "/", 'tick 1 {"n": 1}\ntick 2 {"n": 2}\n'),
        ("aiohttp-sse-client", "aiohttp_sse_client", "/done", 'tick 1 {"n": 1}\ntick 2 {"n": 2}\nend 3 [DONE]\n'),
        ("The decoders of SDKs", "openai", "/done", "{'n': 1}\n{'n': 2}\n"),
    ],
)
def test_both_programs_of_an_event_stream_print_the_same(
    address: str, title: str, library: str, path: str, expected: str
) -> None:
    before, after = programs(title)
    assert printed(after, url=address + path) == expected
    real_parts.library(library, GET)
    assert printed(before, url=address + path) == expected


def test_both_programs_of_lines_print_the_same(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"n": 1}\nnot JSON\n{"n": 2}\n')
    before, after = programs("jsonlines")
    assert printed(after, path=str(path)) == "{'n': 1}\n{'n': 2}\n"
    real_parts.library("jsonlines", GET)
    assert printed(before, path=str(path)) == "{'n': 1}\n{'n': 2}\n"
