"""Ollama: counts that it leaves out, and the progress of transfers."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import lines
from llm.examples import by_name, ollama_frame
from ndstream import llm
from ndstream.llm._wires.registry import WIRES


def test_counts_that_ollama_leaves_out_are_zero() -> None:
    answer = llm.collect(iter(lines(ollama_frame({"content": "a"}, True))))
    assert (answer.metrics.prompt_tokens, answer.metrics.output_tokens) == (0, 0)
    assert answer.metrics.tokens_per_second is None


def test_progress_counts_each_layer_by_its_digest() -> None:
    reply = llm.reply(by_name("ollama pull").data)
    seen = [(reply.progress.completed, reply.progress.total) for _ in reply if reply.progress is not None]
    assert seen == [(0, 0), (0, 100), (10, 150), (70, 150), (70, 150)]
    assert reply.progress == llm.Progress(
        "success", 70, 150, {"sha256:aa": llm.Layer(60, 100), "sha256:bb": llm.Layer(10, 50)}
    )
    assert llm.collect(by_name("ollama chat").data).progress is None


def test_what_only_a_frame_in_the_middle_says_stays() -> None:
    frames = [
        ollama_frame({"content": "a"}),
        ollama_frame({"content": "b", "images": ["aW1n"]}, remote_model="m:cloud"),
        ollama_frame({"content": "c"}),
        ollama_frame({"content": ""}, True, done_reason="stop"),
    ]
    for count in (3, 4):
        body = llm.collect(iter(lines(*frames[:count])), on_incomplete="return").body
        assert (body["message"]["content"], body["message"]["images"], body["remote_model"]) == (
            "abc",
            ["aW1n"],
            "m:cloud",
        )


def test_what_the_frames_say_is_put_together_without_a_copy_for_each_and_changes_none_of_them() -> None:
    wire = WIRES["ollama-chat"]()
    frames = [
        {
            "model": "m",
            "message": {"role": "assistant", "content": "a", f"m{number}": 1},
            "done": False,
            f"f{number}": 1,
        }
        for number in range(3)
    ]
    given = copy.deepcopy(frames)
    known = []
    for frame in frames:
        wire.fold(frame, None)
        known.append(id(wire.last))  # type: ignore[attr-defined]
    assert len(set(known)) == 1
    assert frames == given
    assert {"f0", "f1", "f2"} <= wire.body.keys()
    assert {"m0", "m1", "m2"} <= wire.body["message"].keys()


@pytest.mark.parametrize(
    ("content", "text"), [([{"type": "text", "text": "Hi"}], "Hi"), (["H", "i"], "Hi"), (42, "42")], ids=repr
)
def test_text_is_read_though_it_is_a_list_of_parts_or_a_number(content: Any, text: str) -> None:
    chat = [ollama_frame({"role": "assistant", "content": each}, each == "") for each in ("", content, "!", "")]
    answer = read_every_way(b"".join(lines(*chat[1:])))
    assert (answer.text, answer.body["message"]["content"]) == (f"{text}!", f"{text}!")
    generated = [
        {"model": "m", "created_at": "t", "response": each, "done": each == "."} for each in ("", content, ".")
    ]
    answer = read_every_way(b"".join(lines(*generated)))
    assert (answer.wire, answer.text, answer.body["response"]) == ("ollama-generate", f"{text}.", f"{text}.")


@pytest.mark.parametrize("name", ["thinking", "reasoning", "reasoning_content"])
def test_thoughts_are_read_by_whatever_name_they_have(name: str) -> None:
    chat = [ollama_frame({"role": "assistant", "content": "", name: text}) for text in "Hm"]
    answer = read_every_way(b"".join(lines(*chat, ollama_frame({"content": "Hi"}, True))))
    assert (answer.thinking, answer.text, answer.body["message"]["thinking"]) == ("Hm", "Hi", "Hm")


def test_a_first_frame_with_a_thought_and_no_text_is_of_ollama_generate() -> None:
    thoughts = [{"model": "m", "created_at": "t", "thinking": text, "done": False} for text in "Hm"]
    last = {"model": "m", "created_at": "t", "response": "Hi", "done": True}
    answer = read_every_way(b"".join(lines(*thoughts, last)))
    assert (answer.wire, answer.thinking, answer.text) == ("ollama-generate", "Hm", "Hi")
