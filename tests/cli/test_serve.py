"""``ndstream serve``: its arguments, what it says, where it listens, and how it stops."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import real_parts
from doubles.chat_server import Server
from llm.engine import Engine
from processes.commands import PATIENCE, environment, only_line, run
from serving.page.serving_page import serving_page
from serving.servers import GET, until

for library in ("starlette", "uvicorn", "httpx"):
    real_parts.library(library, GET)

BODY = json.dumps({"messages": [{"role": "user", "content": "count"}]}).encode()
POST = (
    b"POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    % (
        len(BODY),
        BODY,
    )
)


def test_it_runs_at_once_with_the_sample() -> None:
    with serving_page() as served:
        assert served.greeting.startswith("ndstream: chat with the sample at http://127.0.0.1:")
        answer = exchange(
            served.port, POST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1).replace(b"count", b"hello")
        )
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"delta":" sample**,"' in answer
        assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


def exchange(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        received = b""
        while more := connection.recv(65536):
            received += more
        return received


def test_it_listens_on_loopback_alone() -> None:
    with serving_page() as served, socket.socket() as probe:
        # Every address of 127.0.0.0/8 is this machine; one that listens on all addresses answers there as well.
        probe.settimeout(PATIENCE)
        with pytest.raises(ConnectionRefusedError):
            probe.connect(("127.0.0.2", served.port))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_200_open_replies_in_the_words_of_their_format(number: signal.Signals) -> None:
    with serving_page("--grace", "20") as served:
        connections = [socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) for _ in range(200)]
        for connection in connections:
            connection.sendall(POST)
        received = [b""] * len(connections)
        for index, connection in enumerate(connections):
            while b'"text-delta"' not in received[index]:
                received[index] += connection.recv(65536)
        began = time.monotonic()
        status = served.stop(number)
        assert time.monotonic() - began < 20
        for index, connection in enumerate(connections):
            with connection:
                while more := connection.recv(65536):
                    received[index] += more
            ending = received[index].rpartition(b"data: {")[2]
            assert ending == b'"type":"error","errorText":"The server of this page was stopped."}\n\n\r\n0\r\n\r\n', (
                ending
            )
            assert b'"verdict":"cut"' in received[index]
            assert b"[DONE]" not in received[index]
        assert served.rest_of_stderr() == ("ndstream: interrupted\n" if number == signal.SIGINT else "")
    assert status in (-number, 128 + number)


def test_clients_that_do_not_read_are_cut_off_after_the_grace_time() -> None:
    """A server of a model that says much, and a client that takes nothing of it."""
    with Server().running() as model:
        huge = json.dumps({"model": "m", "message": {"role": "assistant", "content": "x" * 60_000}, "done": False})
        model.chunks = [huge.encode() + b"\n"] * 1000
        with (
            serving_page("--url", f"{model.url}/api/chat", "--model", "m", "--grace", "1") as served,
            socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as connection,
        ):
            connection.sendall(POST)
            connection.recv(1)
            assert served.stop() in (-signal.SIGTERM, 128 + signal.SIGTERM)
        assert model.left.wait(PATIENCE)


def test_a_reply_whose_model_has_not_answered_yet_is_ended_as_well() -> None:
    with Server().running() as model:
        model.chunks = [threading.Event()]
        with (
            serving_page("--url", f"{model.url}/api/chat", "--model", "m") as served,
            socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE) as connection,
        ):
            connection.sendall(POST)
            while not model.requests:
                time.sleep(0.01)
            served.stop()
            received = b""
            while more := connection.recv(65536):
                received += more
        assert b"The server of this page was stopped." in received
        assert model.left.wait(PATIENCE)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the open connections of a process are counted in /proc")
def test_a_thousand_clients_that_come_and_leave_at_once_leave_nothing_open() -> None:
    # It takes connections and says nothing.
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api/chat"
        with serving_page("--url", url, "--model", "m") as served:
            descriptors = Path(f"/proc/{served.process.pid}/fd")
            assert b"model" in exchange(served.port, b"GET /api/state HTTP/1.0\r\nHost: localhost\r\n\r\n")
            before = len(list(descriptors.iterdir()))
            for _ in range(20):
                connections = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(50)]
                for number, connection in enumerate(connections):
                    # At once, in the middle of the request, and after it.
                    connection.sendall((b"", POST[:-5], POST)[number % 3])
                    connection.close()
            assert until(lambda: len(list(descriptors.iterdir())) <= before + 1)
            assert b"model" in exchange(served.port, b"GET /api/state HTTP/1.0\r\nHost: localhost\r\n\r\n")


def test_a_client_that_leaves_before_the_model_s_server_answers_ends_the_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api/chat"
        with serving_page("--url", url, "--model", "m") as served:
            connection = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
            connection.sendall(POST)
            asked, _ = silent.accept()
            with asked:
                asked.settimeout(PATIENCE)
                assert asked.recv(65536).startswith(b"POST /api/chat HTTP/1.1\r\n")
                connection.close()
                while asked.recv(65536):
                    pass
            served.stop()
            assert served.rest_of_stderr() == ""


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/api/chat", {"authorization": "Bearer sk-1"}, {"model": "m", "stream": True}),
        ("/v1", {"authorization": "Bearer sk-1"}, {"stream_options": {"include_usage": True}}),
        ("/v1/messages", {"x-api-key": "sk-1", "anthropic-version": "2023-06-01"}, {"max_tokens": 9}),
        ("/v1/responses", {"authorization": "Bearer sk-1"}, {"input": [{"role": "user", "content": "count"}]}),
    ],
)
def test_each_kind_of_server_is_asked_in_its_own_format(
    path: str, headers: dict[str, str], expected: dict[str, Any]
) -> None:
    with Server().running() as model:
        model.status, model.chunks = 400, [b'{"error":"no"}']
        arguments = ("--url", model.url + path, "--model", "m", "--key-env", "MODEL_KEY", "--max-tokens", "9")
        with serving_page(*arguments, MODEL_KEY="sk-1") as served:
            answer = exchange(served.port, POST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
    assert b"The model's server answered 400: no" in answer
    [request] = model.requests
    assert expected.items() <= request.body.items()
    assert headers.items() <= request.headers.items()


@pytest.mark.parametrize("path", ["/v1", "/v1/messages", "/v1/responses"])
def test_it_chats_with_a_real_engine(path: str, engine: Engine) -> None:
    with serving_page("--url", engine.url + path, "--model", "nonsense", "--max-tokens", "20") as served:
        answer = exchange(served.port, POST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
    assert answer.count(b'"type":"text-delta"') > 3
    assert b'"verdict":"complete"' in answer
    assert b'"outputTokens":20' in answer


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "http://localhost"], "--url needs --model"),
        (["--model", "m"], "--model is for a model's server"),
        (["--key-env", "HOME"], "--key-env is for a model's server"),
        (["--url", "nonsense", "--model", "m"], "'--url'"),
        (["--url", "http://localhost", "--model", "m", "--key-env", "NO_SUCH_VARIABLE"], "'--key-env'"),
        (["--port", "70000"], "'--port'"),
        (["--grace", "-1"], "'--grace'"),
        (["--grace", "nan"], "'--grace'"),
        (["--grace", "inf"], "'--grace'"),
        (["--host", "0.0.0.0"], "No such option"),
    ],
)
def test_arguments_that_make_no_sense_are_one_line(arguments: list[str], said: str) -> None:
    result = run("serve", *arguments)
    assert result.returncode == 2
    assert said in only_line(result.stderr)


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 1
    assert "in use" in only_line(result.stderr)


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "httpx"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from ndstream._cli.main import main; main()"
    command = [sys.executable, "-c", program, "serve", "--port", "0"]
    result = subprocess.run(command, capture_output=True, timeout=PATIENCE, env=environment())
    assert result.returncode == 1
    assert 'pip install "ndstream[cli,serve]"' in only_line(result.stderr)
