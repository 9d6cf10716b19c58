"""``ndstream demo``: its server over real HTTP, and what the command shows of it."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

import ndstream
from cli.same_process import called
from ndstream._cli.demo import _Console
from ndstream._cli.demo_server import REPLY, REPLY_FORMATS, ReplyFormat, serve
from processes.commands import PATIENCE, environment, running

COMMAND = [sys.executable, "-m", "ndstream", "demo"]


def without_escapes(output: bytes) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.decode())


class TestServer:
    @pytest.mark.parametrize("format", REPLY_FORMATS, ids=lambda format: format.name)
    def test_it_speaks_http_with_chunked_transfer_coding(self, format: ReplyFormat) -> None:
        with serve(rate=0) as (host, port), urlopen(f"http://{host}:{port}{format.path}", timeout=PATIENCE) as response:
            assert response.headers["Content-Type"] == format.content_type
            assert response.headers["Transfer-Encoding"] == "chunked"
            assert response.read() == b"".join(format.frames())

    @pytest.mark.parametrize("format", REPLY_FORMATS, ids=lambda format: format.name)
    def test_a_stream_of_its_response_is_the_reply(self, format: ReplyFormat) -> None:
        with (
            serve(rate=0) as (host, port),
            ndstream.stream(urlopen(f"http://{host}:{port}{format.path}", timeout=PATIENCE)) as stream,
        ):
            assert "".join(map(format.token, stream)) == REPLY

    def test_each_frame_is_a_chunk_of_its_own(self) -> None:
        with serve(rate=4) as (host, port), urlopen(f"http://{host}:{port}/ndjson", timeout=PATIENCE) as response:
            assert [response.read1(65536) for _ in range(3)] == list(REPLY_FORMATS[0].frames())[:3]

    def test_what_it_does_not_have_is_not_found(self) -> None:
        with serve(rate=0) as (host, port), pytest.raises(HTTPError, match="404") as caught:
            urlopen(f"http://{host}:{port}/", timeout=PATIENCE)
        caught.value.close()

    def test_it_is_gone_after_the_block_even_in_the_middle_of_a_reply(self) -> None:
        with serve(rate=1 / 3600) as address:
            client = socket.create_connection(address)
            client.sendall(b"GET /sse HTTP/1.1\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            client.settimeout(0.1)
            # A frame comes an hour later.
            with pytest.raises(TimeoutError):
                client.recv(1)
            client.settimeout(PATIENCE)
        with client:
            while client.recv(65536):
                pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    def test_a_client_that_leaves_early_is_no_error(self, capfd: pytest.CaptureFixture[str]) -> None:
        with serve(rate=0) as (host, port):
            for format in REPLY_FORMATS:
                with urlopen(f"http://{host}:{port}{format.path}", timeout=PATIENCE) as response:
                    response.read1(1)
        assert capfd.readouterr() == ("", "")


class TestCommand:
    def test_a_rate_that_its_client_would_give_up_at_is_refused(self, capfd: pytest.CaptureFixture[str]) -> None:
        status, out, err = called(capfd, "demo", "--rate", "1e-300")
        assert (status, out, "at least 0.1, or 0" in err) == (2, "", True)

    def test_it_shows_both_replies_and_what_they_came_to(self) -> None:
        result = subprocess.run(
            [*COMMAND, "--rate", "0"], capture_output=True, timeout=PATIENCE, env=environment(LINES="50")
        )
        assert (result.stderr, result.returncode) == (b"", 0)
        shown = result.stdout.decode()
        assert shown.count(REPLY) == 2
        for format in REPLY_FORMATS:
            assert re.search(rf"GET http://127\.0\.0\.1:\d+{format.path}: {format.content_type}\n", shown)
            frames, size = len(list(format.frames())), len(b"".join(format.frames()))
            values = frames - (format.name == "SSE")
            assert re.search(
                rf"{format.name}\s*│\s*{values}\s*│\s*{size:,}\s*│\s*\d+\s*│\s*[\d.]+ ms\s*│\s*[\d,.]+", shown
            )

    def test_a_terminal_shows_the_reply_and_gets_its_cursor_back(self) -> None:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [*COMMAND, "--rate", "0"], stdout=theirs, stderr=theirs, env=environment(LINES="50")
        ) as process:
            os.close(theirs)
            output = b""
            while select.select([ours], [], [], PATIENCE)[0]:
                try:
                    output += os.read(ours, 65536)
                except OSError:
                    break
            assert process.wait(PATIENCE) == 0
        os.close(ours)
        text = without_escapes(output)
        for shown in ("reply", "data: [DONE]", "application/x-ndjson", "text/event-stream", "tokens/s"):
            assert shown in text
        words = re.sub(r"[\s│]+", " ", text)
        assert words.count(REPLY) >= 2
        assert output.rindex(b"\x1b[?25h") > output.rindex(b"\x1b[?25l")

    def test_tokens_appear_one_by_one_and_an_interrupt_ends_it_with_one_line(self) -> None:
        with running("demo", "--rate", "4") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline().startswith(b"GET http://127.0.0.1:")
            received = os.read(process.stdout.fileno(), 65536) + os.read(process.stdout.fileno(), 65536)
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == -signal.SIGINT
            assert process.stderr.read() == b"ndstream: interrupted\n"
        assert REPLY.encode().startswith(received)
        assert received != REPLY.encode()

    def test_a_closed_pipe_ends_it_quietly_as_the_signal_would(self) -> None:
        with running("demo", "--rate", "100") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            assert process.wait(PATIENCE) == -signal.SIGPIPE
            assert process.stderr.read() == b""


class TestFailures:
    """In this process, with another reply than the demo's own."""

    def of(self, frames: list[bytes], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> str:
        """What the command says if the server sends these frames."""
        formats = [REPLY_FORMATS[0]._replace(frames=lambda: iter(frames))]
        monkeypatch.setattr("ndstream._cli.demo_server.REPLY_FORMATS", formats)
        monkeypatch.setattr("ndstream._cli.demo.REPLY_FORMATS", formats)
        status, _, err = called(capfd, "demo", "--rate", "0")
        assert status == 1
        return err

    def test_a_reply_that_cannot_be_decoded_is_one_line(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        said = self.of([*list(REPLY_FORMATS[0].frames())[:2], b"{\n"], monkeypatch, capfd)
        assert re.fullmatch(r"ndstream: the line at byte \d+ \(line 3\) .*\n", said)

    def test_a_reply_that_is_another_one_is_one_line(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        said = self.of(list(REPLY_FORMATS[0].frames())[:2], monkeypatch, capfd)
        assert said == "ndstream: the reply did not arrive as it was sent\n"

    def test_a_pipe_that_is_closed_under_the_table_is_an_error_for_the_command_to_end_with(self) -> None:
        class Closed(io.StringIO):
            def write(self, _: str) -> int:
                raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            _Console(file=Closed()).print("table")
