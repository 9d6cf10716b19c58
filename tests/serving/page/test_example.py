"""The examples that mount the page run as they stand."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.request import urlopen

import real_parts
from doubles.chat_server import CHAT, OLLAMA, TEXT, Server
from serving.servers import GET, free_port, listens, until

APP = Path(__file__).resolve().parents[3] / "examples" / "chat_relay" / "app.py"
BODY = b'{"messages":[{"role":"user","content":"say hi"}]}'
POST = (
    b"POST /chat/api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    % (len(BODY), BODY)
)


PAGE = APP.parents[2] / "docs" / "chat-page.md"


def asked(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(POST)
    return connection


def read_until(connection: socket.socket, needle: bytes) -> bytes:
    received = b""
    while needle not in received:
        more = connection.recv(65536)
        assert more, received
        received += more
    return received


def test_the_page_is_mounted_and_ends_its_replies_in_their_own_words_when_the_server_stops() -> None:
    for library in ("fastapi", "uvicorn", "httpx"):
        real_parts.library(library, GET)
    port = free_port()
    with Server().running() as model:
        variables = {"MODEL_URL": f"{model.url}/v1/chat/completions", "MODEL": "m", "MODEL_KEY": "k", "PORT": str(port)}
        with subprocess.Popen(
            [sys.executable, str(APP)], env={**os.environ, **variables}, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stderr is not None
                assert until(lambda: "running on" in process.stderr.readline())  # type: ignore[union-attr]
                assert b"page.js" in urlopen(f"http://127.0.0.1:{port}/chat/", timeout=30).read()
                model.chunks = CHAT
                with asked(port) as connection:
                    answer = read_until(connection, b"[DONE]")
                    assert TEXT[:2].encode() in answer
                [request] = model.requests
                assert [message["role"] for message in request.body["messages"]] == ["system", "user"]
                assert request.headers["authorization"] == "Bearer k"
                model.chunks = [*CHAT[:3], threading.Event()]
                with asked(port) as connection:
                    read_until(connection, b"text-delta")
                    process.send_signal(signal.SIGTERM)
                    assert b"the server is shutting down" in read_until(connection, b"\r\n0\r\n\r\n")
                assert process.wait(30) in (-signal.SIGTERM, 128 + signal.SIGTERM)
            finally:
                process.kill()
        assert model.left.wait(30)


def test_the_example_of_the_page_on_it_runs(tmp_path: Path) -> None:
    for library in ("fastapi", "uvicorn", "httpx"):
        real_parts.library(library, GET)
    [block] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    port = free_port()
    with Server().running() as model:
        model.chunks = OLLAMA
        (tmp_path / "app.py").write_text(block.replace("http://127.0.0.1:11434", model.url))
        command = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "error"]
        with subprocess.Popen(command, cwd=tmp_path) as process:
            try:
                assert until(lambda: listens(port))
                with asked(port) as connection:
                    assert b'"verdict":"complete"' in read_until(connection, b"[DONE]")
            finally:
                process.kill()
