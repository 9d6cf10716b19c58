"""Responses in the wild: texts and arguments that only a whole says, wholes that disagree, items that are left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import typed
from ndstream import llm

NOTHING: list[Any] = [None, "", "null", [], {}]


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


def completed(*output: Any, **fields: Any) -> dict[str, Any]:
    return event("completed", response={"id": "r", "status": "completed", "output": list(output), **fields})


def message(text: str, identity: str = "m") -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"id": identity, "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def call(arguments: Any, identity: str = "f", name: str = "weather") -> dict[str, Any]:
    return {"id": identity, "type": "function_call", "call_id": f"c_{identity}", "name": name, "arguments": arguments}


def thought(*summary: str) -> dict[str, Any]:
    return {"id": "t", "type": "reasoning", "summary": [{"type": "summary_text", "text": text} for text in summary]}


def read(*events: dict[str, Any]) -> Any:
    return read_every_way(b"".join(typed(*events)))


def deltas(*events: dict[str, Any]) -> list[str]:
    return [delta.text for delta in llm.reply(iter(typed(*events)), on_incomplete="return") if delta.text]


ADDED = event("output_item.added", output_index=0, item={**message(""), "content": []})


def test_arguments_that_only_the_whole_output_says_are_those_of_the_call() -> None:
    final = call('{"city":"Rome"}')
    answer = read(event("output_item.added", output_index=0, item=call("")), completed(final))
    assert [(each.id, each.name, each.arguments) for each in answer.tool_calls] == [
        ("c_f", "weather", {"city": "Rome"})
    ]
    assert answer.body["output"] == [final]
    reply = llm.reply(iter(typed(event("output_item.added", output_index=0, item=call("")), completed(final))))
    assert [list(delta.arguments) for delta in reply] == [[""], ['{"city":"Rome"}']]


@pytest.mark.parametrize("nothing", ["", None, "{}", {}])
def test_arguments_that_say_nothing_replace_none(nothing: Any) -> None:
    answer = read(
        event("output_item.added", output_index=0, item=call("")),
        event("function_call_arguments.delta", item_id="f", delta='{"a":1}'),
        event("function_call_arguments.done", item_id="f", arguments=nothing),
        event("output_item.done", output_index=0, item=call(nothing)),
        completed(call(nothing)),
    )
    assert [each.arguments for each in answer.tool_calls] == [{"a": 1}]


@pytest.mark.parametrize("ends", ["function_call_arguments.done", "output_item.done", "completed"])
def test_final_arguments_win_over_their_pieces(ends: str) -> None:
    whole = {
        "function_call_arguments.done": event("function_call_arguments.done", item_id="f", arguments='{"a":1}'),
        "output_item.done": event("output_item.done", output_index=0, item=call('{"a":1}')),
        "completed": completed(call('{"a":1}')),
    }
    events = [
        event("output_item.added", output_index=0, item=call("")),
        event("function_call_arguments.delta", item_id="f", delta="gAAx"),
        whole[ends],
    ]
    answer = read(*events, *([] if ends == "completed" else [completed()]))
    [only] = answer.tool_calls
    assert (only.raw, only.arguments, only.incomplete) == ('{"a":1}', {"a": 1}, False)
    assert answer.body["output"][0]["arguments"] == '{"a":1}'


WHOLE_TEXTS = {
    "output_item.added": event("output_item.added", output_index=0, item=message("Hi")),
    "content_part.added": event(
        "content_part.added", item_id="m", content_index=0, part={"type": "output_text", "text": "Hi"}
    ),
    "output_text.done": event("output_text.done", item_id="m", content_index=0, text="Hi"),
    "content_part.done": event(
        "content_part.done", item_id="m", content_index=0, part={"type": "output_text", "text": "Hi"}
    ),
    "output_item.done": event("output_item.done", output_index=0, item=message("Hi")),
    "completed": completed(message("Hi")),
}


# What begins something comes before its pieces.
PIECES = [
    (kind, pieces) for kind in WHOLE_TEXTS for pieces in ("", "H", "Hi") if not (pieces and kind.endswith("added"))
]


@pytest.mark.parametrize(("kind", "pieces"), PIECES)
def test_a_text_that_an_event_says_as_a_whole_is_handed_out_once(kind: str, pieces: str) -> None:
    begun = [] if kind == "output_item.added" else [ADDED]
    texts = [event("output_text.delta", item_id="m", output_index=0, content_index=0, delta=text) for text in pieces]
    end = [] if kind == "completed" else [completed(message("Hi"))]
    events = [*begun, *texts, WHOLE_TEXTS[kind], *end]
    assert "".join(deltas(*events)) == "Hi"
    answer = read(*events)
    assert (answer.text, answer.text_revised) == ("Hi", False)
    assert answer.body["output"] == [message("Hi")]


@pytest.mark.parametrize("kind", [kind for kind in WHOLE_TEXTS if not kind.endswith("added")])
def test_a_whole_text_that_does_not_go_on_with_its_pieces_is_the_servers_last_word(kind: str) -> None:
    piece = event("output_text.delta", item_id="m", output_index=0, content_index=0, delta="Ho.")
    events = [ADDED, piece, WHOLE_TEXTS[kind], *([] if kind == "completed" else [completed(message("Hi"))])]
    assert deltas(*events) == ["Ho."]
    answer = read(*events)
    assert (answer.text, answer.text_revised) == ("Hi", True)


THOUGHTS = {
    "reasoning_summary_text.done": [
        event("reasoning_summary_text.done", item_id="t", summary_index=index, text=text)
        for index, text in enumerate(("One.", "Two."))
    ],
    "reasoning_summary_part.done": [
        event(
            "reasoning_summary_part.done", item_id="t", summary_index=index, part={"type": "summary_text", "text": text}
        )
        for index, text in enumerate(("One.", "Two."))
    ],
    "reasoning_summary_text.delta": [
        event("reasoning_summary_text.delta", item_id="t", summary_index=index, delta=text)
        for index, text in ((0, "One"), (0, "."), (1, "Tw"), (1, "o."))
    ],
    "output_item.done": [event("output_item.done", output_index=0, item=thought("One.", "Two."))],
    "completed": [],
}


@pytest.mark.parametrize("kind", THOUGHTS)
def test_parts_of_a_summary_are_paragraphs_whatever_event_says_them(kind: str) -> None:
    begun = event("output_item.added", output_index=0, item=thought())
    answer = read(begun, *THOUGHTS[kind], completed(thought("One.", "Two.")))
    assert (answer.thinking, answer.text) == ("One.\n\nTwo.", "")
    assert answer.body["output"] == [thought("One.", "Two.")]


def test_items_that_ended_stay_though_the_whole_output_leaves_them_out() -> None:
    events = [
        event("output_item.done", output_index=0, item=thought("Hm")),
        event("output_item.done", output_index=1, item=message("Hi")),
    ]
    for left in ([thought("Hm")], [message("Hi")], []):
        answer = read(*events, completed(*left))
        assert (answer.text, answer.thinking) == ("Hi", "Hm")
        assert answer.body["output"] == [thought("Hm"), message("Hi")]


def test_items_are_known_by_position_and_type_if_their_ids_change_from_event_to_event() -> None:
    answer = read(
        event("output_item.added", output_index=0, item={**thought(), "id": "a"}),
        event("output_item.added", output_index=1, item={**call(""), "id": "b"}),
        event("output_item.added", output_index=2, item={**message(""), "id": "c", "content": []}),
        event("output_text.delta", item_id="d", output_index=2, content_index=0, delta="Hi"),
        completed({**call('{"a":1}'), "id": "e"}, {**message("Hi"), "id": "f"}),
    )
    assert (answer.text, answer.text_revised) == ("Hi", False)
    assert [(each.id, each.arguments) for each in answer.tool_calls] == [("c_f", {"a": 1})]
    assert [item["type"] for item in answer.body["output"]] == ["reasoning", "function_call", "message"]


def test_an_index_that_begins_again_after_its_item_ended_is_another_item() -> None:
    events = []
    for identity, text in (("a", "One"), ("b", "Two")):
        part = {"item_id": identity, "output_index": 0, "content_index": 0}
        events += [
            event("output_item.added", output_index=0, item={**message("", identity), "content": []}),
            event("output_text.delta", **part, delta=text),
            event("output_item.done", output_index=0, item=message(text, identity)),
        ]
    answer = read(*events, completed())
    assert (answer.text, answer.text_revised) == ("OneTwo", False)
    assert answer.body["output"] == [message("One", "a"), message("Two", "b")]


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
def test_what_says_nothing_replaces_and_opens_nothing(nothing: Any) -> None:
    answer = read(
        event("created", response={"id": "r", "model": "m", "usage": {"input_tokens": 1}}),
        event("output_item.added", output_index=0, item=nothing),
        ADDED,
        event("output_text.delta", item_id="m", content_index=0, delta="Hi"),
        event("output_text.delta", item_id="m", content_index=0, delta=nothing if nothing != "null" else ""),
        event("content_part.done", item_id="m", content_index=0, part=nothing),
        event("output_item.done", output_index=0, item={"id": "m", "type": "message", "content": nothing}),
        event("completed", response={"id": "r", "model": nothing, "usage": nothing, "output": nothing}),
    )
    assert (answer.text, answer.text_revised) == ("Hi", False)
    assert (answer.body["model"], answer.usage) == ("m", {"input_tokens": 1})
    [item] = answer.body["output"]
    assert item["content"][0]["text"] == "Hi"


def test_a_response_that_is_not_streamed_is_as_it_came() -> None:
    output = [thought("One.", "Two."), message("Hi"), call('{"a":1}'), {"type": "new_kind", "id": "n", "list": [{}, 1]}]
    body = {"object": "response", "id": "r", "status": "completed", "output": output, "error": None}
    answer = read_every_way(json.dumps(body).encode())
    assert answer.body == body
    assert (answer.text, answer.thinking) == ("Hi", "One.\n\nTwo.")
    assert [each.arguments for each in answer.tool_calls] == [{"a": 1}]


def test_texts_of_items_that_come_side_by_side_are_in_the_order_in_which_they_came() -> None:
    pieces = [(1, "b"), (0, "a"), (1, "B")]
    events = [event("output_text.delta", output_index=index, content_index=0, delta=text) for index, text in pieces]
    answer = read(*events, completed())
    assert (answer.text, answer.text_revised) == ("baB", False)
    assert [item["content"][0]["text"] for item in answer.body["output"]] == ["a", "bB"]


def test_parts_and_items_that_only_the_whole_says_come_after_the_others() -> None:
    parts = [{"type": "output_text", "text": text} for text in "abc"]
    final = {"id": "m", "type": "message", "content": parts}
    answer = read(
        event("output_text.delta", item_id="m", output_index=0, content_index=5, delta="a"),
        completed(final, {"id": "n", "type": "new", "x": 1}, call("{}")),
    )
    assert (answer.text, answer.text_revised) == ("abc", False)
    assert answer.body["output"] == [final, {"id": "n", "type": "new", "x": 1}, call("{}")]


def test_a_response_that_was_cancelled_is_no_complete_reply() -> None:
    answer = read(
        event("output_item.added", output_index=0, item=call("")),
        event("function_call_arguments.delta", item_id="f", delta='{"a":1}'),
        event(
            "cancelled",
            response={"id": "r", "status": "cancelled", "output": [{**call('{"a":1}'), "status": "incomplete"}]},
        ),
    )
    assert (answer.ending.verdict, answer.finish_reason, answer.ending.error.code) == ("error", "error", "cancelled")
    assert [(each.name, each.incomplete) for each in answer.tool_calls] == [("weather", True)]
    assert answer.body["status"] == "cancelled"


def test_final_thoughts_that_do_not_go_on_with_their_pieces_are_the_servers_last_word() -> None:
    piece = event("reasoning_summary_text.delta", item_id="t", output_index=0, summary_index=0, delta="Ho.")
    final = event("reasoning_summary_text.done", item_id="t", output_index=0, summary_index=0, text="Hi.")
    answer = llm.collect(iter(typed(piece, final, completed())))
    assert (answer.thinking, answer.text_revised) == ("Hi.", False)
    assert answer.body["output"] == [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hi."}]}]


def test_a_call_that_takes_the_place_of_one_that_ended_gets_its_own_arguments() -> None:
    def named(name: str) -> dict[str, Any]:
        return {"type": "function_call", "call_id": name, "name": name, "arguments": ""}

    def piece(text: str) -> dict[str, Any]:
        return event("function_call_arguments.delta", output_index=0, delta=text)

    answer = read(
        event("output_item.added", output_index=0, item=named("f")),
        piece('{"a":'),
        piece("1}"),
        event("output_item.done", output_index=0, item={**named("f"), "arguments": '{"a":1}'}),
        event("output_item.added", output_index=0, item=named("g")),
        piece('{"b":'),
        piece("2}"),
        completed(),
    )
    assert [(each.name, each.arguments) for each in answer.tool_calls] == [("f", {"a": 1}), ("g", {"b": 2})]


def test_an_empty_piece_of_arguments_adds_to_no_call() -> None:
    added = event("output_item.added", output_index=0, item=call(""))
    pieces = [event("function_call_arguments.delta", item_id="f", delta=text) for text in ('{"a":', "", "1}")]
    reply = llm.reply(iter(typed(added, *pieces)), on_incomplete="return")
    assert [len(delta.tool_calls) for delta in reply] == [1, 1, 0, 1]


def test_a_refusal_that_only_the_whole_output_says_is_the_refusal_of_the_reply() -> None:
    refusing = {"id": "m", "type": "message", "content": [{"type": "refusal", "refusal": "I will not."}]}
    answer = read(completed(refusing))
    assert (answer.refusal, answer.text, answer.body["output"]) == ("I will not.", "", [refusing])


def test_a_call_that_the_whole_output_has_as_something_else_is_not_handed_out_once_more() -> None:
    added = event("output_item.added", output_index=0, item=call(""))
    piece = event("function_call_arguments.delta", item_id="f", delta='{"a":1}')
    reply = llm.reply(iter(typed(added, piece, completed(message("Hi", "f")))), on_incomplete="return")
    assert [len(delta.tool_calls) for delta in reply] == [1, 1, 0]


@pytest.mark.parametrize(
    ("status", "reason", "verdict"),
    [
        ({"status": "completed"}, "stop", "complete"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length", "complete"),
        ({"status": "failed", "error": {"code": "server_error", "message": "no"}}, "error", "error"),
        ({}, "stop", "complete"),
    ],
)
def test_a_stream_may_end_with_done_and_the_status_says_how(status: dict[str, Any], reason: str, verdict: str) -> None:
    answer = read(event("output_text.delta", delta="Hi"), event("done", response={"id": "r", **status}))
    assert (answer.text, answer.finish_reason, answer.ending.verdict) == ("Hi", reason, verdict)


def test_a_stream_may_end_with_done_alone() -> None:
    answer = read(event("output_text.delta", delta="Hi"), event("done"))
    assert (answer.text, answer.finish_reason, answer.ending.verdict) == ("Hi", "stop", "complete")


def test_an_answer_that_failed_and_was_not_streamed_keeps_what_came_before() -> None:
    error = {"code": "rate_limit_exceeded", "message": "slow down"}
    body = {"id": "r", "object": "response", "status": "failed", "error": error, "output": [message("Hi")]}
    answer = read_every_way(json.dumps(body).encode())
    assert (answer.text, answer.ending.verdict, answer.ending.error.kind) == ("Hi", "error", "rate_limit")
    assert answer.body == body
