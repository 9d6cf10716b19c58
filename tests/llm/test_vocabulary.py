"""One vocabulary over all wires: why a reply finished, its tokens, refusals, and who runs a call."""

from __future__ import annotations

import doctest
from typing import Any, get_args

import pytest

from inputs.cuts import cuts
from llm.every_way import read_every_way
from llm.example import DONE, Example, lines, sse, typed
from llm.examples import EXAMPLES, by_name, chat_frame, ids, ollama_frame
from llm.examples_cloud import converse_delta, interaction, interaction_events
from llm.examples_typed import STARTED, gemini_frame, response, stopped
from ndstream import llm
from ndstream.llm import _finish_reason, _tokens
from ndstream.llm._finish_reason import finish_reason_of
from ndstream.llm._tool_calls import argument_texts
from ndstream.llm._tool_calls.tool_call import ToolCall
from ndstream.llm._wires import openai_responses_calls

# What each server said, by name of the example; those that are not here say none.
REASONS = {
    "openai parallel tools, interleaved": "tool_calls",
    "openai log probabilities": "length",
    "two choices, side by side and in one frame": "length",
    "a function call of the old kind": "tool_calls",
    "a custom tool, whose input is free text": "tool_calls",
    "ollama chat with tools, all of index 0": "tool_calls",
    "ollama generate": "length",
    "ollama pull": None,
    "anthropic thinks, speaks and calls": "tool_calls",
    "responses with a thought, a text and a call": "tool_calls",
    "responses without indexes, and with nothing in the last event": "tool_calls",
    "responses cut by their own limit": "length",
    "gemini events, with CRLF": "tool_calls",
    "gemini as one array": "tool_calls",
    "gemini arguments path by path, without an end": "tool_calls",
    "gemini with an empty call at the end of each call": "tool_calls",
    "gemini prompt that is blocked": "content_filter",
    "cohere plans and calls": "tool_calls",
    "lm studio's own": None,
    "an interaction that thinks, searches, speaks and calls": "tool_calls",
    "converse thinks, speaks, cites and calls": "tool_calls",
    "workers ai with padding and a last frame for its counts": None,
}


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_a_reply_says_why_it_finished_in_one_spelling(example: Example) -> None:
    assert llm.collect(example.data).finish_reason == REASONS.get(example.name, "stop")


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_the_delta_that_brings_the_reason_has_it(example: Example) -> None:
    reply = llm.reply(example.data)
    found = [delta.finish_reason for delta in reply if delta.finish_reason and not delta.choice]
    assert found == ([reply.finish_reason] if reply.finish_reason else [])


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_a_reply_has_no_reason_before_its_server_gave_one(example: Example) -> None:
    if example.ends_at > 1:
        answer = llm.collect(iter(example.frames[: example.ends_at - 1]), on_incomplete="return")
        assert answer.finish_reason in (None, REASONS.get(example.name, "stop"))


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"), ("STOP", "stop"), ("COMPLETE", "stop"), ("eos_token", "stop"), ("stop_sequence", "stop"),
        ("max_tokens", "length"), ("MAX_TOKENS", "length"), ("max_output_tokens", "length"), ("limit", "length"),
        ("model_context_window_exceeded", "length"), ("function_call", "tool_calls"), ("TOOL_CALL", "tool_calls"),
        ("tool_use", "tool_calls"), ("SAFETY", "content_filter"), ("guardrail_intervened", "content_filter"),
        ("prompt blocked: OTHER", "content_filter"), ("refusal", "refusal"), ("network_error", "error"),
        ("MALFORMED_FUNCTION_CALL", "error"), ("insufficient_system_resource", "error"), ("abort", "error"),
        ("pause_turn", "other"), ("load", "other"), ("something new", "other"),
    ],
)  # fmt: skip
def test_a_word_of_a_server_has_one_spelling(word: str, reason: str) -> None:
    assert finish_reason_of(word) == reason
    assert reason in get_args(llm.FinishReason)


def test_an_error_is_the_reason_whatever_else_was_said() -> None:
    frames = [*sse(chat_frame({"content": "Hi"}, "stop")), *sse({"error": {"message": "boom", "code": 500}})]
    answer = llm.collect(iter(frames), on_incomplete="return")
    assert answer.finish_reason == "error"


def test_each_choice_has_a_reason_of_its_own() -> None:
    frames = [*sse(chat_frame({"content": "a"}, "length"), chat_frame({"content": "b"}, "stop", index=1)), DONE]
    assert [(delta.choice, delta.finish_reason) for delta in llm.reply(iter(frames))] == [(0, "length"), (1, "stop")]


def test_a_refusal_is_told_from_text_and_is_the_reason() -> None:
    frames = [*sse(chat_frame({"refusal": "I can"}), chat_frame({"refusal": "not."}), chat_frame({}, "stop")), DONE]
    answer = llm.collect(iter(frames))
    assert (answer.text, answer.refusal, answer.finish_reason) == ("", "I cannot.", "refusal")


def test_a_refusal_of_responses_is_told_from_text() -> None:
    part = {"type": "refusal", "refusal": "No."}
    message = {"id": "m", "type": "message", "role": "assistant", "content": [part]}
    frames = typed(
        {"type": "response.created", "response": response("in_progress", [])},
        {"type": "response.refusal.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": "N"},
        {"type": "response.refusal.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": "o."},
        {"type": "response.completed", "response": response("completed", [message])},
    )
    answer = llm.collect(iter(frames))
    assert (answer.text, answer.refusal, answer.finish_reason) == ("", "No.", "refusal")


def test_a_refusal_of_anthropic_is_the_reason() -> None:
    assert llm.collect(iter(typed(STARTED, *stopped("refusal", {})))).finish_reason == "refusal"


COUNTED: list[tuple[str, bytes, llm.Tokens]] = [
    (
        "openai",
        b"".join(
            sse(
                {
                    **chat_frame({}, "stop"),
                    "usage": {
                        "prompt_tokens": 10,
                        "completion_tokens": 7,
                        "total_tokens": 17,
                        "prompt_tokens_details": {"cached_tokens": 4},
                        "completion_tokens_details": {"reasoning_tokens": 5},
                    },
                }
            )
        ),
        llm.Tokens(10, 4, 7, 5, 17),
    ),
    (
        "xai, whose output leaves out the reasoning",
        b"".join(
            sse(
                chat_frame(
                    {},
                    "stop",
                    usage={
                        "prompt_tokens": 10,
                        "completion_tokens": 2,
                        "total_tokens": 17,
                        "completion_tokens_details": {"reasoning_tokens": 5},
                    },
                )
            )
        ),
        llm.Tokens(10, None, 7, 5, 17),
    ),
    (
        "deepseek",
        b"".join(
            sse(
                chat_frame(
                    {}, "stop", usage={"prompt_tokens": 10, "completion_tokens": 7, "prompt_cache_hit_tokens": 4}
                )
            )
        ),
        llm.Tokens(10, 4, 7, None, 17),
    ),
    (
        "anthropic, whose input leaves out the cache",
        b"".join(
            typed(
                STARTED,
                *stopped(
                    "end_turn",
                    {
                        "input_tokens": 2,
                        "cache_read_input_tokens": 5,
                        "cache_creation_input_tokens": 3,
                        "output_tokens": 7,
                    },
                ),
            )
        ),
        llm.Tokens(10, 5, 7, None, 17),
    ),
    (
        "gemini, whose output leaves out the thoughts",
        b"".join(
            sse(
                gemini_frame(
                    [{"text": "Hi"}],
                    "STOP",
                    usageMetadata={
                        "promptTokenCount": 10,
                        "cachedContentTokenCount": 4,
                        "candidatesTokenCount": 2,
                        "thoughtsTokenCount": 5,
                        "totalTokenCount": 17,
                    },
                )
            )
        ),
        llm.Tokens(10, 4, 7, 5, 17),
    ),
    (
        "responses",
        b"".join(
            typed(
                {
                    "type": "response.completed",
                    "response": response(
                        "completed",
                        [],
                        usage={
                            "input_tokens": 10,
                            "input_tokens_details": {"cached_tokens": 4},
                            "output_tokens": 7,
                            "output_tokens_details": {"reasoning_tokens": 5},
                            "total_tokens": 17,
                        },
                    ),
                }
            )
        ),
        llm.Tokens(10, 4, 7, 5, 17),
    ),
    (
        "converse, whose input leaves out the cache",
        b"".join(
            lines(
                converse_delta(0, text="Hi"),
                {"messageStop": {"stopReason": "end_turn"}},
                {"metadata": {"usage": {"inputTokens": 6, "cacheReadInputTokens": 4, "outputTokens": 7}}},
            )
        ),
        llm.Tokens(10, 4, 7, None, 17),
    ),
    (
        "interactions, whose output leaves out the thoughts",
        b"".join(
            interaction_events(
                {
                    "event_type": "interaction.completed",
                    "interaction": interaction(
                        "completed",
                        usage={"total_input_tokens": 10, "total_output_tokens": 2, "total_thought_tokens": 5},
                    ),
                }
            )
        ),
        llm.Tokens(10, None, 7, 5, 17),
    ),
    (
        "ollama",
        b"".join(lines(ollama_frame({"content": "Hi"}, True, done_reason="stop", prompt_eval_count=10, eval_count=7))),
        llm.Tokens(10, None, 7, None, 17),
    ),
]


@pytest.mark.parametrize(("data", "tokens"), [case[1:] for case in COUNTED], ids=[case[0] for case in COUNTED])
def test_tokens_are_counted_in_one_way_over_all_servers(data: bytes, tokens: llm.Tokens) -> None:
    assert llm.collect(data).tokens == tokens


@pytest.mark.parametrize("count", [None, "7", True, -1, [7], {"n": 7}])
def test_what_is_no_count_is_none(count: Any) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": 3}
    assert llm.collect(b"".join(sse(chat_frame({}, "stop", usage=usage)))).tokens == llm.Tokens(output=3)


@pytest.mark.parametrize(
    ("item", "runner", "arguments"),
    [
        ({"type": "function_call", "name": "f", "arguments": '{"a":1}'}, "client", {"a": 1}),
        ({"type": "custom_tool_call", "name": "f", "input": "ls"}, "client", "ls"),
        ({"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"]}}, "client", None),
        ({"type": "shell_call", "action": {"commands": ["ls"]}}, "client", None),
        ({"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "x"}}, "client", None),
        ({"type": "computer_call", "action": {"type": "click", "x": 1, "y": 2}}, "client", None),
        ({"type": "tool_search_call", "execution": "client", "arguments": {"q": "x"}}, "client", None),
        ({"type": "tool_search_call", "execution": "server", "arguments": {"q": "x"}}, "server", None),
        ({"type": "web_search_call", "action": {"type": "search", "query": "x"}}, "server", None),
        ({"type": "mcp_call", "name": "f", "arguments": '{"a":1}'}, "server", {"a": 1}),
        (
            {"type": "mcp_approval_request", "name": "f", "server_label": "s", "arguments": '{"a":1}'},
            "client",
            {"a": 1},
        ),
        ({"type": "file_search_call", "queries": ["x"], "results": None}, "server", ["x"]),
        ({"type": "code_interpreter_call", "container_id": "k", "code": "{}", "outputs": None}, "server", "{}"),
        ({"type": "image_generation_call", "revised_prompt": "A cat", "result": "aGk="}, "server", "A cat"),
        ({"type": "image_generation_call", "result": "aGk="}, "server", ""),
        ({"type": "computer_call", "action": None, "actions": [{"type": "wait"}]}, "client", [{"type": "wait"}]),
        ({"type": "shell_call", "action": {"commands": []}, "environment": {"type": "local"}}, "client", None),
        (
            {"type": "shell_call", "action": {"commands": []}, "environment": {"type": "container_reference"}},
            "server",
            None,
        ),
        ({"type": "a_call", "arguments": '{"a":1}'}, "client", {"a": 1}),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) and "type" in value else None,
)
def test_a_call_of_responses_says_who_runs_it(item: dict[str, Any], runner: str, arguments: Any) -> None:
    given = {"id": "i", "call_id": "c", "status": "completed", **item}
    frames = typed(
        {"type": "response.created", "response": response("in_progress", [])},
        {"type": "response.output_item.added", "output_index": 0, "item": given},
        {"type": "response.output_item.done", "output_index": 0, "item": given},
        {"type": "response.completed", "response": response("completed", [given])},
    )
    answer = llm.collect(iter(frames))
    [call] = answer.tool_calls
    wanted = arguments
    if wanted is None:
        wanted = next(given[name] for name in ("action", "operation", "arguments") if name in given)
    assert (call.run_by, call.complete, call.arguments) == (runner, True, wanted)
    assert call.name == (item.get("name") or item["type"].removesuffix("_call"))
    assert answer.finish_reason == ("tool_calls" if runner == "client" else "stop")
    assert answer.body["output"] == [given]


@pytest.mark.parametrize("kind", ["mcp_list_tools", "function_call_output", "reasoning", "compaction", "program"])
def test_an_item_by_which_no_tool_is_used_is_no_call(kind: str) -> None:
    given = {"id": "i", "type": kind, "status": "completed", "name": "f", "arguments": "{}"}
    frames = typed(
        {"type": "response.output_item.added", "output_index": 0, "item": given},
        {"type": "response.output_item.done", "output_index": 0, "item": given},
        {"type": "response.completed", "response": response("completed", [given])},
    )
    answer = llm.collect(iter(frames))
    assert (answer.tool_calls, answer.finish_reason, answer.body["output"]) == ([], "stop", [given])


@pytest.mark.parametrize(
    ("event", "field", "kind", "pieces", "wanted"),
    [
        ("code_interpreter_call_code", "code", "code_interpreter_call", ["pri", "nt()", "print()"], "print()print()"),
        ("code_interpreter_call.code", "code", "code_interpreter_call", ["{}", "{}"], "{}{}"),
        ("mcp_call_arguments", "arguments", "mcp_call", ['{"a":', "1}"], {"a": 1}),
        ("mcp_call.arguments", "arguments", "mcp_call", ['{"a":', "1}"], {"a": 1}),
        ("custom_tool_call_input", "input", "custom_tool_call", ["ha", "ha"], "haha"),
        ("function_call_arguments", "arguments", "function_call", ['{"a":', "1}"], {"a": 1}),
    ],
)
@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("done", [True, False])
def test_what_a_call_of_responses_gets_in_pieces_is_put_together(
    event: str, field: str, kind: str, pieces: list[str], wanted: Any, begun: bool, done: bool
) -> None:
    whole = "".join(pieces)
    item = {"id": "i", "type": kind, field: whole}
    if kind != "code_interpreter_call":
        item |= {"call_id": "c", "name": "f"}
    added = {"type": "response.output_item.added", "output_index": 0, "item": {**item, field: ""}}
    about: dict[str, Any] = {"item_id": "i", "output_index": 0}
    answer = read_every_way(
        b"".join(
            typed(
                *([added] if begun else []),
                *({"type": f"response.{event}.delta", **about, "delta": piece} for piece in pieces),
                *([{"type": f"response.{event}.done", **about, field: whole}] if done else []),
                {"type": "response.completed", "response": response("completed", [item])},
            )
        )
    )
    [call] = answer.tool_calls
    assert (call.type, call.raw, call.arguments) == (kind, whole, wanted)
    assert (call.id, call.name) == (item.get("call_id", "i"), item.get("name", "code_interpreter"))
    assert answer.body["output"] == [item]


@pytest.mark.parametrize(("kind", "runner"), [("tool_use", "client"), ("server_tool_use", "server")])
def test_a_call_of_anthropic_says_who_runs_it(kind: str, runner: str) -> None:
    begun = {"type": kind, "id": "t", "name": "f", "input": {"a": 1}}
    frames = typed(
        STARTED, {"type": "content_block_start", "index": 0, "content_block": begun}, *stopped("end_turn", {})
    )
    assert [call.run_by for call in llm.collect(iter(frames)).tool_calls] == [runner]


def test_tools_that_lm_studio_runs_are_the_server_s() -> None:
    assert [call.run_by for call in llm.collect(by_name("lm studio's own").data).tool_calls] == ["server"]


def test_a_wire_of_which_nothing_is_known_yet_has_no_reason_and_no_counts() -> None:
    reply = llm.reply([])
    assert (reply.finish_reason, reply.tokens, reply.refusal) == (None, llm.Tokens(), "")


def test_the_examples_in_the_modules_run() -> None:
    for module in (_finish_reason, _tokens, argument_texts, openai_responses_calls):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_the_arguments_on_the_deltas_of_a_call_add_up_to_it(example: Example) -> None:
    for name, chunks in cuts(example.data):
        reply = llm.reply(iter(chunks))
        added: dict[int, str] = {}
        for delta in reply:
            assert len(delta.arguments) == len(delta.tool_calls)
            for call, text in zip(delta.tool_calls, delta.arguments, strict=True):
                added[id(call)] = added.get(id(call), "") + text
        assert [added[id(call)] for call in reply.tool_calls] == [call.raw for call in reply.tool_calls], name
        assert not any(call.arguments_revised for call in reply.tool_calls)


def test_arguments_that_were_given_out_and_replaced_are_flagged() -> None:
    call = ToolCall("a")
    call.add_arguments('{"a":')
    assert (call.take_added(), call.arguments_revised) == ('{"a":', False)
    call.add_arguments({"a": 2})
    assert (call.take_added(), call.raw, call.arguments_revised) == ('{"a":2}', '{"a":2}', True)


def test_arguments_that_were_replaced_before_anyone_saw_them_are_not_flagged() -> None:
    call = ToolCall("a")
    call.add_arguments('{"a":')
    call.add_arguments({"a": 2})
    assert (call.take_added(), call.arguments_revised) == ('{"a":2}', False)
