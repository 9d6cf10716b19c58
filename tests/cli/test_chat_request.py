"""What ``ndstream chat`` asks, where it asks it, and what it says if no reply comes, over real HTTP on loopback."""

from __future__ import annotations

import io
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from doubles.chat_server import (
    MESSAGES,
    OLLAMA,
    Server,
    run,
)


@pytest.mark.parametrize(
    ("wire", "path", "body", "header"),
    [
        ("ollama-chat", "/api/chat", {"messages": MESSAGES, "options": {"num_predict": 9}}, "authorization"),
        (
            "openai-chat",
            "/v1/chat/completions",
            {"messages": MESSAGES, "stream_options": {"include_usage": True}, "max_tokens": 9},
            "authorization",
        ),
        ("openai-responses", "/v1/responses", {"input": MESSAGES, "max_output_tokens": 9}, "authorization"),
        ("anthropic", "/v1/messages", {"messages": MESSAGES, "max_tokens": 9}, "x-api-key"),
    ],
)
def test_each_wire_is_asked_in_its_own_way(
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    wire: str,
    path: str,
    body: dict[str, Any],
    header: str,
) -> None:
    monkeypatch.setenv("SOME_KEY", "secret\n")
    run(capsys, "--url", server.url, "--wire", wire, "--key-env", "SOME_KEY", "--max-tokens", "9", "say", "hi")
    (request,) = server.requests
    assert request.path == path
    assert request.body == {"model": "m", "stream": True, **body}
    assert request.headers[header].removeprefix("Bearer ") == "secret"
    assert request.headers["content-type"] == "application/json"
    assert request.headers.get("anthropic-version") == ("2023-06-01" if wire == "anthropic" else None)


@pytest.mark.parametrize(
    ("end", "path"),
    [
        ("", "/api/chat"),
        ("/", "/api/chat"),
        ("/api/chat", "/api/chat"),
        ("/v1", "/v1/chat/completions"),
        ("/openrouter/api/v1/", "/openrouter/api/v1/chat/completions"),
        ("/compat/chat/completions?version=1", "/compat/chat/completions?version=1"),
        ("/v1/responses", "/v1/responses"),
        ("/v1/messages", "/v1/messages"),
    ],
)
def test_the_path_tells_the_wire(server: Server, capsys: pytest.CaptureFixture[str], end: str, path: str) -> None:
    run(capsys, "--url", server.url + end, "hi")
    (request,) = server.requests
    assert request.path == path
    assert ("input" in request.body) == path.endswith("responses")
    assert ("stream_options" in request.body) == ("completions" in path)
    assert ("max_tokens" in request.body) == path.endswith("messages")


def test_a_wire_that_is_named_wins_over_the_path(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--url", f"{server.url}/api/chat", "--wire", "openai-chat", "hi")
    (request,) = server.requests
    assert request.path == "/api/chat"
    assert "stream_options" in request.body


def test_no_key_is_sent_that_was_not_asked_for(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OLLAMA_API_KEY"):
        monkeypatch.setenv(name, "secret")
    for wire in ("openai-chat", "anthropic", "ollama-chat"):
        run(capsys, "--url", server.url, "--wire", wire, "hi")
    assert "secret" not in str(server.requests)


def test_a_redirect_is_not_followed_since_it_would_take_the_key_along(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "secret")
    server.status = 302
    server.headers["Location"] = server.url
    status, out, err = run(capsys, "--url", server.url, "--key-env", "SOME_KEY", "hi")
    assert (status, out, len(server.requests)) == (1, "", 1)
    assert "answered 302" in err


def test_a_proxy_is_not_asked_for_a_server_on_this_machine(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    server.chunks = OLLAMA
    assert run(capsys, "--url", server.url, "hi")[0] == 0


def test_standard_input_is_the_prompt_where_none_is_given(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"two\nlines \xff\n")))
    run(capsys, "--url", server.url)
    assert server.requests[0].body["messages"] == [{"role": "user", "content": "two\nlines \ufffd\n"}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", "http://x/what", "hi"], "--wire"),
        (["--url", "http://x:0/v1", "hi"], "URL is not"),
        (["--url", "ftp://x", "hi"], "--url"),
        (["--url", "file:///etc/passwd", "hi"], "--url"),
        (["--url", "http://user:secret@x", "hi"], "--url"),
        (["--url", "http://x:70000", "hi"], "--url"),
        (["--url", "http://x/v1?key=secret word", "hi"], "--url"),
        (["--url", "http://x/v1?key=secr\u00e9t", "hi"], "--url"),
        (["--url", "http://[", "hi"], "--url"),
        (["--key-env", "NDSTREAM_NO_SUCH_VARIABLE", "hi"], "--key-env"),
        (["--key-env", "BROKEN_KEY", "hi"], "--key-env"),
        ([" "], "prompt"),
        (["\udcff"], "UTF-8"),
    ],
)
def test_arguments_that_make_no_sense_are_named_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.setenv("BROKEN_KEY", "sec\nret")
    status, out, err = run(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err
    assert "sec" not in err


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            404,
            b'{"error":"model \'m\' not found"}',
            "answered 404: model 'm' not found (it was asked as ollama-chat",
        ),
        (405, b'{"error":"POST"}', "answered 405: POST (it was asked as ollama-chat"),
        (401, b'{"error":{"message":"bad key","type":"auth"}}', "answered 401: bad key"),
        (500, b'{"detail":[1]}', "answered 500: [1]"),
        (502, b"<html>\n<h1>Bad\x1b Gateway</h1>", "answered 502: <html> <h1>Bad\ufffd Gateway</h1>"),
        (503, b"", "answered 503: Service Unavailable"),
        (200, b"<html>hello</html>", "this is no reply: "),
        (200, b'{"error":"busy"}', "the server reported an error: busy"),
    ],
)
def test_what_is_no_reply_is_one_line(
    server: Server, capsys: pytest.CaptureFixture[str], status: int, body: bytes, words: str
) -> None:
    server.status = status
    server.headers = {"Content-Type": "text/plain"}
    server.chunks = [body] if body else []
    code, out, err = run(capsys, "--url", server.url, "hi")
    assert (code, out) == (1, "")
    assert words in err.splitlines()[-1]
    assert len(err.splitlines()) == (1 if status != 200 else 2)


@pytest.mark.parametrize(("size", "told"), [(65536, "no"), (65537, ('{"error":"no","more":"' + 200 * "x")[:200])])
def test_an_error_is_read_as_far_as_64_kib(
    server: Server, capsys: pytest.CaptureFixture[str], size: int, told: str
) -> None:
    server.status = 500
    server.chunks = [b'{"error":"no","more":"%b"}' % (b"x" * (size - 24))]
    code, _, err = run(capsys, "--url", server.url, "hi")
    assert (code, err.splitlines()) == (1, [f"ndstream: {server.url}/api/chat answered 500: {told}"])


def test_a_server_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Server().running() as gone:
        pass
    status, out, err = run(capsys, "--url", gone.url, "hi")
    assert (status, out) == (1, "")
    assert err == f"ndstream: {gone.url}/api/chat cannot be reached: Connection refused\n"


def test_a_proxy_is_asked_for_a_server_elsewhere(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    run(capsys, "--url", "http://models.invalid/v1", "hi")
    assert [request.path for request in server.requests] == ["http://models.invalid/v1/chat/completions"]


def test_a_server_that_hangs_up_without_an_answer_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as pool:
        hung_up = pool.submit(lambda: listening.accept()[0].close())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        status, out, err = run(capsys, "--url", url, "hi")
        hung_up.result()
    assert (status, out) == (1, "")
    assert err.startswith(f"ndstream: {url}/api/chat ")
    assert err.count("\n") == 1


def test_a_server_of_another_protocol_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def answer() -> None:
        connection = listening.accept()[0]
        with connection:
            # All of it is read, or the system would tell the client that the connection was reset.
            request = b""
            while not request.endswith(b"}"):
                request += connection.recv(65536)
            connection.sendall(b"220 mail.example ESMTP\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as pool:
        answered = pool.submit(answer)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        status, out, err = run(capsys, "--url", url, "hi")
        answered.result()
    assert (status, out) == (1, "")
    assert err == f"ndstream: {url}/api/chat did not answer: BadStatusLine('220 mail.example ESMTP\\r\\n')\n"
