"""``ndstream chat`` as a process, on a terminal, and with a real engine."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from doubles.chat_server import (
    CHAT,
    COMMAND,
    DONE,
    PATIENCE,
    TEXT,
    Server,
    chat_chunk,
    run,
    sse,
)
from llm.engine import Engine
from processes.commands import environment


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
