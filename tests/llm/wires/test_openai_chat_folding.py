"""The chat family in the wild: what says nothing, what is one item, how calls are written, who wins at the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.every_way import read_every_way
from llm.example import DONE, sse
from ndstream import llm

NOTHING: list[Any] = [None, "", "null", "None", [], {}]


def streamed(*deltas: Any, finish: str = "stop") -> bytes:
    """Events with one delta each, and the end."""
    frames = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    return b"".join([*sse(*frames, {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}), DONE])


def whole(message: Any, finish: str = "stop") -> bytes:
    """The body of an answer that is not streamed."""
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}]}).encode()


def message_of(data: bytes) -> Any:
    return read_every_way(data).body["choices"][0]["message"]


@pytest.mark.parametrize("reason", NOTHING, ids=repr)
def test_a_finish_reason_that_says_nothing_takes_none_back(reason: Any) -> None:
    frames = sse(
        {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]},
        {"choices": [{"delta": {}, "finish_reason": reason}], "usage": {"total_tokens": 1}},
    )
    answer = read_every_way(b"".join(frames))
    assert (answer.ending.verdict, answer.ending.finish_reason, answer.text) == ("complete", "stop", "Hi")
    assert answer.usage == {"total_tokens": 1}


@pytest.mark.parametrize("reason", NOTHING, ids=repr)
def test_a_finish_reason_that_says_nothing_is_no_end(reason: Any) -> None:
    frames = sse({"choices": [{"delta": {"content": "Hi"}, "finish_reason": reason}]})
    assert read_every_way(b"".join(frames)).ending.verdict == "truncated"


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
def test_fields_that_say_nothing_replace_none_and_open_nothing(nothing: Any) -> None:
    known = {"id": "c", "model": "m", "service_tier": "t"}
    names = ("role", "tool_calls", "function_call", "audio", "annotations", "reasoning_details")
    odd = dict.fromkeys(names, nothing)
    frames = sse(
        {**known, "choices": [{"delta": {"role": "assistant", "content": "Hi"}}], "usage": {"total_tokens": 1}},
        {**dict.fromkeys(known, nothing), "choices": [{"delta": odd}], "usage": nothing},
        {"choices": [{"delta": {}, "finish_reason": "stop"}]},
    )
    answer = read_every_way(b"".join(frames))
    assert {name: answer.body[name] for name in known} == known
    assert answer.tool_calls == []
    assert answer.usage == answer.body["usage"] == {"total_tokens": 1}
    message = answer.body["choices"][0]["message"]
    assert (message["role"], message["content"]) == ("assistant", "Hi")


@pytest.mark.parametrize("content", [None, [], {}, [None]], ids=repr)
def test_content_that_says_nothing_leaves_the_text_what_it_is(content: Any) -> None:
    message = message_of(streamed({"content": "Hi"}, {"content": content}, {"content": "!"}))
    assert message["content"] == "Hi!" or message["content"] == [{"type": "text", "text": "Hi!"}]


@pytest.mark.parametrize("word", ["null", "None", ""])
def test_a_word_for_nothing_is_neither_the_id_nor_the_name_of_a_call(word: str) -> None:
    first = {"index": 0, "id": "a", "type": "function", "function": {"name": "ls", "arguments": '{"p":'}}
    odd = {"index": 0, "id": word, "type": word, "function": {"name": word, "arguments": "1}"}}
    answer = read_every_way(streamed({"tool_calls": [first]}, {"tool_calls": [odd]}, finish="tool_calls"))
    assert [(call.id, call.name, call.type, call.arguments) for call in answer.tool_calls] == [
        ("a", "ls", "function", {"p": 1})
    ]


@pytest.mark.parametrize(
    "field",
    [
        "reasoning_details",
        "thinking_blocks",
        "annotations",
        "images",
        "parts_of_no_known_name",
        "content",
    ],
)
@pytest.mark.parametrize(
    "items",
    [
        [
            {"type": "reasoning.encrypted", "data": "one", "id": "t1"},
            {"type": "reasoning.encrypted", "data": "two", "id": "t2"},
        ],
        [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
        [{"type": "thinking", "thinking": "a", "signature": "s"}, {"type": "thinking", "thinking": "b"}],
        [{"type": "x", "index": 0, "text": "a"}, {"type": "x", "index": 0, "text": "b"}],
        [{"a": 1}, {"a": 1}, 7, "text", {}],
    ],
    ids=["encrypted", "texts", "thoughts", "one index", "anything"],
)
def test_the_lists_of_a_whole_answer_are_as_they_came(field: str, items: list[Any]) -> None:
    message = {"role": "assistant", "content": None, field: items}
    assert message_of(whole(message)) == message
    # Of one frame that is streamed, what says nothing is left out.
    if {} not in items:
        assert message_of(streamed({field: items}))[field] == items


def test_the_calls_of_a_whole_answer_are_as_they_came() -> None:
    calls = [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"n":1}'}, "note": 1},
        {"id": "b", "type": "function", "function": {"name": "f", "arguments": {"n": 2}}},
    ]
    answer = read_every_way(whole({"content": None, "tool_calls": calls}, "tool_calls"))
    assert answer.body["choices"][0]["message"]["tool_calls"] == calls
    assert [(call.id, call.arguments) for call in answer.tool_calls] == [("a", {"n": 1}), ("b", {"n": 2})]


def test_thoughts_in_blocks_are_joined_until_their_signature() -> None:
    def block(thinking: str, signature: str = "") -> Any:
        return {"thinking_blocks": [{"type": "thinking", "thinking": thinking, "signature": signature}]}

    answer = read_every_way(streamed(block("A "), block("B"), block("", "S"), block("C"), block("", "T")))
    assert answer.thinking == "A BC"
    assert answer.body["choices"][0]["message"]["thinking_blocks"] == [
        {"type": "thinking", "thinking": "A B", "signature": "S"},
        {"type": "thinking", "thinking": "C", "signature": "T"},
    ]


@pytest.mark.parametrize(
    ("part", "thought"),
    [
        ({"type": "reasoning", "summary": [{"type": "summary_text", "text": "Let "}]}, "summary"),
        ({"type": "thinking", "thinking": [{"type": "text", "text": "Let "}]}, "thinking"),
        ({"type": "thinking", "thinking": "Let "}, "thinking"),
        ({"type": "reasoning", "text": "Let "}, "text"),
    ],
    ids=["databricks", "mistral", "flat", "text"],
)
def test_thoughts_in_the_content_are_one_part_and_are_thinking(part: dict[str, Any], thought: str) -> None:
    text = json.dumps(part)
    parts = [json.loads(text), json.loads(text.replace("Let ", "me"))]
    answer = read_every_way(streamed(*({"content": [each]} for each in parts), {"content": "Yes"}, {"content": "."}))
    assert (answer.thinking, answer.text) == ("Let me", "Yes.")
    joined = json.loads(text.replace("Let ", "Let me"))
    assert answer.body["choices"][0]["message"]["content"] == [joined, {"type": "text", "text": "Yes."}]


def test_a_text_of_an_item_is_a_repeat_only_while_it_is_in_one_part() -> None:
    def item(note: str) -> Any:
        return {"reasoning_details": [{"type": "x", "index": 0, "note": note}]}

    for notes, joined in ((("a", "a"), "a"), (("a", "b", "ab"), "abab"), (("a", "b", "a"), "aba")):
        assert message_of(streamed(*map(item, notes)))["reasoning_details"] == item(joined)["reasoning_details"]


@pytest.mark.parametrize(
    "other",
    [
        {"type": "y", "text": "b"},
        {"type": "x", "text": "b", "data": "d"},
        {"type": "x", "content": [{"url": "u"}]},
        {"type": "x", "content": ["b"]},
        {"type": "x"},
    ],
    ids=repr,
)
def test_a_part_that_has_more_than_what_grows_is_an_item_of_its_own(other: dict[str, Any]) -> None:
    item = {"type": "x", "text": "a"}
    message = message_of(streamed({"reasoning_details": [item]}, {"reasoning_details": [other]}))
    assert message["reasoning_details"] == [item, other]


def test_a_part_that_says_that_its_thought_is_closed_goes_on_with_it() -> None:
    def thinking(text: str, **more: Any) -> Any:
        return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}], **more}]}

    message = message_of(streamed(thinking("Let ", closed=False), thinking("me"), thinking(".", closed=True)))
    assert message["content"] == thinking("Let me.", closed=True)["content"]


def test_images_that_all_have_the_index_0_are_images_and_one_that_is_repeated_is_one() -> None:
    images = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{n}"}, "index": 0} for n in "AAB"]
    message = message_of(streamed(*({"images": [image]} for image in images)))
    assert message["images"] == [images[0], images[2]]


def test_parts_with_ids_and_indexes_are_told_apart_over_frames() -> None:
    def details(*items: Any) -> Any:
        return {"reasoning_details": list(items)}

    answer = read_every_way(
        streamed(
            details({"type": "reasoning.text", "index": 0, "text": "a"}),
            details({"type": "reasoning.text", "index": "0", "text": "b"}, {"type": "reasoning.text", "index": 1}),
            details({"type": "reasoning.text", "index": 1, "text": "c"}),
            details({"index": 1, "signature": "s"}),
            details({"type": "reasoning.encrypted", "id": "x", "data": "one"}),
            details({"type": "reasoning.encrypted", "id": "y", "data": "two"}),
            details({"type": "reasoning.encrypted", "id": "x", "data": "!"}),
        )
    )
    assert answer.thinking == "abc"
    assert answer.body["choices"][0]["message"]["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "ab"},
        {"type": "reasoning.text", "index": 1, "text": "c", "signature": "s"},
        {"type": "reasoning.encrypted", "id": "x", "data": "one!"},
        {"type": "reasoning.encrypted", "id": "y", "data": "two"},
    ]


def test_lists_of_a_choice_are_pieces_of_longer_ones() -> None:
    frames = [
        {
            "choices": [
                {"index": 0, "delta": {"content": text}, "finish_reason": None, "logprobs": None, "token_ids": tokens}
            ]
        }
        for text, tokens in (("a", [1]), ("b", [2, 3]), ("c", None), ("d", [4]), ("e", [5]))
    ]
    answer = read_every_way(b"".join([*sse(*frames), DONE]))
    assert (answer.text, answer.body["choices"][0]["token_ids"]) == ("abcde", [1, 2, 3, 4, 5])


def test_of_lists_deep_inside_a_choice_the_last_one_counts() -> None:
    frames = [
        {"choices": [{"delta": {"content": text}, "logprobs": {"content": [text], "more": {"ids": [text]}}}]}
        for text in "ab"
    ]
    answer = read_every_way(b"".join([*sse(*frames), DONE]))
    assert answer.body["choices"][0]["logprobs"] == {"content": ["a", "b"], "more": {"ids": ["b"]}}


@pytest.mark.parametrize("call", [{"index": 0, "name": "f"}, {"index": 0, "name": "f", "arguments": "{}"}], ids=len)
def test_a_call_may_be_written_flat_and_in_place_of_a_list(call: dict[str, Any]) -> None:
    for calls in ([call], call):
        answer = read_every_way(streamed({"tool_calls": calls}, finish="tool_calls"))
        assert [(each.name, each.arguments) for each in answer.tool_calls] == [("f", {})]


@pytest.mark.parametrize("name", ["arguments", "input", "parameters"])
def test_arguments_of_a_call_have_several_names(name: str) -> None:
    function = {"name": "f", "description": None, name: {"city": "Rome"}}
    for call in ({"id": 0, "type": "function", "function": function}, {"id": 0, **function}):
        answer = read_every_way(streamed({"tool_calls": [call]}, finish="tool_calls"))
        assert [(each.id, each.name, each.arguments) for each in answer.tool_calls] == [("0", "f", {"city": "Rome"})]


def test_a_name_in_parts_and_empty_arguments_first_make_one_call() -> None:
    def fragment(**function: str) -> Any:
        return {"tool_calls": [{"index": 0, "function": function}]}

    first = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "get_wea", "arguments": ""}}]}
    frames = [fragment(name="ther"), fragment(name="get_weather", arguments="{}"), fragment(arguments='{"city":')]
    answer = read_every_way(streamed(first, *frames, fragment(arguments='"Rome"}'), finish="tool_calls"))
    assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [
        ("a", "get_weather", {"city": "Rome"})
    ]


@pytest.mark.parametrize("delta", [{}, {"delta": {}}, {"delta": None}], ids=repr)
def test_a_message_after_its_deltas_is_the_same_text_once_more(delta: Any) -> None:
    frames = sse(
        {"choices": [{"delta": {"role": "assistant", "content": "Hi"}}]},
        {"choices": [{**delta, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]},
    )
    answer = read_every_way(b"".join([*frames, DONE]))
    assert (answer.text, answer.text_revised) == ("Hi", False)
    assert answer.body["choices"][0]["message"] == {"role": "assistant", "content": "Hi"}


@pytest.mark.parametrize(
    ("pieces", "message", "deltas", "text", "revised"),
    [
        (["abc."], "abc. And more.", ["abc.", " And more."], "abc. And more.", False),
        (["abc."], "abc and more.", ["abc."], "abc and more.", True),
        (["abc."], "ab", ["abc."], "ab", True),
        (["abc."], "", ["abc."], "abc.", False),
        (["abc."], None, ["abc."], "abc.", False),
        ([], "abc.", ["abc."], "abc.", False),
    ],
    ids=["goes on", "changes", "is shorter", "is empty", "is null", "is all"],
)
def test_a_final_text_wins_and_nothing_is_handed_out_that_no_server_sent(
    pieces: list[str], message: Any, deltas: list[str], text: str, revised: bool
) -> None:
    frames = sse(
        *({"choices": [{"delta": {"content": piece}}]} for piece in pieces),
        {"choices": [{"delta": {}, "message": {"content": message}, "finish_reason": "stop"}]},
    )
    data = b"".join([*frames, DONE])
    assert [delta.text for delta in llm.reply(data) if delta.text] == deltas
    answer = read_every_way(data)
    assert (answer.text, answer.text_revised) == (text, revised)
    assert answer.body["choices"][0]["message"]["content"] == text


def test_calls_of_a_final_message_win_over_their_fragments_and_are_not_doubled() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"n":1}'}}
    other = {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}}
    frames = sse(
        {
            "choices": [
                {"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]}}
            ]
        },
        {"choices": [{"message": {"content": None, "tool_calls": [call, other]}, "finish_reason": "tool_calls"}]},
    )
    answer = read_every_way(b"".join(frames))
    assert [(each.id, each.name, each.arguments) for each in answer.tool_calls] == [
        ("a", "f", {"n": 1}),
        ("b", "g", {}),
    ]
    assert answer.body["choices"][0]["message"]["tool_calls"] == [call, other]


def test_messages_in_place_of_deltas_are_pieces_unless_they_begin_with_all_so_far() -> None:
    def messages(*texts: str) -> bytes:
        frames = [{"choices": [{"message": {"role": "assistant", "content": text}}]} for text in texts]
        return b"".join([*sse(*frames), DONE])

    assert read_every_way(messages("Hel", "lo", "")).text == "Hello"
    assert read_every_way(messages("Hel", "Hello", "Hello!")).text == "Hello!"


@pytest.mark.parametrize("holder", ["choice", "delta", "x_groq", "frame"])
def test_usage_is_found_wherever_a_server_puts_it(holder: str) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    choice: dict[str, Any] = {"index": 0, "delta": {}, "finish_reason": "stop"}
    frame: dict[str, Any] = {"choices": [choice]}
    place = {"choice": choice, "delta": choice["delta"], "frame": frame, "x_groq": frame.setdefault("x_groq", {})}
    place[holder]["usage"] = usage
    answer = read_every_way(b"".join(sse({"choices": [{"index": 0, "delta": {"content": "Hi"}}]}, frame)))
    assert answer.usage == answer.body["usage"] == usage
    assert "usage" not in answer.body["choices"][0]["message"]


def test_counts_of_zero_replace_no_count() -> None:
    frames = sse(
        {"choices": [{"delta": {"content": "Hi"}}], "usage": {"prompt_tokens": 3, "completion_tokens": 0}},
        {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 0, "completion_tokens": 2}},
    )
    assert read_every_way(b"".join(frames)).usage == {"prompt_tokens": 3, "completion_tokens": 2}


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content", "reasoning_text"])
def test_thoughts_have_many_names(name: str) -> None:
    answer = read_every_way(streamed({name: "Let "}, {name: "me"}, {"content": "Yes"}))
    assert (answer.thinking, answer.text) == ("Let me", "Yes")
    assert answer.body["choices"][0]["message"][name] == "Let me"
    assert read_every_way(whole({name: "Let me", "content": "Yes"})).thinking == "Let me"


def test_thoughts_that_are_objects_are_put_together() -> None:
    parts = [{"text": "Let "}, {"text": "me"}, {"signature": "s"}]
    answer = read_every_way(streamed(*({"reasoning_content": part} for part in parts), {"content": "Yes"}))
    assert (answer.thinking, answer.text) == ("Let me", "Yes")
    assert answer.body["choices"][0]["message"]["reasoning_content"] == {"text": "Let me", "signature": "s"}


def test_text_of_any_other_name_is_joined_and_labels_are_not() -> None:
    deltas = [{"role": "assistant", "phase": "final", "cited_text": text, "item_id": "i"} for text in ("a", "a", "b")]
    message = message_of(streamed(*deltas))
    assert message == {"role": "assistant", "content": None, "phase": "final", "cited_text": "aab", "item_id": "i"}


@pytest.mark.parametrize(
    ("details", "thinking"),
    [
        ([{"type": "reasoning.text", "text": "Hm"}], "Hm"),
        ([{"type": "reasoning.summary", "summary": "Hm"}], "Hm"),
        ([{"type": "reasoning.encrypted", "data": "x"}], ""),
    ],
    ids=["text", "summary", "encrypted"],
)
def test_thoughts_that_are_in_the_details_alone_are_thinking(details: list[Any], thinking: str) -> None:
    assert read_every_way(streamed({"reasoning_details": details}, {"content": "Yes"})).thinking == thinking
    both = {"reasoning": "Hm", "reasoning_details": details}
    assert read_every_way(streamed(both, {"content": "Yes"})).thinking == "Hm"


def test_the_text_is_that_of_choice_0_whatever_came_first() -> None:
    frames = sse(*({"choices": [{"index": index, "delta": {"content": text}}]} for index, text in ((1, "b"), (0, "a"))))
    assert read_every_way(b"".join([*frames, DONE])).text == "a"


def test_without_a_choice_0_it_is_that_of_the_lowest() -> None:
    frames = sse(*({"choices": [{"index": index, "delta": {"content": text}}]} for index, text in ((2, "b"), (1, "a"))))
    data = b"".join([*frames, DONE])
    assert read_every_way(data, first=1).text == "a"
    assert list(llm.reply(data).texts()) == ["a"]


@pytest.mark.parametrize("nothing", NOTHING)
def test_what_says_nothing_replaces_nothing_that_is_kept_of_a_call(nothing: Any) -> None:
    begun = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    signed = {**begun, "extra_content": {"google": {"thought_signature": "S"}}}
    more = {"index": 0, "id": nothing, "type": nothing, "function": {"name": nothing, "arguments": "{}"}}
    data = streamed({"tool_calls": [signed]}, {"tool_calls": [{**more, "extra_content": nothing}]}, finish="tool_calls")
    (call,) = message_of(data)["tool_calls"]
    del signed["index"]
    expected = {**signed, "function": {"name": "f", "arguments": "{}"}}
    assert {name: call[name] for name in expected} == expected


@pytest.mark.parametrize("nothing", NOTHING)
def test_what_says_nothing_replaces_no_object_of_a_message(nothing: Any) -> None:
    message = message_of(streamed({"audio": {"id": "x", "data": "A"}}, {"audio": nothing}, {"audio": {"data": "B"}}))
    assert message["audio"] == {"id": "x", "data": "AB"}


@pytest.mark.parametrize("last", [[1], [{"a": 1}]], ids=repr)
def test_a_value_of_another_kind_takes_the_place_of_an_object_that_came_in_parts(last: Any) -> None:
    message = message_of(streamed(*({"content": "x", "odd": value} for value in ({"a": "b"}, {"a": "c"}, last))))
    assert message["odd"] == last


@pytest.mark.parametrize("reason", ["cancelled", "canceled", "CANCELLED"])
def test_a_reply_that_was_cancelled_by_the_server_is_not_complete(reason: str) -> None:
    answer = read_every_way(streamed({"content": "Hi"}, finish=reason))
    assert answer.ending.verdict == "error"
    assert answer.finish_reason == "error"


@pytest.mark.parametrize(
    ("begun", "last"),
    [([{"a": {"b": "x"}}, {"a": {"c": "y"}}], [1]), ([{"a": [{"id": "x"}]}, {"a": [{"id": "y"}]}], {"z": 1})],
)
def test_a_field_that_becomes_of_another_kind_counts_as_it_was_last(begun: list[Any], last: Any) -> None:
    assert message_of(streamed(*begun, {"a": last}))["a"] == last
