"""An answer that was not streamed is read as the stream of it would be: the same body, texts and calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inputs.cuts import cuts
from llm.example import Example, ids
from llm.examples import EXAMPLES
from ndstream import llm

WHOLE = [example for example in EXAMPLES if example.body is not None]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("example", WHOLE, ids=ids)
def test_a_whole_body_is_the_reply_that_its_stream_is(example: Example, indent: int | None) -> None:
    data = json.dumps(example.body, indent=indent).encode()
    for name, chunks in cuts(data) if len(data) < 1000 else [("whole", [data])]:
        reply = llm.reply(iter(chunks))
        deltas = list(reply)
        assert reply.ending is not None
        assert (reply.wire, reply.ending.verdict) == (example.wire, "complete"), name
        assert (reply.text, reply.thinking) == (example.text, example.thinking), name
        assert "".join(delta.text for delta in deltas if not delta.choice) == example.text, name
        assert "".join(delta.thinking for delta in deltas if not delta.choice) == example.thinking, name
        assert [(call.name, call.arguments) for call in reply.tool_calls] == example.calls, name
        assert reply.body == example.body, name
        assert reply.usage == example.usage, name


@pytest.mark.parametrize("example", WHOLE, ids=ids)
def test_a_whole_body_that_is_cut_is_not_complete(example: Example) -> None:
    data = json.dumps(example.body).encode()
    for at in (len(data) // 2, len(data) - 1):
        with pytest.raises(llm.ReplyTruncatedError):
            llm.collect(data[:at])


def test_a_list_of_one_answer_is_that_answer() -> None:
    body: list[Any] = [{"generated_text": "Hi"}]
    answer = llm.collect(json.dumps(body).encode())
    assert (answer.wire, answer.text) == ("tgi", "Hi")
