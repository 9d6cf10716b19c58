"""The clients in examples/clients work: against scripted servers, and against a real engine."""

from __future__ import annotations

import asyncio
import json
import pathlib
import runpy
from typing import Any

import httpx
import pytest

from doubles.loopback import response, serving
from inputs.recordings import RECORDINGS
from llm.engine import Engine
from llm.example import DONE, lines, sse
from llm.examples import chat_frame, ollama_frame
from ndstream import llm

CLIENTS = pathlib.Path(__file__).resolve().parents[2] / "examples" / "clients"
RECORDING = RECORDINGS / "ollama-generate--ollama-1.ndjson"
OLLAMA: Any = runpy.run_path(str(CLIENTS / "ollama_client.py"))
OPENAI: Any = runpy.run_path(str(CLIENTS / "openai_client.py"))
HI = [{"role": "user", "content": "Hi"}]


def chat(*frames: Any) -> list[Any]:
    return response(b"".join([*sse(*frames), DONE]), kind="text/event-stream")


def refusal(status: str, body: bytes = b"{}") -> list[Any]:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return [head.encode() + body]


def test_each_client_is_short_enough_to_read() -> None:
    for path in CLIENTS.glob("*.py"):
        assert len(path.read_text().splitlines()) < 150


class TestOllama:
    def test_a_chat_is_read_as_it_comes(self) -> None:
        frames = lines(
            ollama_frame({"role": "assistant", "content": "Hel"}),
            ollama_frame({"role": "assistant", "content": "lo"}, True, done_reason="stop", eval_count=2),
        )
        with (
            serving(response(*frames)) as server,
            OLLAMA["Ollama"](server.url) as client,
            client.chat("m", HI) as reply,
        ):
            assert [delta.text for delta in reply] == ["Hel", "lo"]
            assert (reply.text, reply.tokens.output, reply.finish_reason) == ("Hello", 2, "stop")

    @pytest.mark.skipif(not RECORDING.exists(), reason="no recordings beside the project")
    def test_a_recorded_reply_to_a_prompt_is_read(self) -> None:
        with serving(response(RECORDING.read_bytes())) as server, OLLAMA["Ollama"](server.url) as client:
            with client.generate("m", "Hi") as reply:
                texts = [delta.text for delta in reply]
            assert "".join(texts) == reply.text != ""
            assert reply.ending.verdict == "complete"

    def test_a_pull_shows_how_far_it_is(self, capsys: pytest.CaptureFixture[str]) -> None:
        frames = lines(
            {"status": "pulling manifest"},
            {"status": "pulling aa", "digest": "sha256:aa", "total": 100, "completed": 40},
            {"status": "pulling aa", "digest": "sha256:aa", "total": 100, "completed": 100},
            {"status": "success"},
        )
        with serving(response(*frames)) as server:
            with OLLAMA["Ollama"](server.url) as client:
                seen = [(progress.status, progress.completed, progress.total) for progress in client.pull("m")]
            assert seen[1:] == [("pulling aa", 40, 100), ("pulling aa", 100, 100), ("success", 100, 100)]
            assert OLLAMA["main"](["pull", "m"], server.url) == 0
        assert "success" in capsys.readouterr().out

    def test_a_refusal_is_one_line_and_a_failure(self, capsys: pytest.CaptureFixture[str]) -> None:
        with serving(refusal("404 Not Found", b'{"error":"model not found"}')) as server:
            assert OLLAMA["main"](["chat", "m", "Hi"], server.url) == 1
        assert "model not found" in capsys.readouterr().out
        assert OLLAMA["main"]([]) == 2

    def test_a_reply_that_is_cut_is_a_failure(self, capsys: pytest.CaptureFixture[str]) -> None:
        with serving(response(*lines(ollama_frame({"role": "assistant", "content": "Hel"})))) as server:
            assert OLLAMA["main"](["chat", "m", "Hi"], server.url) == 1
        assert "ReplyTruncatedError" in capsys.readouterr().out


def cut(text: str) -> list[Any]:
    return response(b"".join(sse(chat_frame({"content": text}))), kind="text/event-stream")


WHOLE = chat(chat_frame({"content": "Hel"}), chat_frame({"content": "lo"}), chat_frame({}, "stop"))
CALL = {"index": 0, "id": "c", "function": {"name": "add", "arguments": '{"a":1,"b":2}'}}
ASKS = chat(chat_frame({"role": "assistant", "content": None, "tool_calls": [CALL]}), chat_frame({}, "tool_calls"))


class TestOpenAI:
    def test_a_refusal_that_may_pass_is_tried_again_on_one_connection_where_it_stays(self) -> None:
        unavailable = refusal("503 Unavailable")
        with serving(refusal("429 Too Many Requests"), unavailable, WHOLE) as server:
            with OPENAI["OpenAI"](server.url, wait=0) as client:
                assert "".join(delta.text for delta in client.stream("m", HI)) == "Hello"
                seen = server.connections
                assert client.complete("m", HI).text == "Hello"
            assert server.connections == seen

    def test_a_refusal_for_good_is_not(self) -> None:
        with serving(refusal("401 Unauthorized"), WHOLE) as server, OPENAI["OpenAI"](server.url, wait=0) as client:
            with pytest.raises(httpx.HTTPStatusError):
                list(client.stream("m", HI))
            assert server.connections == 1

    def test_a_stream_that_is_cut_in_its_text_is_never_said_twice(self) -> None:
        with serving(cut("Hel"), WHOLE) as server, OPENAI["OpenAI"](server.url, wait=0) as client:
            got = []
            with pytest.raises(llm.ReplyTruncatedError):
                for delta in client.stream("m", HI):
                    got.append(delta.text)
            assert got == ["Hel"]

    def test_an_error_of_the_reader_sends_nothing_again(self) -> None:
        with serving(WHOLE) as server, OPENAI["OpenAI"](server.url, wait=0) as client:
            stream = client.stream("m", HI)
            next(stream)
            with pytest.raises(httpx.ConnectError):
                stream.throw(httpx.ConnectError("mine"))
            assert server.connections == 1

    def test_a_whole_reply_is_asked_for_again_if_it_was_cut(self) -> None:
        with serving(cut("Hel"), cut("He"), WHOLE) as server, OPENAI["OpenAI"](server.url, wait=0) as client:
            assert client.complete("m", HI).text == "Hello"

    def test_tools_are_run_until_the_model_answers(self) -> None:
        messages = list(HI)
        with serving(ASKS, WHOLE) as server, OPENAI["OpenAI"](server.url, wait=0) as client:
            answer = client.run("m", messages, {"add": lambda a, b: a + b})
        assert answer.text == "Hello"
        assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant"]
        assert json.loads(messages[2]["content"]) == 3

    def test_a_model_that_never_stops_calling_is_stopped(self) -> None:
        with (
            serving(ASKS) as server,
            OPENAI["OpenAI"](server.url, wait=0) as client,
            pytest.raises(RuntimeError, match="after 3 rounds"),
        ):
            client.run("m", list(HI), {}, rounds=3)

    def test_the_async_client_streams_and_tries_again(self) -> None:
        async def main(url: str) -> tuple[list[str], str]:
            async with OPENAI["AsyncOpenAI"](url, wait=0) as client:
                texts = [delta.text async for delta in client.stream("m", HI) if delta.text]
                return texts, (await client.complete("m", HI)).text

        with serving(refusal("500 Oops"), WHOLE, cut("He"), WHOLE) as server:
            assert asyncio.run(main(server.url)) == (["Hel", "lo"], "Hello")

    def test_a_real_engine_answers_both_clients(self, engine: Engine) -> None:
        options = {"max_tokens": 20, "temperature": 0}
        with OPENAI["OpenAI"](engine.url + "/v1") as client:
            answer = client.complete("nonsense", HI, **options)
        assert answer.ending.verdict == "complete"

        async def main() -> str:
            async with OPENAI["AsyncOpenAI"](engine.url + "/v1") as client:
                return "".join([delta.text async for delta in client.stream("nonsense", HI, **options)])

        assert asyncio.run(main()) == answer.text
