"""``ndstream chat``: what it asks, what it shows of a reply, and how it ends, over real HTTP on loopback."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import ndstream
from llm.engine import Engine
from ndstream._cli.main import _run

COMMAND = [sys.executable, "-m", "ndstream", "chat", "--model", "m"]
PATIENCE = 60
"""Seconds after which a test that hangs is given up; nothing is measured with it."""


def sse(*frames: Any) -> list[bytes]:
    return [b"data: %b\n\n" % json.dumps(frame).encode() for frame in frames]


def typed(*frames: dict[str, Any]) -> list[bytes]:
    return [b"event: %b\ndata: %b\n\n" % (frame["type"].encode(), json.dumps(frame).encode()) for frame in frames]


def chat_chunk(finish: str | None = None, **delta: str) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


TEXT = "Hi there\n\x1b[31mfriend"
"""What each wire's server says, with a control sequence for the terminal in it."""
DONE = b"data: [DONE]\n\n"
OLLAMA = [
    json.dumps({"model": "m", "message": {"role": "assistant", "content": text}, "done": not text} | end).encode()
    + b"\n"
    for text, end in (
        (TEXT[:5], {}),
        (TEXT[5:], {}),
        ("", {"done_reason": "stop", "eval_count": 4, "eval_duration": 2_000_000_000}),
    )
]
CHAT = [
    *sse(chat_chunk(role="assistant", content=""), chat_chunk(content=TEXT[:5]), chat_chunk(content=TEXT[5:])),
    *sse(chat_chunk("stop"), {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}}),
    DONE,
]


class Request(NamedTuple):
    path: str
    headers: dict[str, str]
    body: Any


class Server:
    """Answers each request with the next script: a status, headers, and chunks or events to wait for."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.status = 200
        self.headers = {"Content-Type": "text/event-stream"}
        self.chunks: Iterable[bytes | threading.Event] = ()
        self.clean_end = True
        self.left = threading.Event()
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[Server]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append(Request(self.path, headers, json.loads(body)))
                self.send_response(server.status)
                for name, value in {**server.headers, "Transfer-Encoding": "chunked", "Connection": "close"}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for chunk in server.chunks:
                        if isinstance(chunk, threading.Event):
                            self.wait(chunk)
                        else:
                            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                    if server.clean_end:
                        self.wfile.write(b"0\r\n\r\n")
                except ConnectionError:
                    server.left.set()

            def wait(self, event: threading.Event) -> None:
                """Wait for the event, or for the client to hang up."""
                while not event.wait(0.01):
                    if select.select([self.connection], [], [], 0)[0] and not self.connection.recv(1):
                        raise ConnectionResetError

            def log_message(self, *_: Any) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
            self.url = f"http://127.0.0.1:{listening.server_port}"
            thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield self
            finally:
                listening.shutdown()
                thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as server:
        yield server


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The command's status, and what it wrote to standard output and standard error."""
    status = _run(["chat", "--model", "m", *arguments])
    return (status, *capsys.readouterr())


def environment(**more: str) -> dict[str, str]:
    """The environment with the package that is under test, and a terminal of a known kind."""
    return {
        **os.environ,
        "PYTHONPATH": str(Path(ndstream.__file__).resolve().parents[1]),
        "TERM": "xterm",
        "PYTHONUNBUFFERED": "",
        **more,
    }


MESSAGES = [{"role": "user", "content": "say hi"}]


class TestRequest:
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
        self,
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
    def test_the_path_tells_the_wire(
        self, server: Server, capsys: pytest.CaptureFixture[str], end: str, path: str
    ) -> None:
        run(capsys, "--url", server.url + end, "hi")
        (request,) = server.requests
        assert request.path == path
        assert ("input" in request.body) == path.endswith("responses")
        assert ("stream_options" in request.body) == ("completions" in path)
        assert ("max_tokens" in request.body) == path.endswith("messages")

    def test_no_key_is_sent_that_was_not_asked_for(
        self, server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OLLAMA_API_KEY"):
            monkeypatch.setenv(name, "secret")
        for wire in ("openai-chat", "anthropic", "ollama-chat"):
            run(capsys, "--url", server.url, "--wire", wire, "hi")
        assert "secret" not in str(server.requests)

    def test_a_redirect_is_not_followed_since_it_would_take_the_key_along(
        self, server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SOME_KEY", "secret")
        server.status = 302
        server.headers["Location"] = server.url
        status, out, err = run(capsys, "--url", server.url, "--key-env", "SOME_KEY", "hi")
        assert (status, out, len(server.requests)) == (1, "", 1)
        assert "answered 302" in err

    def test_a_proxy_is_not_asked_for_a_server_on_this_machine(
        self, server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.delenv("no_proxy", raising=False)
        server.chunks = OLLAMA
        assert run(capsys, "--url", server.url, "hi")[0] == 0

    def test_standard_input_is_the_prompt_where_none_is_given(
        self, server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"two\nlines \xff\n")))
        run(capsys, "--url", server.url)
        assert server.requests[0].body["messages"] == [{"role": "user", "content": "two\nlines \ufffd\n"}]

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--url", "http://x/what", "hi"], "--wire"),
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
        self,
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


class TestReply:
    @pytest.mark.parametrize(("path", "chunks"), [("", OLLAMA), ("/v1", CHAT)], ids=["ollama", "openai"])
    def test_standard_output_holds_the_text_and_nothing_else(
        self, server: Server, capsys: pytest.CaptureFixture[str], path: str, chunks: list[bytes]
    ) -> None:
        server.chunks = chunks
        status, out, err = run(capsys, "--url", server.url + path, "hi")
        assert (status, out) == (0, TEXT + "\n")
        assert err.strip().startswith("complete (stop), 4 tokens, first after ")
        assert ("2.0 tokens/s (server)" in err) == (chunks is OLLAMA)
        assert err.rstrip().endswith("(server)" if chunks is OLLAMA else "tokens/s (overall)")

    def test_thoughts_go_to_standard_error_and_cannot_steer_it(
        self, server: Server, capsys: pytest.CaptureFixture[str]
    ) -> None:
        server.chunks = [
            *sse(
                chat_chunk(reasoning_content="hm"),
                chat_chunk(reasoning_content="\x1b]0;\x9b"),
                chat_chunk(content="Hi"),
            ),
            *sse(chat_chunk("stop")),
            DONE,
        ]
        status, out, err = run(capsys, "--url", server.url + "/v1", "hi")
        assert (status, out) == (0, "Hi\n")
        assert err.startswith("hm\ufffd]0;\ufffd\n\n")

    def test_text_that_ends_its_line_gets_no_second_line_end(
        self, server: Server, capsys: pytest.CaptureFixture[str]
    ) -> None:
        server.chunks = [*sse(chat_chunk(content="Hi\n"), chat_chunk("stop")), DONE]
        assert run(capsys, "--url", server.url + "/v1", "hi")[1] == "Hi\n"

    def test_an_error_in_mid_stream_is_one_line_behind_what_came(
        self, server: Server, capsys: pytest.CaptureFixture[str]
    ) -> None:
        server.chunks = [*sse(chat_chunk(content="Hi"), {"error": {"message": "out\nof\x1b memory", "code": 500}})]
        status, out, err = run(capsys, "--url", server.url + "/v1", "hi")
        assert (status, out) == (1, "Hi\n")
        *_, verdict, last = err.splitlines()
        assert verdict.startswith("error, 1 delta")
        assert last == "ndstream: the server reported an error: out of\ufffd memory"

    @pytest.mark.parametrize("clean_end", [True, False], ids=["clean end", "connection lost"])
    def test_a_reply_that_stops_short_is_cut_off_not_complete(
        self, server: Server, capsys: pytest.CaptureFixture[str], clean_end: bool
    ) -> None:
        server.chunks = CHAT[:2]
        server.clean_end = clean_end
        status, out, err = run(capsys, "--url", server.url + "/v1", "hi")
        assert (status, out) == (1, TEXT[:5] + "\n")
        *_, verdict, last = err.splitlines()
        assert verdict.startswith("truncated, 1 delta")
        assert last.startswith("ndstream: the reply is cut off: ")
        assert ("end of stream" if clean_end else "IncompleteRead") in last

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (
                404,
                b'{"error":"model \'m\' not found"}',
                "answered 404: model 'm' not found (it was asked as ollama-chat",
            ),
            (401, b'{"error":{"message":"bad key","type":"auth"}}', "answered 401: bad key"),
            (500, b'{"detail":[1]}', "answered 500: [1]"),
            (502, b"<html>\n<h1>Bad\x1b Gateway</h1>", "answered 502: <html> <h1>Bad\ufffd Gateway</h1>"),
            (503, b"", "answered 503: Service Unavailable"),
            (200, b"<html>hello</html>", "this is no reply: "),
            (200, b'{"error":"busy"}', "the server reported an error: busy"),
        ],
    )
    def test_what_is_no_reply_is_one_line(
        self, server: Server, capsys: pytest.CaptureFixture[str], status: int, body: bytes, words: str
    ) -> None:
        server.status = status
        server.headers = {"Content-Type": "text/plain"}
        server.chunks = [body] if body else []
        code, out, err = run(capsys, "--url", server.url, "hi")
        assert (code, out) == (1, "")
        assert words in err.splitlines()[-1]
        assert len(err.splitlines()) == (1 if status != 200 else 2)

    def test_a_server_that_is_not_there_is_one_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        with Server().running() as gone:
            pass
        status, out, err = run(capsys, "--url", gone.url, "hi")
        assert (status, out) == (1, "")
        assert err == f"ndstream: {gone.url}/api/chat cannot be reached: Connection refused\n"


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command in a process of its own, which does not outlive the block."""
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), bufsize=0
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def arrived(descriptor: int) -> bytes:
    """What comes next; nothing where nothing comes for long."""
    return os.read(descriptor, 65536) if select.select([descriptor], [], [], PATIENCE)[0] else b""


class TestProcess:
    def test_tokens_appear_one_by_one_and_an_interrupt_closes_and_tells_the_verdict(self, server: Server) -> None:
        never = threading.Event()
        server.chunks = [*CHAT[:2], never]
        with started("--url", server.url + "/v1", "hi") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert arrived(process.stdout.fileno()) == TEXT[:5].encode()
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == -signal.SIGINT
            assert process.stdout.read() == b"\n"
            _, verdict, last = process.stderr.read().decode().splitlines()
        assert verdict.startswith("cancelled, 1 delta, first after ")
        assert last == "ndstream: interrupted"
        assert server.left.wait(PATIENCE)

    def test_a_closed_pipe_ends_it_quietly_as_the_signal_would(self, server: Server) -> None:
        go_on = threading.Event()
        server.chunks = [*CHAT[:2], go_on, *CHAT[2:]]
        with started("--url", server.url + "/v1", "hi") as process:
            assert process.stdout is not None
            assert arrived(process.stdout.fileno())
            process.stdout.close()
            go_on.set()
            assert process.wait(PATIENCE) == -signal.SIGPIPE

    def test_text_is_written_where_the_locale_has_no_letters_for_it(self, server: Server) -> None:
        server.chunks = [*sse(chat_chunk(content="naïve 🚀"), chat_chunk("stop")), DONE]
        command = [*COMMAND, "--url", server.url + "/v1", "hi"]
        result = subprocess.run(
            command, capture_output=True, env=environment(PYTHONIOENCODING="ascii"), timeout=PATIENCE
        )
        assert (result.returncode, result.stdout) == (0, b"na?ve ?\n")


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, command: list[str]) -> None:
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(), start_new_session=True,
            preexec_fn=_take_terminal,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def read_to(self, text: str) -> str:
        """Read until the text is shown, and return what was shown up to its end."""
        while text not in self.shown:
            if not select.select([self.ours], [], [], PATIENCE)[0]:
                raise AssertionError(f"{text!r} does not come; there is {self.shown!r}")
            try:
                self.shown += os.read(self.ours, 65536).decode()
            except OSError:
                raise AssertionError(f"{text!r} did not come; there is {self.shown!r}") from None
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def type(self, keys: str) -> None:
        os.write(self.ours, keys.encode())

    def close(self) -> int:
        with suppress(OSError):
            while os.read(self.ours, 65536):
                pass
        os.close(self.ours)
        return self.process.wait(PATIENCE)


def _take_terminal() -> None:
    """Make standard input the controlling terminal, so that Ctrl-C typed into it is a signal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened = []

    def make(*arguments: str) -> Terminal:
        opened.append(Terminal([*COMMAND, *arguments]))
        return opened[-1]

    yield make
    for each in opened:
        each.process.kill()
        each.process.wait(PATIENCE)


class TestTerminal:
    def test_thoughts_are_dimmed_and_text_cannot_steer_the_terminal(
        self, server: Server, terminal: Callable[..., Terminal]
    ) -> None:
        server.chunks = [*sse(chat_chunk(reasoning_content="hm")), *CHAT]
        screen = terminal("--url", server.url + "/v1", "hi")
        shown = screen.read_to("(overall)")
        assert "\x1b[2mhm\x1b[0m" in shown
        assert "Hi there\r\n\ufffd[31mfriend\r\n" in shown
        assert "\x1b[31m" not in shown
        assert screen.close() == 0

    def test_a_conversation_remembers_outlives_an_interrupt_and_an_error_and_ends_at_ctrl_d(
        self, server: Server, terminal: Callable[..., Terminal]
    ) -> None:
        server.chunks = CHAT
        screen = terminal("--url", server.url + "/v1")
        screen.read_to("> ")
        screen.type("one\n")
        screen.read_to("complete")
        screen.read_to("> ")

        server.chunks = [*CHAT[:2], threading.Event()]
        screen.type("two\n")
        screen.read_to(TEXT[:5])
        screen.type("\x03")
        screen.read_to("cancelled")
        screen.read_to("> ")

        server.status = 500
        server.chunks = [b"no"]
        screen.type("three\n")
        screen.read_to("answered 500: no")
        screen.read_to("> ")

        server.status = 200
        server.chunks = CHAT
        screen.type("four\n")
        screen.read_to("complete")
        screen.read_to("> ")
        screen.type("\x04")
        assert screen.close() == 0
        assert [message["content"] for message in server.requests[-1].body["messages"]] == [
            "one",
            TEXT,
            "two",
            TEXT[:5],
            "four",
        ]


@pytest.mark.parametrize("path", ["/v1", "/v1/responses", "/v1/messages"])
def test_a_real_engine_talks(engine: Engine, capsys: pytest.CaptureFixture[str], path: str) -> None:
    status, out, err = run(capsys, "--url", engine.url + path, "--max-tokens", "200", "hello there")
    assert status == 0
    assert out.strip()
    assert re.search(r"\ncomplete( \(\w+\))?, \d+ tokens, first after [\d.]+ s", err)
