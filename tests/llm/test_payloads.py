"""Payloads of real servers that lie beside the project: each is folded into what a reader finds in it."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

import pytest

from inputs.cuts import cuts
from llm.example import DONE
from ndstream import llm

PAYLOADS = pathlib.Path(__file__).resolve().parents[3] / "shared" / "payloads"
FILES = sorted(PAYLOADS.glob("*.jsonl"))

pytestmark = pytest.mark.skipif(not FILES, reason="no payloads beside the project")


def as_lines(path: pathlib.Path) -> bytes:
    return path.read_bytes()


def as_events(path: pathlib.Path) -> bytes:
    return b"".join(b"data: %b\n\n" % line for line in path.read_bytes().splitlines())


def found_by_hand(frames: list[Any]) -> tuple[str, str]:
    """The text and the thoughts of a stream, by the plain paths of its documentation."""
    text = thinking = ""
    for frame in frames:
        delta = frame.get("delta") or frame.get("contentBlockDelta", {}).get("delta", {})
        if isinstance(delta, str):
            text += delta if frame["type"] == "response.output_text.delta" else ""
            thinking += delta if frame["type"].startswith("response.reasoning") else ""
            continue
        text += delta.get("text", "")
        thinking += delta.get("reasoningContent", {}).get("text", "") or delta.get("content", {}).get("text", "")
    return text, thinking


@pytest.mark.parametrize("write", [as_lines, as_events])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_payload_is_complete_and_has_its_text_and_thoughts(
    path: pathlib.Path, write: Callable[[pathlib.Path], bytes]
) -> None:
    wire = path.name.partition("--")[0]
    reply = llm.reply(write(path))
    deltas = list(reply)
    assert (reply.wire, reply.ending and reply.ending.verdict) == (wire, "complete")
    by_hand = found_by_hand([json.loads(line) for line in path.read_bytes().splitlines()])
    assert (reply.text, reply.thinking) == by_hand
    assert ("".join(delta.text for delta in deltas), "".join(delta.thinking for delta in deltas)) == by_hand


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_payload_is_folded_the_same_for_every_cut(path: pathlib.Path) -> None:
    data = as_events(path)[:4000].rpartition(b"\n\n")[0] + b"\n\n" + DONE
    whole = llm.collect(data)
    for name, chunks in cuts(data):
        assert llm.collect(iter(chunks)).body == whole.body, name


@pytest.mark.parametrize("name", ["gemini-interactions--tool-1", "bedrock-converse--tool"])
def test_the_call_of_a_payload_is_complete(name: str) -> None:
    [call] = llm.collect(as_lines(PAYLOADS / f"{name}.jsonl")).tool_calls
    assert call.complete
    assert (call.name, call.arguments) in [("getWeather", {"location": "San Francisco"}), ("json", {"value": "test"})]
