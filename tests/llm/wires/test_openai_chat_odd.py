"""Chat completions as servers write them that are nearly right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import DONE, sse
from llm.examples import chat_body, chat_frame
from llm.odd_stream import Odd, check, sentence

USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
COUNTED = (5, 7, 12)


def chunk(delta: Any = None, finish: Any = None, index: Any = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "finish_reason": finish, **({} if delta is None else {"delta": delta})}
    return {"id": "x", "object": "chat.completion.chunk", "choices": [choice], **more}


def says(text: Any, finish: Any = None, **more: Any) -> dict[str, Any]:
    return chunk({"content": text}, finish, **more)


def calls(*fragments: Any) -> dict[str, Any]:
    return chunk({"tool_calls": list(fragments)})


def call(index: Any, arguments: Any, identity: Any = None, name: Any = None) -> dict[str, Any]:
    fields = {"index": index, "id": identity}
    function = {"name": name, "arguments": arguments}
    return {
        **{key: value for key, value in fields.items() if value is not None},
        "function": {key: value for key, value in function.items() if value is not None},
    }


def ended(*frames: dict[str, Any]) -> list[bytes]:
    return [*sse(*frames), DONE]


CALLED = chunk({}, "tool_calls")
STOPPED = says("a", "stop")
MESSAGE = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}

TEXTS = [
    Odd("a role of null in every delta", ended(chunk({"role": None, "content": "a"}), says("b", "stop")), "ab"),
    Odd("a content of null between", ended(says("a"), says(None), says("b", "stop")), "ab"),
    Odd("a last delta of a role alone", sse(says("a"), chunk({"role": "assistant"}, "stop")), "a"),
    Odd("choices of null beside the usage", ended(STOPPED, {"choices": None, "usage": USAGE}), "a", tokens=COUNTED),
    Odd("one choice in place of a list", ended({"choices": {"delta": {"content": "a"}, "finish_reason": "stop"}}), "a"),
    Odd("indexes as text and as numbers", ended(says("a", index="0"), says("b", "stop", index=0)), "ab"),
    Odd(
        "choices in the other order", ended(says("b", index=1), says("a"), chunk({}, "stop", 1), chunk({}, "stop")), "a"
    ),
    Odd("parts, then text", ended(says([{"type": "text", "text": "a"}]), says("b", "stop")), "ab"),
    Odd("parts of null", ended(says([None, {"type": "text", "text": None}, {"text": "a"}]), chunk({}, "stop")), "a"),
    Odd("a whole message after its pieces", ended(says("He"), {"choices": [MESSAGE]}), "Hello"),
    Odd(
        "a whole message where a stream was to come",
        sse({"choices": [MESSAGE], "usage": USAGE}),
        "Hello",
        tokens=COUNTED,
    ),
    Odd(
        "an answer that is not streamed, over many lines",
        [json.dumps(chat_body({"role": "assistant", "content": "Hi"}), indent=2).encode()],
        "Hi",
    ),
    Odd("text after the finish reason", ended(STOPPED, says("b")), "ab"),
    Odd(
        "thoughts under two names at once",
        ended(chunk({"reasoning": "t", "reasoning_content": "t"}), STOPPED),
        "a",
        thinking="t",
    ),
    Odd("thoughts that are an object", ended(chunk({"reasoning": {"content": "t"}}), STOPPED), "a", thinking="t"),
    Odd("tokens that are numbers", ended(says("$"), says(0.05), says(" ["), says(6), says("]", "stop")), "$0.05 [6]"),
    Odd(
        "thoughts that are numbers",
        ended(chunk({"reasoning_content": "x="}), chunk({"reasoning_content": 6}), STOPPED),
        "a",
        thinking="x=6",
    ),
    Odd("a whole message that is a number", sse({"choices": [{**MESSAGE, "message": {"content": 42}}]}), "42"),
    Odd(
        "an old completion of numbers", ended({"choices": [{"text": 4}]}, {"choices": [{"text": 2}]}), "42", reason=None
    ),
]

ENDS = [
    Odd("a finish reason in a frame of its own", ended(says("a"), {"choices": [{"finish_reason": "stop"}]}), "a"),
    Odd("a second finish reason", ended(STOPPED, chunk({}, "length")), "a", reason="length"),
    Odd("the words for null as a reason", ended(says("a", "None"), says("b", "null"), chunk({}, "stop")), "ab"),
    Odd("an error after the end", sse(STOPPED, {"error": {"message": "x", "code": 500}}), "a", [], "error", "error"),
    Odd(
        "errors that are none", ended(says("a", error=None), says("b", error=False), says("c", "stop", error=[])), "abc"
    ),
    Odd(
        "an error in a list",
        sse(says("a"), {"error": [{"message": "rate limit", "code": 429}]}),
        "a",
        [],
        "error",
        "error",
        kind="rate_limit",
    ),
    Odd("a comment and a frame without choices", [b": PROCESSING\n\n", *sse({"choices": []}), *ended(STOPPED)], "a"),
    Odd("a ping of null", [b"event: ping\ndata: null\n\n", *ended(STOPPED)], "a"),
    Odd("heartbeats of an empty text and an empty list", [b'data: ""\n\ndata: []\n\n', *ended(STOPPED)], "a"),
    Odd("a sentinel with spaces", [*sse(says("a")), b"data:  [DONE] \n\n"], "a", reason=None),
    Odd("a sentinel without a space", [*sse(says("a")), b"data:[DONE]\n\n"], "a", reason=None),
    Odd("a sentinel in quotes", [*sse(STOPPED), b'data: "[DONE]"\n\n'], "a"),
    Odd("a sentinel as an event", [*sse(STOPPED), b"event: done\ndata: [DONE]\n\n"], "a"),
    Odd("an end event without fields", [*sse(STOPPED), b"event: end\ndata: {}\n\n"], "a"),
    Odd("a page in the middle", [*sse(says("a")), b"<html>502 Bad Gateway</html>"], "a", [], "error", "error"),
    Odd("a mark of the byte order, and ids", [b"\xef\xbb\xbfid: 1\nretry: 5\n", *ended(STOPPED)], "a"),
    Odd("carriage returns alone", [b"".join(ended(STOPPED)).replace(b"\n", b"\r")], "a"),
    Odd("a last event without its blank line", [b"".join(sse(says("a"), chunk({}, "stop")))[:-2]], "a"),
]

COUNTS = [
    Odd(
        "counts of each frame, and null at the end",
        ended(
            says("a", usage={"prompt_tokens": 5, "completion_tokens": 1}),
            says("b", "stop", usage=USAGE),
            chunk(usage=None),
        ),
        "ab",
        tokens=COUNTED,
    ),
    Odd(
        "counts of null after the counts",
        ended(says("a", "stop", usage=USAGE), {"choices": [], "usage": dict.fromkeys(USAGE)}),
        "a",
        tokens=COUNTED,
    ),
]

ONE = [("f", {"x": 1})]
TWO = [("f", {"x": 1}), ("g", {"y": 2})]
CALLS = [
    Odd("null among the calls", ended(calls(None, call(0, '{"x":1}', "a", "f"), None), CALLED), "", ONE),
    Odd(
        "an index as text, number and float",
        ended(calls(call("0", '{"x"', "a", "f")), calls(call(0, ":1")), calls(call(0.0, "}")), CALLED),
        "",
        ONE,
    ),
    Odd(
        "indexes with a gap",
        ended(calls(call(0, '{"x":1}', "a", "f")), calls(call(2, '{"y":', "b", "g")), calls(call(2, "2}")), CALLED),
        "",
        TWO,
    ),
    Odd("an index below 0", ended(calls(call(-1, '{"x":', "a", "f")), calls(call(-1, "1}")), CALLED), "", ONE),
    Odd(
        "one id for two calls",
        ended(calls(call(0, '{"x":1}', "a", "f")), calls(call(1, '{"y":2}', "a", "g")), CALLED),
        "",
        TWO,
    ),
    Odd(
        "id and name in each fragment",
        ended(*(calls(call(0, piece, "a", "f")) for piece in ('{"x"', ":1", "}")), CALLED),
        "",
        ONE,
    ),
    Odd(
        "index 0 for all calls",
        ended(calls(call(0, '{"x":1}', "a", "f")), calls(call(0, '{"y":2}', "b", "g")), CALLED),
        "",
        TWO,
    ),
    Odd("arguments as an object", ended(calls(call(0, {"x": 1}, "a", "f")), CALLED), "", ONE),
    Odd(
        "a function of null at the end",
        ended(calls(call(0, '{"x":1}', "a", "f")), calls({"index": 0, "function": None}), CALLED),
        "",
        ONE,
    ),
    Odd("a stop where calls are asked for", ended(calls(call(0, '{"x":1}', "a", "f")), chunk({}, "stop")), "", ONE),
    Odd(
        "a call that is cut by the limit",
        ended(calls(call(0, '{"x":', "a", "f")), chunk({}, "length")),
        "",
        [("f", None)],
        reason="length",
    ),
    Odd(
        "a call that the end of the bytes cuts",
        sse(calls(call(0, '{"x":1}', "a", "f"))),
        "",
        [("f", None)],
        "truncated",
        None,
    ),
]


@pytest.mark.parametrize("case", [*TEXTS, *ENDS, *COUNTS], ids=sentence)
def test_a_reply_is_read_though_it_has(case: Odd) -> None:
    check(case)


@pytest.mark.parametrize("case", CALLS, ids=sentence)
def test_calls_are_read_though_they_have(case: Odd) -> None:
    check(
        case if case.reason != "stop" else Odd(case.sentence, case.frames, case.text, case.calls, reason="tool_calls")
    )


def test_content_may_be_a_list_of_texts() -> None:
    frames = sse(chat_frame({"content": ["H", "i"]}), chat_frame({"content": " you"}), chat_frame({}, "stop"))
    assert read_every_way(b"".join(frames)).text == "Hi you"


def test_a_status_before_the_first_frame_does_not_decide_the_wire() -> None:
    frames = sse({"status": "loading model"}, {"status": "ready"}, chat_frame({"content": "Hi"}, "stop"))
    answer = read_every_way(b"".join(frames))
    assert (answer.wire, answer.text) == ("openai-chat", "Hi")


def test_text_in_place_of_a_message_or_a_delta_is_its_content() -> None:
    whole = json.dumps({"choices": [{"message": "Hi", "finish_reason": "stop"}]}).encode()
    deltas = [{"choices": [{"delta": text, "finish_reason": None}]} for text in "Hi"]
    for data in (whole, b"".join([*sse(*deltas), DONE])):
        answer = read_every_way(data)
        assert (answer.text, answer.body["choices"][0]["message"]) == ("Hi", {"role": "assistant", "content": "Hi"})
