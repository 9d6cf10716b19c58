"""Chunks of chat completions, one by one."""

from __future__ import annotations

from typing import Any

from ndstream.serving import OpenAIChatTarget
from serving.made_replies import DONE, USAGE, call, chunk, reply
from serving.relaying import relayed

from .reading import payloads

HEAD = {"object": "chat.completion.chunk", "model": "tiny"}


def chunks(upstream: bytes, **options: Any) -> list[Any]:
    """The chunks, without their id and time."""
    told = payloads(b"".join(relayed([upstream], OpenAIChatTarget(**options))))
    for value in told:
        if value != "[DONE]" and "error" not in value:
            assert value.pop("id").startswith("chatcmpl-")
            assert isinstance(value.pop("created"), int)
    return told


def delta(value: dict[str, Any], reason: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": index, "delta": value, "finish_reason": reason}], **more}


ROLE = {"role": "assistant", "content": ""}


def test_the_role_comes_first_and_the_usage_beside_the_finish_reason() -> None:
    assert chunks(reply(chunk(thinking="hm"), chunk(text="Hi"))) == [
        delta(ROLE),
        delta({"reasoning_content": "hm"}),
        delta({"content": "Hi"}),
        delta({}, "stop", usage=USAGE),
        "[DONE]",
    ]


def test_usage_that_was_asked_for_comes_in_a_chunk_without_choices() -> None:
    assert chunks(reply(chunk(text="Hi")), include_usage=True)[-3:] == [
        delta({}, "stop"),
        {**HEAD, "choices": [], "usage": USAGE},
        "[DONE]",
    ]


def test_each_fragment_of_a_call_has_its_index() -> None:
    frames = [chunk(calls=[call(7, "c1", "f", '{"a"')]), chunk(calls=[call(7, arguments=":1}")])]
    calls = [value["choices"][0]["delta"].get("tool_calls") for value in chunks(reply(*frames))[:-1]]
    assert [one for one in calls if one] == [
        [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}],
        [{"index": 0, "function": {"arguments": '{"a"'}}],
        [{"index": 0, "function": {"arguments": ":1}"}}],
    ]


def test_every_choice_has_its_role_and_its_finish_reason() -> None:
    frames = [chunk(text="a"), chunk(text="b", choice=1), chunk(reason="length", choice=1)]
    assert chunks(reply(*frames)) == [
        delta(ROLE),
        delta({"content": "a"}),
        delta(ROLE, index=1),
        delta({"content": "b"}, index=1),
        delta({}, "stop"),
        delta({}, "length", index=1, usage=USAGE),
        "[DONE]",
    ]


def test_a_refusal_is_no_content() -> None:
    assert chunks(reply(chunk(refusal="No.")))[1:3] == [delta({"refusal": "No."}), delta({}, "stop", usage=USAGE)]


def test_counts_of_caches_and_of_reasoning_are_kept() -> None:
    usage = {
        **USAGE,
        "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    assert chunks(chunk(text="Hi") + chunk(reason="stop", usage=usage) + DONE)[-2]["usage"] == usage


def test_an_error_has_the_words_of_openai() -> None:
    upstream = chunk(text="Hi") + b'data: {"error":{"message":"slow down","code":429}}\n\n'
    error = {"message": "slow down", "type": "rate_limit_error", "param": None, "code": "429"}
    assert chunks(upstream)[-1] == {"error": error}
