"""Cloudflare's Workers AI: answers in the envelope of its REST API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import DONE, sse
from ndstream import llm


def enveloped(result: Any, success: bool = True, errors: Any = ()) -> dict[str, Any]:
    return {"result": result, "success": success, "errors": list(errors), "messages": []}


def test_an_answer_in_an_envelope_is_read_and_stays_in_it() -> None:
    body = enveloped({"response": "Hi", "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}})
    answer = llm.collect(json.dumps(body).encode())
    assert (answer.wire, answer.text, answer.tokens.total, answer.body) == ("workers-ai", "Hi", 3, body)


@pytest.mark.parametrize(
    ("errors", "message", "kind"),
    [
        ([{"code": 429, "message": "slow down"}], "slow down", "rate_limit"),
        ([], "the server says that it did not succeed", "unknown"),
    ],
)
def test_an_envelope_without_success_is_an_error(errors: Any, message: str, kind: str) -> None:
    with pytest.raises(llm.ReplyServerError) as caught:
        llm.collect(json.dumps(enveloped(None, False, errors)).encode())
    assert (str(caught.value), caught.value.kind) == (message, kind)


def streamed(*frames: Any) -> bytes:
    return b"".join([*sse(*frames), DONE])


def test_tokens_that_are_numbers_are_text() -> None:
    answer = read_every_way(streamed({"response": 4}, {"response": 2}, {"response": " is "}, {"response": 0.5}))
    assert (answer.wire, answer.text, answer.body) == ("workers-ai", "42 is 0.5", {"response": "42 is 0.5"})


def test_a_call_that_comes_in_pieces_is_one_call() -> None:
    def piece(identity: Any = None, name: Any = None, arguments: Any = "", index: int = 0) -> Any:
        function = {"name": name, "arguments": arguments}
        return {"id": identity, "type": identity and "function", "index": index, "function": function}

    pieces = [
        [piece("a", "now")],
        [piece(arguments='{"zone":')],
        [piece("b", "today", index=1), piece(arguments='"CET"}')],
        [piece()],
        [],
    ]
    answer = read_every_way(streamed(*({"response": None, "tool_calls": each} for each in pieces)))
    calls = [(call.id, call.name, call.arguments, call.incomplete) for call in answer.tool_calls]
    assert calls == [("a", "now", {"zone": "CET"}, False), ("b", "today", {}, False)]


def test_whole_calls_of_one_tool_are_as_many_as_came() -> None:
    calls = [{"name": "now", "arguments": {"zone": zone}} for zone in ("CET", "UTC", "UTC")]
    answer = read_every_way(
        streamed({"response": "", "tool_calls": calls[:2]}, {"response": "", "tool_calls": calls[2:]})
    )
    assert [call.arguments for call in answer.tool_calls] == [call["arguments"] for call in calls]


def test_the_value_of_its_json_mode_is_the_text_and_stays_a_value() -> None:
    body = enveloped({"response": {"city": "Rome"}})
    answer = llm.collect(json.dumps(body).encode())
    assert (answer.text, answer.body) == ('{"city":"Rome"}', body)


@pytest.mark.parametrize("wrap", [dict, enveloped], ids=["bare", "in an envelope"])
def test_an_answer_that_was_not_streamed_is_as_it_came(wrap: Any) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    for body in (
        wrap({"response": None, "tool_calls": [call]}),
        wrap({"response": "Hi", "tool_calls": [], "usage": {}}),
    ):
        answer = read_every_way(json.dumps(body).encode())
        assert (answer.wire, answer.body, answer.text) == ("workers-ai", body, "Hi" if "Hi" in str(body) else "")


def test_lines_of_an_answer_add_up() -> None:
    answer = llm.collect(b'{"response":"a","p":"x"}\n{"response":"b"}\n')
    assert (answer.text, answer.body) == ("ab", {"response": "ab"})


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2]], ids=repr)
def test_a_value_of_its_json_mode_is_read_with_and_without_the_envelope(value: Any) -> None:
    body = {"response": value, "usage": {"prompt_tokens": 1}}
    for whole in (body, enveloped(body)):
        answer = read_every_way(json.dumps(whole).encode())
        assert (json.loads(answer.text), answer.body) == (value, whole)


CALL = {"id": "a", "type": "function", "function": {"name": "now", "arguments": "{}"}}
CHAT = {
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi", "reasoning_content": "Hm", "tool_calls": [CALL]},
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
RESPONSE = {
    "object": "response",
    "status": "completed",
    "output": [
        {"type": "reasoning", "id": "r", "content": [{"type": "reasoning_text", "text": "Hm"}], "summary": []},
        {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "Hi"}]},
        {"type": "function_call", "id": "f", "call_id": "a", "name": "now", "arguments": "{}"},
    ],
    "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
}


@pytest.mark.parametrize("result", [CHAT, RESPONSE], ids=["a chat completion", "a response"])
def test_an_answer_of_openai_in_the_envelope_is_read_and_stays_as_it_came(result: Any) -> None:
    answer = read_every_way(json.dumps(enveloped(result)).encode())
    assert (answer.wire, answer.text, answer.thinking, answer.body) == ("workers-ai", "Hi", "Hm", enveloped(result))
    assert (answer.tokens.total, answer.metrics.output_tokens) == (3, 2)
    assert (answer.finish_reason, answer.ending.verdict) == ("tool_calls", "complete")
    assert [(call.name, call.arguments, call.incomplete) for call in answer.tool_calls] == [("now", {}, False)]


def test_what_an_answer_of_openai_in_the_envelope_says_of_its_end_counts() -> None:
    refused = {"choices": [{"message": {"content": "", "refusal": "No"}, "finish_reason": "stop"}]}
    answer = read_every_way(json.dumps(enveloped(refused)).encode())
    assert (answer.refusal, answer.finish_reason) == ("No", "refusal")
    open_ended = {"choices": [{"message": {"content": "Hi"}, "finish_reason": None}]}
    answer = read_every_way(json.dumps(enveloped(open_ended)).encode())
    assert (answer.text, answer.ending.verdict) == ("Hi", "truncated")
    failed = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "error", "error": {"message": "no memory"}}]}
    with pytest.raises(llm.ReplyServerError, match="no memory"):
        llm.collect(json.dumps(enveloped(failed)).encode())
    several = {"choices": [{"index": 2, "message": {"content": "c"}, "finish_reason": "stop"}]}
    several["choices"].append({"index": 1, "message": {"content": "b"}, "finish_reason": "stop"})
    answer = read_every_way(json.dumps(enveloped(several)).encode(), first=1)
    assert (answer.text, answer.body) == ("b", enveloped(several))


@pytest.mark.parametrize("result", [{"description": "a cat"}, {}, None, "Hi"], ids=repr)
def test_an_envelope_without_an_answer_that_can_be_read_is_never_complete(result: Any) -> None:
    for wire in (None, "workers-ai"):
        answer = read_every_way(json.dumps(enveloped(result)).encode(), wire)
        assert (answer.text, answer.ending.verdict) == ("", "truncated")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_are_read_in_pieces_and_as_a_whole(name: str) -> None:
    answer = read_every_way(streamed({"response": "", name: "H"}, {"response": "", name: "m"}, {"response": "Hi"}))
    assert (answer.text, answer.thinking, answer.body) == ("Hi", "Hm", {"response": "Hi", name: "Hm"})
    body = enveloped({"response": "Hi", name: "Hm"})
    answer = read_every_way(json.dumps(body).encode())
    assert (answer.text, answer.thinking, answer.body) == ("Hi", "Hm", body)
