"""Lines of Ollama's chat, one by one."""

from __future__ import annotations

import json
from typing import Any

from ndstream.serving import OllamaChatTarget
from serving.made_replies import call, chunk, reply
from serving.relaying import relayed


def lines(*upstream: bytes) -> list[Any]:
    """The lines, without their time."""
    found = [json.loads(line) for line in b"".join(relayed(upstream, OllamaChatTarget())).split(b"\n") if line]
    for value in found:
        value.pop("created_at", None)
    return found


def line(done: bool = False, model: str = "tiny", **message: Any) -> dict[str, Any]:
    return {"model": model, "message": {"role": "assistant", "content": "", **message}, "done": done}


def test_calls_come_whole_and_the_counts_on_the_last_line() -> None:
    frames = [
        chunk(thinking="hm"),
        chunk(text="Hi"),
        chunk(calls=[call(0, "c1", "f", '{"a"')]),
        chunk(calls=[call(0, arguments=":1}")]),
    ]
    tool_call = {"id": "c1", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}
    assert lines(reply(*frames, reason="tool_calls")) == [
        line(thinking="hm"),
        line(content="Hi"),
        line(tool_calls=[tool_call]),
        {**line(done=True), "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 2},
    ]


def test_the_line_ends_of_unicode_are_escaped() -> None:
    told = b"".join(relayed([reply(chunk(text="a\u2028\u2029\u0085b"))], "ollama-chat"))
    assert rb'"content":"a\u2028\u2029\u0085b"' in told
    assert len(told.decode().splitlines()) == told.count(b"\n") == 2


def test_durations_are_kept_in_nanoseconds() -> None:
    figures = {
        "total_duration": 3_000_000_000,
        "load_duration": 500_000_000,
        "prompt_eval_count": 10,
        "prompt_eval_duration": 250_000_000,
        "eval_count": 40,
        "eval_duration": 2_000_000_000,
    }
    last = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    told = lines(json.dumps({**last, **figures}).encode() + b"\n")
    assert told == [{**line(done=True, model="m"), "done_reason": "stop", **figures}]


def test_durations_that_cannot_be_are_left_out() -> None:
    last = {"model": "m", "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
    for duration in (1e300, -1, 0, "x", None):
        told = lines(json.dumps({**last, "total_duration": duration}).encode() + b"\n")
        assert told == [{**line(done=True, model="m"), "done_reason": "stop"}]


def test_an_error_is_a_string_and_comes_last() -> None:
    assert lines(chunk(text="Hi")) == [
        line(content="Hi"),
        {"error": "the upstream ended before its stream was complete"},
    ]
