"""Streams of a real inference engine over real HTTP: llama.cpp, its wires, and a random model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

import ndstream
from llm.engine import PATIENCE, Engine, running
from ndstream import llm


class Case(NamedTuple):
    """A request. Made twice, streamed and not, it gets one and the same reply."""

    wire: str
    path: str
    body: dict[str, Any]


MESSAGES = [{"role": "user", "content": "hello"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 30}, "days": {"type": "integer"}},
    "required": ["city", "days"],
}
FUNCTION = {"name": "weather", "description": "d", "parameters": SCHEMA}
SAMPLING = {"model": "nonsense", "seed": 7, "temperature": 0.8}

CHAT_PATH = "/v1/chat/completions"
CHAT = {"messages": MESSAGES, "max_tokens": 80, "stream_options": {"include_usage": True}}
RESPONSES = {"input": "hello", "max_output_tokens": 80}
ANTHROPIC = {"messages": MESSAGES, "max_tokens": 80}
UNTHINKING = {"chat_template_kwargs": {"enable_thinking": False}}
TOOLS = {"tool_choice": "required", "parallel_tool_calls": True}
CASES = {
    "chat": Case("openai-chat", CHAT_PATH, CHAT),
    "chat without a thought": Case("openai-chat", CHAT_PATH, CHAT | UNTHINKING),
    "chat with tools": Case(
        "openai-chat",
        CHAT_PATH,
        CHAT | TOOLS | {"max_tokens": 500, "tools": [{"type": "function", "function": FUNCTION}]},
    ),
    "chat with two choices": Case("openai-chat", CHAT_PATH, CHAT | {"n": 2}),
    # Without a thought, since the engine streams no logprobs of the tags around one.
    "chat with logprobs": Case("openai-chat", CHAT_PATH, CHAT | UNTHINKING | {"logprobs": True, "top_logprobs": 2}),
    "responses": Case("openai-responses", "/v1/responses", RESPONSES),
    "responses with tools": Case(
        "openai-responses",
        "/v1/responses",
        RESPONSES | TOOLS | {"max_output_tokens": 500, "tools": [{"type": "function"} | FUNCTION]},
    ),
    "anthropic": Case("anthropic", "/v1/messages", ANTHROPIC),
    "anthropic with tools": Case(
        "anthropic",
        "/v1/messages",
        ANTHROPIC
        | {"max_tokens": 500, "tools": [{"name": "weather", "input_schema": SCHEMA}], "tool_choice": {"type": "any"}},
    ),
    "completion": Case("llama-cpp", "/completion", {"prompt": "hello", "n_predict": 80}),
    "openai completion": Case("openai-chat", "/v1/completions", {"prompt": "hello", "max_tokens": 80}),
}
TALK = CHAT | SAMPLING | {"max_tokens": 300, "ignore_eos": True, "stream": True}
"""A reply that gets past its thought."""
LONG = TALK | {"max_tokens": 3500}
"""A reply that runs for a while, and takes most of a context."""

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@pytest.fixture
def client(engine: Engine) -> Iterator[httpx.Client]:
    # The engine now and then hangs up on a connection that is used again.
    with httpx.Client(
        base_url=engine.url, timeout=PATIENCE, limits=httpx.Limits(max_keepalive_connections=0)
    ) as client:
        yield client


def asked(client: Any, path: str, request: Any, **more: Any) -> AbstractContextManager[httpx.Response]:
    """A response whose body has not been read."""
    response: AbstractContextManager[httpx.Response] = client.stream("POST", path, json=request, **more)
    return response


def values_by_hand(data: bytes) -> list[Any]:
    """The values of a whole stream of the engine, which ends lines with LF, without our code."""
    payloads = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(payload) for payload in payloads if payload != b"[DONE]"]


OF_ONE_REQUEST = {"id", "call_id", "created", "created_at", "completed_at", "timings", "id_slot", "stream"}
"""Keys whose values belong to one request: names, times, and what was asked and measured."""


def comparable(value: Any) -> Any:
    """The value without what belongs to one request."""
    if isinstance(value, dict):
        # The engine gives thoughts a status in the one answer, and none in the other.
        left_out = OF_ONE_REQUEST | {"status"} if value.get("type") == "reasoning" else OF_ONE_REQUEST
        return {key: comparable(inner) for key, inner in value.items() if key not in left_out}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    return value


class TestFrames:
    @each_case
    def test_the_values_are_those_a_reader_finds_in_the_whole_body(self, client: httpx.Client, case: Case) -> None:
        received = []

        def chunks(response: httpx.Response) -> Iterator[bytes]:
            for chunk in response.iter_bytes():
                received.append(chunk)
                yield chunk

        with asked(client, case.path, case.body | SAMPLING | {"stream": True}) as response:
            values = list(ndstream.stream(chunks(response)))
        assert values == values_by_hand(b"".join(received))
        assert len(values) > 2

    def test_a_stream_taken_up_at_the_decoders_offset_goes_on_where_it_was_left(self, client: httpx.Client) -> None:
        conversation = "left-and-taken-up"
        headers = {"X-Conversation-Id": conversation}
        with asked(client, CHAT_PATH, LONG, headers=headers) as response:
            stream = ndstream.stream(response)
            first = [next(stream) for _ in range(20)]
        assert stream.decoder is not None
        offset = stream.decoder.offset

        def rest(start: int) -> list[Any]:
            place: dict[str, str | int] = {"conv_id": conversation, "from": start}
            with client.stream("GET", "/v1/stream", params=place) as response:
                return list(ndstream.stream(response, require_done=True))

        whole = rest(0)
        assert first + rest(offset) == whole
        assert len(whole) > 1000


class TestReplies:
    @each_case
    def test_the_body_is_what_the_engine_answers_without_streaming(self, client: httpx.Client, case: Case) -> None:
        request = case.body | SAMPLING
        whole = client.post(case.path, json=request).raise_for_status().json()
        with asked(client, case.path, request | {"stream": True}) as response:
            answer = llm.collect(response)
        assert answer.ending is not None
        assert (answer.wire, answer.ending.verdict) == (case.wire, "complete")
        assert comparable(answer.body) == comparable(whole)
        assert answer.output_started
        assert bool(answer.tool_calls) == ("tools" in case.body)

    @each_case
    def test_an_answer_that_is_not_streamed_is_its_own_body(self, client: httpx.Client, case: Case) -> None:
        response = client.post(case.path, json=case.body | SAMPLING).raise_for_status()
        answer = llm.collect(response)
        assert answer.body == response.json()
        assert answer.wire == case.wire
        assert answer.ending.verdict == "complete"

    @each_case
    def test_an_async_client_gets_the_same_body(self, engine: Engine, client: httpx.Client, case: Case) -> None:
        request = case.body | SAMPLING | {"stream": True}
        with asked(client, case.path, request) as response:
            wanted = llm.collect(response)

        async def ask() -> llm.Answer:
            async with (
                httpx.AsyncClient(base_url=engine.url, timeout=PATIENCE) as client,
                client.stream("POST", case.path, json=request) as response,
            ):
                answer: llm.Answer = await llm.collect(response)
                return answer

        answer = asyncio.run(ask())
        assert comparable(answer.body) == comparable(wanted.body)
        assert answer.ending == wanted.ending

    def test_text_and_thoughts_of_the_deltas_add_up_to_those_of_the_message(self, client: httpx.Client) -> None:
        with asked(client, CHAT_PATH, TALK) as response:
            reply = llm.reply(response)
            deltas = list(reply)
        message = reply.body["choices"][0]["message"]
        assert "".join(delta.text for delta in deltas) == message["content"] == reply.text != ""
        assert "".join(delta.thinking for delta in deltas) == message["reasoning_content"] == reply.thinking != ""

    def test_the_tokens_and_the_speed_are_those_that_the_engine_measured(self, client: httpx.Client) -> None:
        with asked(client, CHAT_PATH, TALK) as response:
            answer = llm.collect(response)
        timings = answer.body["timings"]
        assert (
            answer.metrics.output_tokens == timings["predicted_n"] == answer.body["usage"]["completion_tokens"] == 300
        )
        assert answer.metrics.tokens_per_second == timings["predicted_per_second"]


class TestEndings:
    def test_an_error_in_mid_stream_is_the_servers_and_what_came_is_kept(self, tmp_path: Path, engine: Engine) -> None:
        with (
            running(tmp_path, shared=True) as full,
            asked(httpx, full.url + CHAT_PATH, LONG) as one,
            asked(httpx, full.url + CHAT_PATH, LONG) as other,
        ):
            for response in (one, other):
                with pytest.raises(llm.ReplyServerError, match="Context size has been exceeded") as caught:
                    llm.collect(response)
                assert caught.value.code == 500
                assert caught.value.output_started
                assert len(caught.value.reply.text) > 1000
                assert caught.value.reply.ending is not None
                assert caught.value.reply.ending.verdict == "error"

    @pytest.mark.parametrize("path", [CHAT_PATH, "/v1/messages", "/completion"])
    def test_a_refused_request_is_an_error_before_any_output(self, client: httpx.Client, path: str) -> None:
        words = "word " * 5000
        request = {"messages": [{"role": "user", "content": words}], "prompt": words, "stream": True, "max_tokens": 9}
        with asked(client, path, request) as response:
            assert response.status_code == 400
            with pytest.raises(llm.ReplyServerError, match="exceeds the available context size") as caught:
                llm.collect(response)
        assert not caught.value.output_started
        assert not caught.value.retryable

    def test_a_reader_who_leaves_has_cancelled_and_the_engine_goes_on_serving(self, client: httpx.Client) -> None:
        for _ in range(3):
            with asked(client, CHAT_PATH, LONG) as response, llm.reply(response) as reply:
                for delta in reply:
                    if delta.text:
                        break
            assert reply.ending is not None
            assert reply.ending.verdict == "cancelled"
            assert reply.closed
            assert reply.text == delta.text
        with asked(client, CHAT_PATH, TALK) as response:
            assert llm.collect(response).text

    @each_case
    def test_a_stream_cut_behind_any_frame_is_truncated_until_the_engine_has_said_that_it_is_done(
        self, client: httpx.Client, case: Case
    ) -> None:
        data = client.post(case.path, json=case.body | SAMPLING | {"stream": True}).content
        frames = data.split(b"\n\n")[:-1]
        whole = llm.collect(data)
        verdicts = []
        for count in range(1, len(frames) + 1):
            part = llm.collect([frame + b"\n\n" for frame in frames[:count]], case.wire, on_incomplete="return")
            assert part.ending is not None
            verdicts.append(part.ending.verdict)
            assert whole.text.startswith(part.text)
            assert whole.thinking.startswith(part.thinking)
        # The reason to finish, the usage and [DONE] come one behind the other at the very end; of two
        # choices, the one that was behind.
        done = verdicts.count("complete")
        assert verdicts == ["truncated"] * (len(frames) - done) + ["complete"] * done
        assert 1 <= done <= 4

    def test_an_engine_that_dies_truncates_the_reply(self, tmp_path: Path, engine: Engine) -> None:
        with running(tmp_path) as mortal, asked(httpx, mortal.url + CHAT_PATH, LONG) as response:
            reply = llm.reply(response)
            text = next(delta.text for delta in reply if delta.text)
            mortal.kill()
            with pytest.raises(llm.ReplyTruncatedError) as caught:
                for delta in reply:
                    text += delta.text
        assert isinstance(caught.value.__cause__, ndstream.StreamError)
        assert caught.value.reason == "source_failed"
        assert caught.value.reply.text == text
        assert reply.ending is not None
        assert reply.ending.verdict == "truncated"
        assert reply.ending.evidence[-1].sign == "transport_error"

    def test_a_reply_left_and_taken_up_at_its_offset_is_whole(self, client: httpx.Client) -> None:
        conversation = "left-by-a-reply"
        request = TALK | {"max_tokens": 1000}
        received = b""
        with asked(client, CHAT_PATH, request, headers={"X-Conversation-Id": conversation}) as response:
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > 10_000:
                    break
        decoder = ndstream.SSEDecoder()
        assert len(list(decoder.feed(received))) > 10
        place: dict[str, str | int] = {"conv_id": conversation, "from": decoder.offset}
        with client.stream("GET", "/v1/stream", params=place) as response:
            rest = response.read()
        whole = client.post(CHAT_PATH, json=request | {"stream": False}).json()
        answer = llm.collect([received[: decoder.offset], rest])
        assert comparable(answer.body) == comparable(whole)
