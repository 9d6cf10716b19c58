"""OpenAI's Responses: the odd ways of its streams."""

from __future__ import annotations

from llm.example import typed
from ndstream import llm


def test_a_call_of_a_response_that_is_cut_is_flagged_even_where_its_json_is_whole() -> None:
    item = {"id": "i", "type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":1}'}
    cut = {**item, "status": "incomplete"}
    reason = {"incomplete_details": {"reason": "max_output_tokens"}}
    answer = llm.collect(
        iter(
            typed(
                {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": ""}},
                {"type": "response.function_call_arguments.delta", "item_id": "i", "delta": '{"a":1}'},
                {"type": "response.output_item.done", "output_index": 0, "item": cut},
                {"type": "response.incomplete", "response": {"id": "r", "output": [cut], **reason}},
            )
        )
    )
    [call] = answer.tool_calls
    assert (call.raw, call.arguments, call.incomplete) == ('{"a":1}', None, True)


def test_thoughts_in_the_content_of_a_response_are_no_text() -> None:
    deltas = [
        {"type": "response.reasoning_text.delta", "item_id": "r", "delta": "Hm"},
        {"type": "response.output_text.delta", "item_id": "m", "delta": "Yes"},
    ]
    reply = llm.reply(iter(typed(*deltas)), on_incomplete="return")
    assert [(delta.text, delta.thinking) for delta in reply] == [("", "Hm"), ("Yes", "")]
    assert (reply.text, reply.thinking) == ("Yes", "Hm")
    assert [item["type"] for item in reply.body["output"]] == ["reasoning", "message"]
