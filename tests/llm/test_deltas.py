"""What single deltas say, and the odd ways of saying it: tools, thoughts, usage, choices; edge cases 23 to 30."""

from __future__ import annotations

from typing import Any

import pytest

from llm.example import DONE, lines, sse, typed
from llm.examples import METRICS, by_name, chat_frame, ollama_frame
from llm.examples_typed import STARTED, block, cohere_frame, gemini_frame, input_delta, stopped
from ndstream import llm


def calls_of(*fragments: Any, finish: str | None = "tool_calls") -> list[tuple[str | None, Any, bool]]:
    """Name, arguments and incompleteness of the calls that these fragments make, each in a frame of its own."""
    frames = sse(*(chat_frame({"tool_calls": [fragment]}) for fragment in fragments), chat_frame({}, finish))
    answer = llm.collect(iter([*frames, DONE]) if finish else iter(frames), on_incomplete="return")
    return [(call.name, call.arguments, call.incomplete) for call in answer.tool_calls]


def opened(name: str, arguments: Any = "", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


def further(arguments: Any, **more: Any) -> dict[str, Any]:
    return {"function": {"arguments": arguments}, **more}


ONE_AND_TWO = [("f", {"a": 1}, False), ("g", {"b": 2}, False)]


@pytest.mark.parametrize("indexes", [(0, 1), (1, 2), (3, 9), (-1, 0), (1, 0)], ids=str)
def test_indexes_are_keys_and_never_places(indexes: tuple[int, int]) -> None:
    one, two = indexes
    assert (
        calls_of(
            opened("f", '{"a"', index=one, id="x"),
            opened("g", '{"b"', index=two, id="y"),
            further(":2}", index=two),
            further(":1}", index=one),
        )
        == ONE_AND_TWO
    )


@pytest.mark.parametrize("index", [{}, {"index": 0}, {"index": None}], ids=["missing", "always 0", "null"])
def test_parallel_calls_without_useful_indexes_are_told_by_their_ids(index: dict[str, Any]) -> None:
    assert (
        calls_of(
            opened("f", '{"a":1}', id="x", **index),
            opened("g", '{"b"', id="y", **index),
            further(":2}", id="y", **index),
        )
        == ONE_AND_TWO
    )


def test_an_id_and_a_name_on_every_fragment_are_not_put_together() -> None:
    fragments = [opened("f", part, index=0, id="x") for part in ("{", '"a":', "1}")]
    assert calls_of(*fragments) == [("f", {"a": 1}, False)]


@pytest.mark.parametrize("nothing", ["", None])
def test_empty_names_and_ids_behind_the_first_are_nothing(nothing: Any) -> None:
    more = {"id": nothing, "function": {"name": nothing, "arguments": "1}"}}
    assert calls_of(opened("f", '{"a":', index=0, id="x"), {**more, "index": 0}) == [("f", {"a": 1}, False)]


def test_arguments_that_come_as_an_object_are_taken_whole() -> None:
    assert calls_of(opened("f", {"a": 1}, index=0, id="x")) == [("f", {"a": 1}, False)]


def test_a_call_without_arguments_has_none() -> None:
    assert calls_of(opened("f", "", index=0, id="x")) == [("f", {}, False)]


def test_arguments_that_are_cut_by_length_are_flagged_even_where_they_happen_to_be_whole() -> None:
    assert calls_of(opened("f", '{"a":1}', index=0, id="x"), finish="length") == [("f", None, True)]
    assert calls_of(opened("f", '{"a":1', index=0, id="x"), finish="tool_calls") == [("f", None, True)]
    assert calls_of(opened("f", '{"a":1}', index=0, id="x"), finish=None) == [("f", None, True)]


def test_a_call_does_not_end_because_its_json_is_whole() -> None:
    assert calls_of(opened("f", "[1]", index=0, id="x"), further(" ", index=0)) == [("f", [1], False)]


def test_five_hundred_parallel_calls_are_five_hundred() -> None:
    many = [opened("f", f'{{"n":{n}', index=n, id=str(n)) for n in range(500)]
    frames = sse(
        chat_frame({"tool_calls": many}),
        chat_frame({"tool_calls": [further("}", index=n) for n in range(500)]}),
        chat_frame({}, "tool_calls"),
    )
    reply = llm.reply(iter([*frames, DONE]))
    deltas = list(reply)
    assert [len(delta.tool_calls) for delta in deltas] == [500, 500, 0]
    assert [call.arguments["n"] for call in reply.tool_calls] == list(range(500))


def test_arguments_that_never_end_are_kept_as_they_came() -> None:
    piece = '{"a":['
    reply = llm.reply(iter(sse(*(chat_frame({"tool_calls": [further(piece, index=0)]}) for _ in range(2000)))))
    with pytest.raises(llm.ReplyTruncatedError) as caught:
        list(reply)
    [call] = caught.value.reply.tool_calls
    assert (call.raw, call.arguments, call.incomplete) == (piece * 2000, None, True)


def test_a_delta_tells_the_calls_that_it_adds_to() -> None:
    reply = llm.reply(by_name("openai parallel tools, interleaved").data)
    names = [[call.name for call in delta.tool_calls] for delta in reply]
    assert names == [[], ["weather"], ["search"], ["weather"], ["search"], ["weather"], []]


def test_an_anthropic_call_that_is_cut_before_its_arguments_is_not_one_without_any() -> None:
    frames = typed(
        STARTED,
        *block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, input_delta("")),
        *stopped("max_tokens", {"output_tokens": 2}),
    )
    [call] = llm.collect(iter(frames)).tool_calls
    assert (call.arguments, call.incomplete) == (None, True)


def test_an_anthropic_call_that_is_cut_is_flagged_though_its_block_ended_and_its_json_is_whole() -> None:
    frames = typed(
        STARTED,
        *block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, input_delta('{"a":1}')),
        *block(1, {"type": "tool_use", "id": "u", "name": "g", "input": {}}, input_delta('{"b":2}')),
        *stopped("max_tokens", {"output_tokens": 2}),
    )
    answer = llm.collect(iter(frames))
    assert [(call.arguments, call.incomplete) for call in answer.tool_calls] == [({"a": 1}, False), (None, True)]
    assert [part["input"] for part in answer.body["content"]] == [{"a": 1}, {"b": 2}]


def test_arguments_of_gemini_show_while_they_come_path_by_path() -> None:
    calls: list[dict[str, Any]] = [{"name": "f"}]
    calls += [{"partialArgs": [{"jsonPath": "$.to.city", "stringValue": text}]} for text in ("Ro", "me")]
    frames = sse(*(gemini_frame([{"functionCall": {**call, "willContinue": True}}]) for call in calls))
    reply = llm.reply(iter([*frames, *sse(gemini_frame([{"functionCall": {}}], "STOP"))]))
    seen = [delta.tool_calls[0].partial for delta in reply]
    assert seen == [{}, {"to": {"city": "Ro"}}, {"to": {"city": "Rome"}}, {"to": {"city": "Rome"}}]
    assert reply.tool_calls[0].arguments == seen[-1]


@pytest.mark.parametrize("path", ["$.a[999999999]", "$.a[2].b", "$[0]", "$.a[x]", "$"])
def test_arguments_of_gemini_that_have_no_place_flag_the_call(path: str) -> None:
    pieces = [{"jsonPath": "$.a[0]", "numberValue": 1}, {"jsonPath": path, "stringValue": "x"}]
    call = {"functionCall": {"name": "f", "partialArgs": pieces}}
    [told] = llm.collect(iter(sse(gemini_frame([call], "STOP")))).tool_calls
    assert (told.arguments, told.incomplete) == (None, True)
    assert told.partial == {"a": [1]}


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


@pytest.mark.parametrize("given", [{}, {"index": 0}, {"index": 0, "id": ""}], ids=["nothing", "index", "empty id"])
def test_two_calls_of_one_function_in_one_frame_are_two_without_any_id(given: dict[str, Any]) -> None:
    calls = [opened("f", '{"a":1}', **given), opened("f", '{"a":2}', **given)]
    frames = sse(chat_frame({"tool_calls": calls}), chat_frame({}, "tool_calls"))
    assert [call.arguments for call in llm.collect(iter(frames)).tool_calls] == [{"a": 1}, {"a": 2}]


def test_anthropic_arguments_are_there_when_their_block_ends() -> None:
    reply = llm.reply(by_name("anthropic thinks, speaks and calls").data)
    for delta in reply:
        if delta.raw["type"] == "content_block_stop" and delta.raw["index"] == 2:
            assert reply.tool_calls[0].arguments == {"city": "Rome"}
            break
    else:
        pytest.fail("the block never ended")


def test_the_same_thought_under_two_names_is_one_thought() -> None:
    frames = sse(chat_frame({"reasoning": "Hm", "reasoning_content": "Hm"}), chat_frame({"content": "a"}, "stop"))
    answer = llm.collect(iter(frames))
    assert answer.thinking == "Hm"
    assert answer.body["choices"][0]["message"]["reasoning"] == "Hm"
    assert answer.body["choices"][0]["message"]["reasoning_content"] == "Hm"


def test_thoughts_between_texts_keep_their_order_in_the_body() -> None:
    parts = [{"text": "a", "thought": True}, {"text": "b"}, {"text": "c", "thought": True}, {"text": "d"}]
    frames = sse(*(gemini_frame([part]) for part in parts), gemini_frame([], "STOP"))
    answer = llm.collect(iter(frames))
    assert (answer.text, answer.thinking) == ("bd", "ac")
    assert answer.body["candidates"][0]["content"]["parts"] == parts


def test_a_part_with_a_signature_is_joined_with_no_other() -> None:
    parts = [{"text": "a"}, {"text": "b", "thoughtSignature": "s"}, {"text": "c"}, {"text": "d"}]
    answer = llm.collect(iter(sse(gemini_frame(parts, "STOP"))))
    assert answer.body["candidates"][0]["content"]["parts"] == [*parts[:2], {"text": "cd"}]


def test_an_empty_signature_is_kept_and_the_last_one_counts() -> None:
    deltas = [{"type": "signature_delta", "signature": signature} for signature in ("", "x", "y")]
    frames = typed(STARTED, *block(0, {"type": "thinking", "thinking": ""}, *deltas), *stopped("end_turn", {}))
    assert llm.collect(iter(frames)).body["content"] == [{"type": "thinking", "thinking": "", "signature": "y"}]


def test_parts_with_the_same_signature_are_two() -> None:
    parts = [{"text": text, "thoughtSignature": "s"} for text in "ab"]
    answer = llm.collect(iter(sse(gemini_frame(parts, "STOP"))))
    assert answer.body["candidates"][0]["content"]["parts"] == parts


def test_thoughts_in_the_content_of_a_response_are_no_text() -> None:
    deltas = [
        {"type": "response.reasoning_text.delta", "item_id": "r", "delta": "Hm"},
        {"type": "response.output_text.delta", "item_id": "m", "delta": "Yes"},
    ]
    reply = llm.reply(iter(typed(*deltas)), on_incomplete="return")
    assert [(delta.text, delta.thinking) for delta in reply] == [("", "Hm"), ("Yes", "")]
    assert (reply.text, reply.thinking) == ("Yes", "Hm")
    assert [item["type"] for item in reply.body["output"]] == ["reasoning", "message"]


def test_a_call_that_cohere_cuts_by_length_is_flagged() -> None:
    frames = [*by_name("cohere plans and calls").frames[:5]]
    last = {"type": "message-end", "delta": {"finish_reason": "MAX_TOKENS"}}
    [call] = llm.collect(iter([*frames, *typed(last)])).tool_calls
    assert (call.raw, call.arguments, call.incomplete) == ('{"a":', None, True)
    whole = typed(cohere_frame("tool-call-delta", 0, tool_calls={"function": {"arguments": "0}"}}))
    [call] = llm.collect(iter([*frames, *whole, *typed(last)])).tool_calls
    assert (call.raw, call.arguments, call.incomplete) == ('{"a":0}', None, True)
    end = typed({"type": "tool-call-end", "index": 0})
    [call] = llm.collect(iter([*frames, *whole, *end, *typed(last)])).tool_calls
    assert (call.raw, call.arguments, call.incomplete) == ('{"a":0}', None, True)


def test_a_choice_with_content_in_parts_is_folded_beside_one_of_text() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    frames = sse(
        *(chat_frame({"content": ""}) for _ in range(3)),
        chat_frame({"content": [thought]}),
        *(chat_frame({"content": text}, index=index) for text, index in (("a", 1), ("b", 0), ("c", 1), ("d", 0))),
    )
    choices = llm.collect(iter(frames), on_incomplete="return").body["choices"]
    assert choices[0]["message"]["content"] == [thought, {"type": "text", "text": "bd"}]
    assert choices[1]["message"]["content"] == "ac"


def test_fields_that_change_under_way_count_as_they_were_last() -> None:
    frames = [chat_frame({"content": text}, service={"at": text}) for text in "abc"]
    for count in (1, 2, 3):
        body = llm.collect(iter(sse(*frames[:count])), on_incomplete="return").body
        assert body["service"] == {"at": "abc"[count - 1]}


USAGE = {"prompt_tokens": 4, "completion_tokens": 2}


def test_usage_is_told_by_the_delta_that_brings_it_and_null_is_none() -> None:
    reply = llm.reply(by_name("openai text").data)
    assert [delta.usage is not None for delta in reply] == [False] * 4 + [True]


@pytest.mark.parametrize("usage", [None, [], "x", 3, {}])
def test_usage_that_is_no_object_is_passed_over(usage: Any) -> None:
    frames = sse(chat_frame({"content": "a"}, usage=USAGE), chat_frame({"content": "b"}, "stop", usage=usage))
    assert llm.collect(iter(frames)).usage in (USAGE, {})


def test_counts_that_anthropic_says_again_replace_what_they_were_and_others_stay() -> None:
    frames = typed(STARTED, *stopped("end_turn", {"output_tokens": 5}), *stopped("end_turn", {"output_tokens": 7}))
    assert llm.collect(iter(frames)).usage == {"input_tokens": 9, "cache_read_input_tokens": 0, "output_tokens": 7}


def test_usage_that_comes_twice_counts_as_it_was_last() -> None:
    first, last = ({"prompt_tokens": 1, "completion_tokens": count} for count in (2, 3))
    frames = sse(chat_frame({"content": "x"}, "stop", usage=first), chat_frame(None, usage=last))
    answer = llm.collect(iter([*frames, DONE]))
    assert answer.usage == answer.body["usage"] == last


def test_counts_that_ollama_leaves_out_are_zero() -> None:
    answer = llm.collect(iter(lines(ollama_frame({"content": "a"}, True))))
    assert (answer.metrics.prompt_tokens, answer.metrics.output_tokens) == (0, 0)
    assert answer.metrics.tokens_per_second is None


def test_nanoseconds_become_seconds_and_a_speed() -> None:
    metrics = llm.collect(iter(lines(ollama_frame({"content": "a"}, True, **METRICS)))).metrics
    assert metrics == llm.Metrics(
        source="ollama",
        load_seconds=0.5,
        prompt_tokens=10,
        prompt_seconds=0.25,
        output_tokens=40,
        output_seconds=2.0,
        total_seconds=3.0,
        tokens_per_second=20.0,
    )


@pytest.mark.parametrize("odd", [0, -1, None, "x", True, [], 1e308])
def test_a_duration_that_is_none_divides_nothing(odd: Any) -> None:
    frame = ollama_frame({"content": "a"}, True, **{**METRICS, "eval_duration": odd})
    assert llm.collect(iter(lines(frame))).metrics.tokens_per_second in (None, pytest.approx(0))


def test_the_metrics_of_each_server_are_told_in_the_same_words() -> None:
    wanted = {
        "lm studio's own": ("stats", 20, 8, 43.5),
        "llama.cpp's own": ("timings", 4, 2, 50.0),
        "cohere plans and calls": ("usage", 70, 9, None),
        "openai text": ("usage", 5, 3, None),
        "tgi's own, without a space behind data": ("details", 4, 3, None),
    }
    found = {name: llm.collect(by_name(name).data).metrics for name in wanted}
    for name, metrics in found.items():
        told = (metrics.source, metrics.prompt_tokens, metrics.output_tokens, metrics.tokens_per_second)
        assert told == wanted[name], name
    assert found["lm studio's own"].load_seconds == 1.5
    assert found["lm studio's own"].first_token_seconds == 0.25
    assert found["llama.cpp's own"].prompt_seconds == 0.008


def test_timings_of_llama_cpp_come_before_counts() -> None:
    timings = {"prompt_n": 1, "prompt_ms": 5, "predicted_n": 3, "predicted_ms": 30, "predicted_per_second": 100.0}
    frames = sse(chat_frame({"content": "a"}, "stop", usage=USAGE, timings=timings))
    metrics = llm.collect(iter(frames)).metrics
    assert (metrics.source, metrics.prompt_tokens, metrics.output_tokens) == ("timings", 4, 3)
    assert metrics.tokens_per_second == 100.0


def test_a_delta_names_its_choice_and_the_reply_is_the_first() -> None:
    reply = llm.reply(by_name("two choices, side by side and in one frame").data)
    assert [(delta.choice, delta.text) for delta in reply] == [(0, "a"), (1, "x"), (0, "b"), (1, "y"), (0, "")]
    assert reply.text == "ab"
    assert "".join(llm.reply(by_name("two choices, side by side and in one frame").data).texts()) == "ab"


@pytest.mark.parametrize("choices", [[], None, {}, "x", [None], [[]], [{}], [{"index": 0}], [{"delta": None}]])
def test_choices_that_say_nothing_are_passed_over(choices: Any) -> None:
    odd = {**chat_frame({}), "choices": choices}
    frames = sse(chat_frame({"content": "a"}), odd, chat_frame({"content": "b"}, "stop"), odd)
    assert llm.collect(iter(frames)).text == "ab"


def test_progress_counts_each_layer_by_its_digest() -> None:
    reply = llm.reply(by_name("ollama pull").data)
    seen = [(reply.progress.completed, reply.progress.total) for _ in reply if reply.progress is not None]
    assert seen == [(0, 0), (0, 100), (10, 150), (70, 150), (70, 150)]
    assert reply.progress == llm.Progress(
        "success", 70, 150, {"sha256:aa": llm.Layer(60, 100), "sha256:bb": llm.Layer(10, 50)}
    )
    assert llm.collect(by_name("ollama chat").data).progress is None


@pytest.mark.parametrize("name", ["ollama chat", "anthropic thinks, speaks and calls", "openai text"])
def test_the_clock_tells_bytes_frames_and_text_apart(name: str) -> None:
    clock = llm.collect(by_name(name).data).clock
    assert clock.first_byte is not None
    assert clock.first_payload is not None
    assert clock.first_text is not None
    assert clock.end is not None
    assert 0 <= clock.first_byte <= clock.first_payload <= clock.first_text <= clock.end


def test_a_delta_keeps_the_frame_and_shows_what_it_holds() -> None:
    first, *_ = llm.reply(by_name("ollama chat").data)
    assert first.raw["message"] == {"role": "assistant", "content": "", "thinking": "Let "}
    assert repr(first) == "Delta(thinking='Let ')"


def test_tool_arguments_cost_one_step_a_fragment_however_long_they_are() -> None:
    # Reading them while they come costs only what is new; a fragment is never looked at twice.
    size = 4000
    frames = sse(*(chat_frame({"tool_calls": [further("x" * 20, index=0)]}) for _ in range(size)))
    reply = llm.reply(iter(frames), on_incomplete="return")
    for delta in reply:
        [call] = delta.tool_calls
    assert len(call.raw) == 20 * size
