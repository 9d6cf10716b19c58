"""The official clients and ours on the same bytes: what they make of a stream, the body has too.

The clients share no code with ndstream: openai and anthropic fold with models made from their
specifications, ollama's takes frames apart. The streams are recordings beside the project, streams of the
engine, and payloads made here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any

import anthropic
import httpx
import httpx2
import ollama
import openai
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState

from inputs.recordings import RECORDINGS
from llm.engine import Engine
from llm.examples import EXAMPLES, OLLAMA, Example
from llm.test_engine import CASES, SAMPLING
from ndstream import llm

BEYOND_THE_CLIENT = {
    "openai-chat--groq-2.sse": "reports an error in mid-stream",
    "openai-chat--mistral-1.sse": "has lists as content, where the client's model has a string",
    "mistral content in parts": "has lists as content, too",
    "azure with an empty head and a late filter": "has a choice without delta",
    "a completion of the old kind": "has no delta at all",
    "anthropic cites, without event lines": "has no event lines",
    "responses without indexes, and with nothing in the last event": "has no indexes",
    "responses cut by their own limit": "has no indexes",
    "openai-chat--openrouter-2.sse": "has annotations without index, and the client raises RuntimeError",
}
"""Streams that the official client cannot fold."""
NOT_COMPARED = {"parsed", "parsed_output", "parsed_arguments", "output_parsed", "x_groq", "sla_metrics"}
"""Keys that a client adds for purposes of its own, and those of which it keeps the first value that came."""
REPEATED = {"role", "channel", "arguments"}
"""Keys whose value some servers send whole in each chunk. The client glues the repetitions together."""


def chat(data: bytes) -> Any:
    state = ChatCompletionStreamState()
    with openai_client(data) as client:
        for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
            list(state.handle_chunk(chunk))
    return state.current_completion_snapshot


def responses(data: bytes) -> Any:
    with openai_client(data) as client, client.responses.stream(model="m", input="hello") as stream:
        return stream.get_final_response()


def messages(data: bytes) -> Any:
    http = answering(httpx2, data)
    with anthropic.Anthropic(api_key="k", base_url="http://x", http_client=http) as client:
        stream = client.messages.stream(model="m", messages=[], max_tokens=1)
        with stream as events:
            return events.get_final_message()


def openai_client(data: bytes) -> openai.OpenAI:
    return openai.OpenAI(api_key="k", base_url="http://x/v1", http_client=answering(httpx2, data))


@contextmanager
def ollama_client(data: bytes) -> Iterator[ollama.Client]:
    client = ollama.Client("http://x", transport=httpx.MockTransport(lambda _: httpx.Response(200, content=data)))
    try:
        yield client
    finally:
        client._client.close()


ACCUMULATORS = {"openai-chat": chat, "openai-responses": responses, "anthropic": messages}
MADE = [each for each in EXAMPLES if each.wire in ACCUMULATORS and each.name not in BEYOND_THE_CLIENT]
CHATS = [each for each in OLLAMA if each.wire == "ollama-chat"]
GENERATED = [each.data for each in OLLAMA if each.wire == "ollama-generate" and b"logprobs" not in each.data]
GENERATED += [path.read_bytes() for path in sorted(RECORDINGS.glob("ollama-generate--*.ndjson"))]
RECORDED = [path for wire in ACCUMULATORS for path in sorted(RECORDINGS.glob(f"{wire}--*.sse"))]


def answering(library: Any, data: bytes) -> Any:
    """A client of this library, for a server that answers with these bytes."""

    def answer(request: Any) -> Any:
        return library.Response(200, content=data, headers={"Content-Type": "text/event-stream"})

    return library.Client(transport=library.MockTransport(answer))


def folded(data: bytes, wire: str) -> Any:
    """The body that ndstream makes of a stream."""
    return llm.collect(data, wire).body


def differences(theirs: Any, ours: Any, *place: str | int) -> Iterator[str]:
    """Where our body lacks something of theirs, or says something else."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key, value in theirs.items():
            # A call's place in the list is part of the stream alone.
            if not (key in NOT_COMPARED or value is None or (key == "index" and "tool_calls" in place)):
                yield from differences(value, ours.get(key), *place, key)
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from differences(one, other, *place, index)
    elif place[-1:] and place[-1] in REPEATED and ours and theirs == ours * (len(theirs) // len(ours)):
        pass
    elif theirs != ours:
        yield f"{place}: {theirs!r} != {ours!r}"


def assert_no_difference(theirs: Any, ours: Any) -> None:
    found = list(differences(theirs, ours))
    assert not found, "\n".join(found)


def assert_agreement(fold: Callable[[bytes], Any], data: bytes, wire: str) -> None:
    assert_no_difference(fold(data).model_dump(mode="json", exclude_unset=True, warnings=False), folded(data, wire))


@pytest.mark.skipif(not RECORDED, reason="no recordings beside the project")
@pytest.mark.parametrize("recording", RECORDED, ids=lambda path: path.name)
def test_a_recording_is_folded_as_its_official_client_folds_it(recording: Path) -> None:
    if recording.name in BEYOND_THE_CLIENT:
        pytest.skip(f"the stream {BEYOND_THE_CLIENT[recording.name]}")
    wire = recording.name.partition("--")[0]
    assert_agreement(ACCUMULATORS[wire], recording.read_bytes(), wire)


@pytest.mark.parametrize("example", MADE, ids=lambda example: f"{example.wire}: {example.name}")
def test_a_made_reply_is_folded_as_its_official_client_folds_it(example: Example) -> None:
    assert_agreement(ACCUMULATORS[example.wire], example.data, example.wire)


@pytest.mark.parametrize(
    "name", ["chat", "chat without a thought", "chat with tools", "anthropic", "anthropic with tools"]
)
def test_a_reply_of_the_engine_is_folded_as_its_official_client_folds_it(engine: Engine, name: str) -> None:
    case = CASES[name]
    data = httpx.post(engine.url + case.path, json=case.body | SAMPLING | {"stream": True}).content
    assert_agreement(ACCUMULATORS[case.wire], data, case.wire)


class TestOllama:
    """Its client takes frames apart and folds nothing: what it finds in them is put together here."""

    @pytest.mark.parametrize(
        "example", [each for each in OLLAMA if each.wire == "ollama-chat"], ids=lambda each: each.name
    )
    def test_a_made_chat_has_what_its_client_finds_in_the_frames(self, example: Example) -> None:
        with ollama_client(example.data) as client:
            parts = [part.model_dump(exclude_none=True) for part in client.chat("m", [], stream=True)]
        messages = [part["message"] for part in parts]
        keys = {key for message in messages for key in message if key != "role"}
        folded_by_hand = {key: reduce(operator.add, [each[key] for each in messages if key in each]) for key in keys}
        theirs = parts[-1] | {"message": folded_by_hand}
        assert_no_difference(theirs, folded(example.data, "ollama-chat"))

    @pytest.mark.parametrize("data", GENERATED, ids=len)
    def test_generated_text_has_what_its_client_finds_in_the_frames(self, data: bytes) -> None:
        with ollama_client(data) as client:
            parts = [part.model_dump(exclude_none=True) for part in client.generate("m", "hello", stream=True)]
        keys = {key for part in parts for key in part if key in ("response", "thinking")}
        theirs = parts[-1] | {key: "".join(part.get(key, "") for part in parts) for key in keys}
        assert_no_difference(theirs, folded(data, "ollama-generate"))
