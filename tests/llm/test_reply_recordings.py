"""Streams recorded from real servers, folded whole and cut. Without the recordings this is skipped."""

from __future__ import annotations

import json
import pathlib
import random
from collections.abc import Callable
from typing import Any

import pytest

from inputs.recordings import RECORDINGS, payloads_by_hand
from ndstream import llm

FILES = [
    file
    for file in sorted(RECORDINGS.glob("*.sse")) + sorted(RECORDINGS.glob("*.ndjson"))
    if not file.name.startswith("mcp")
]

pytestmark = pytest.mark.skipif(not FILES, reason="no recordings beside the project")


def frames_of(file: pathlib.Path) -> list[bytes]:
    """The stream cut behind each event or line, by hand."""
    data = file.read_bytes()
    end = b"\r\n\r\n" if b"\r\n\r\n" in data else b"\n\n" if file.suffix == ".sse" else b"\n"
    pieces = data.split(end)
    assert not pieces[-1].strip()
    return [piece + end for piece in pieces[:-1]]


def has_finished(wire: str, payloads: list[Any], sentinel: bool) -> bool:
    """Whether a patient reader would say that the server was done, from the payloads alone."""
    if sentinel:
        return True
    if wire == "anthropic":
        return any(payload.get("delta", {}).get("stop_reason") for payload in payloads)
    if wire == "openai-responses":
        return any(payload["type"] == "response.completed" for payload in payloads)
    if wire == "ollama-generate":
        return any(payload["done"] for payload in payloads)
    choices = "candidates" if wire == "gemini" else "choices"
    reason = "finishReason" if wire == "gemini" else "finish_reason"
    return any(choice.get(reason) for payload in payloads for choice in payload.get(choices, ()))


def text_by_hand(wire: str, payloads: list[Any]) -> tuple[str, str]:
    """Text and thoughts, by the shortest way there is for each wire."""
    text = thinking = ""
    for payload in payloads:
        if wire == "openai-chat":
            for choice in payload.get("choices", ()):
                content = choice["delta"].get("content") or ""
                if isinstance(content, list):
                    thinking += "".join(inner["text"] for part in content for inner in part["thinking"])
                    content = ""
                text += content
                thinking += choice["delta"].get("reasoning_content") or choice["delta"].get("reasoning") or ""
        elif wire == "anthropic":
            text += payload.get("delta", {}).get("text", "")
            thinking += payload.get("delta", {}).get("thinking", "")
        elif wire == "openai-responses":
            text += payload["delta"] if payload["type"] == "response.output_text.delta" else ""
            thinking += (
                payload["delta"] if payload["type"].startswith("response.reasoning") and "delta" in payload else ""
            )
        elif wire == "gemini":
            parts = payload["candidates"][0].get("content", {}).get("parts", ())
            text += "".join(part.get("text", "") for part in parts if not part.get("thought"))
            thinking += "".join(part.get("text", "") for part in parts if part.get("thought"))
        else:
            text += payload["response"]
    return text, thinking


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_recorded_reply_folds_to_what_a_reader_finds(file: pathlib.Path) -> None:
    payloads = payloads_by_hand(file.read_bytes(), file.suffix[1:])
    reply = llm.reply(file, on_incomplete="return")
    deltas = list(reply)
    wire = file.name.partition("--")[0]
    assert reply.wire == wire
    assert [delta.raw for delta in deltas] == payloads
    assert (reply.text, reply.thinking) == text_by_hand(wire, payloads)
    assert "".join(delta.text for delta in deltas) == reply.text
    assert reply.ending is not None
    failed = any(payload.get("error") for payload in payloads)
    assert reply.ending.verdict == ("error" if failed else "complete")
    assert failed or reply.usage is not None
    assert all(not call.incomplete for call in reply.tool_calls) or failed
    json.dumps(reply.body)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_recorded_reply_cut_behind_a_frame_is_truncated_unless_the_server_was_done(
    file: pathlib.Path,
) -> None:
    frames = frames_of(file)
    wire = file.name.partition("--")[0]
    whole = llm.collect(file, on_incomplete="return")
    for count in range(len(frames)):
        data = b"".join(frames[:count])
        payloads = payloads_by_hand(data, file.suffix[1:])
        answer = llm.collect(data, on_incomplete="return")
        assert answer.ending is not None
        wanted = "complete" if has_finished(wire, payloads, b"data: [DONE]" in data) else "truncated"
        if any(payload.get("error") for payload in payloads):
            wanted = "error"
        assert answer.ending.verdict == wanted, count
        assert whole.text.startswith(answer.text)
        assert whole.thinking.startswith(answer.thinking)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_recorded_reply_that_is_cut_anywhere_raises_nothing_but_what_it_may(file: pathlib.Path) -> None:
    data = file.read_bytes()
    whole = llm.collect(file, on_incomplete="return")
    chance = random.Random(file.name)
    for place in [*range(1, 40), *(chance.randrange(len(data)) for _ in range(60))]:
        try:
            answer = llm.collect(data[:place])
        except llm.ReplyError as error:
            answer = error.reply
            assert isinstance(error, llm.ReplyTruncatedError) or "error" in file.read_text()
        assert whole.text.startswith(answer.text), place


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_recorded_reply_is_the_same_however_its_bytes_are_cut(file: pathlib.Path) -> None:
    data = file.read_bytes()[:16384]
    body = llm.collect(data, on_incomplete="return").body
    chance = random.Random(file.name)
    ways: list[Callable[[], int]] = [lambda: 7, lambda: 1460, lambda: chance.randrange(0, 300)]
    if len(data) < 6000:
        ways.append(lambda: 1)
    for size in ways:
        chunks, place = [], 0
        while place < len(data):
            step = size()
            chunks.append(data[place : place + step])
            place += step
        assert llm.collect(iter(chunks), on_incomplete="return").body == body


@pytest.mark.parametrize("file", [file for file in FILES if "responses" in file.name], ids=lambda file: file.name)
def test_the_items_of_a_recorded_response_add_up_to_what_its_last_event_says(file: pathlib.Path) -> None:
    """The server's own last event is the oracle: the fold must get there without it."""
    frames = frames_of(file)
    last = next(count for count, frame in enumerate(frames) if b'"response.completed"' in frame)
    terminal = llm.collect(file).body
    folded = llm.collect(b"".join(frames[:last]), on_incomplete="return").body
    # Some servers encrypt anew, or number anew, what they say again.
    changing = ("encrypted_content", "id")

    def plain(item: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in item.items() if name not in changing}

    assert [plain(item) for item in folded["output"]] == [plain(item) for item in terminal["output"]]
