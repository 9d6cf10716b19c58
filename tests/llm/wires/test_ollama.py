"""Ollama: counts that it leaves out, and the progress of transfers."""

from __future__ import annotations

import copy

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
