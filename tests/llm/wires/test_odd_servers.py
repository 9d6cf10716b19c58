"""Servers other than those of chat completions, as they and their imitators write what is nearly right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm.example import DONE, lines, sse, typed
from llm.examples import ollama_frame
from llm.examples_cloud import converse_delta, converse_stop, interaction, interaction_events
from llm.examples_typed import STARTED, gemini_frame, response, stopped
from llm.odd_stream import Odd, check, sentence

CALL = [("f", {"x": 1})]
TWO = [("f", {"x": 1}), ("g", {"y": 2})]
COUNTED = (5, 7, 12)


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


# Anthropic.

PING = event("ping")
TEXT = event("text", text="")
END = stopped("end_turn", {})
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def begins(block: Any, index: Any = 0) -> dict[str, Any]:
    return event("content_block_start", index=index, content_block=block)


def adds(delta: Any, index: Any = 0) -> dict[str, Any]:
    return event("content_block_delta", index=index, delta=delta)


def says(text: Any, index: Any = 0) -> dict[str, Any]:
    return adds({"type": "text_delta", "text": text}, index)


def stops(index: Any = 0) -> dict[str, Any]:
    return event("content_block_stop", index=index)


def message(*frames: dict[str, Any], end: Any = END) -> list[bytes]:
    return typed(STARTED, *frames, *end)


TOOL = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


def argues(piece: Any, index: int = 0) -> dict[str, Any]:
    return adds({"type": "input_json_delta", "partial_json": piece}, index)


ANTHROPIC = [
    Odd("a text of null", message(begins(TEXT), says("a"), says(None), says("b"), stops()), "ab"),
    Odd("indexes as text", message(begins(TEXT, "0"), says("a", "0"), stops("0")), "a"),
    Odd("indexes with a gap", message(begins(TEXT), says("a"), stops(), begins(TEXT, 5), says("b", 5), stops(5)), "ab"),
    Odd("no begin", typed(begins(TEXT), says("a"), stops(), *END), "a"),
    Odd("pings everywhere", [*typed(PING), *message(PING, begins(TEXT), PING, says("a"), stops(), PING)], "a"),
    Odd("a reason of null before the reason", message(begins(TEXT), says("a"), *stopped(None, {})[:1]), "a"),
    Odd("no last event", message(begins(TEXT), says("a"), stops(), end=END[:1]), "a"),
    Odd("the last event alone", message(begins(TEXT), says("a"), stops(), end=END[1:]), "a", reason=None),
    Odd("an end of bytes", message(begins(TEXT), says("a"), stops(), end=()), "a", [], "truncated", None),
    Odd("an error after the end", [*message(begins(TEXT), says("a")), *typed(OVERLOADED)], "a", [], "error", "error"),
    Odd("a sentinel after the end", [*message(begins(TEXT), says("a")), DONE], "a"),
    Odd("text in the begin of its block alone", message(begins(event("text", text="Hi")), stops()), "Hi"),
    Odd("no type before its data", sse(STARTED, begins(TEXT), says("a"), *END), "a"),
    Odd(
        "an input in the begin, and another in pieces",
        message(begins({**TOOL, "input": {"x": 0}}), argues('{"x":'), argues("1}"), stops()),
        "",
        CALL,
        reason="tool_calls",
    ),
    Odd(
        "an input of null, then an object",
        message(begins({**TOOL, "input": None}), argues(None), argues({"x": 1}), stops()),
        "",
        CALL,
        reason="tool_calls",
    ),
    Odd(
        "calls side by side",
        message(
            begins(TOOL), begins({**TOOL, "id": "u", "name": "g"}, 1), argues('{"y":2}', 1), argues('{"x":1}'), stops(1)
        ),
        "",
        TWO,
        reason="tool_calls",
    ),
    Odd(
        "a limit while a call before the last block is open",
        message(begins(TOOL), argues('{"x":1}'), begins(TEXT, 1), says("a", 1), end=stopped("max_tokens", {})),
        "a",
        [("f", None)],
        reason="length",
    ),
]

# Responses.

CREATED = event("response.created", response=response("in_progress", []))


def says_text(text: Any, **more: Any) -> dict[str, Any]:
    about = {"item_id": "m", "output_index": 0, "content_index": 0, **more}
    return event("response.output_text.delta", delta=text, **about)


def item(text: str) -> dict[str, Any]:
    return {"id": "m", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def completed(*output: Any, **more: Any) -> dict[str, Any]:
    return event("response.completed", response=response("completed", list(output), **more))


def function_call(index: int, name: str) -> dict[str, Any]:
    called = {"type": "function_call", "call_id": f"c{index}", "name": name, "arguments": ""}
    return event("response.output_item.added", output_index=index, item=called)


def argues_at(index: int, piece: str) -> dict[str, Any]:
    return event("response.function_call_arguments.delta", output_index=index, delta=piece)


RESPONSES = [
    Odd(
        "an output of null",
        typed(CREATED, says_text("a"), event("response.completed", response={"status": "completed", "output": None})),
        "a",
    ),
    Odd("pieces of null", typed(CREATED, says_text("a"), says_text(None), says_text({}), completed(item("a"))), "a"),
    Odd(
        "indexes as text",
        typed(CREATED, says_text("a", output_index="0", content_index="0"), completed(item("a"))),
        "a",
    ),
    Odd("no begin", typed(says_text("a"), completed(item("a"))), "a"),
    Odd("a sentinel for its last event", [*typed(CREATED, says_text("a")), DONE], "a", reason=None),
    Odd("an end of bytes", typed(CREATED, says_text("a")), "a", [], "truncated", None),
    Odd("a heartbeat", typed(CREATED, event("keepalive", sequence_number=3), says_text("a"), completed()), "a"),
    Odd(
        "counts",
        typed(CREATED, completed(item("a"), usage={"input_tokens": 5, "output_tokens": 7, "total_tokens": 12})),
        "a",
        tokens=COUNTED,
    ),
    Odd(
        "an error without a holder",
        typed(CREATED, says_text("a"), event("error", code="rate_limit_exceeded", message="slow down")),
        "a",
        [],
        "error",
        "error",
        kind="rate_limit",
    ),
    Odd(
        "calls without the ids of items",
        typed(
            CREATED,
            function_call(0, "f"),
            argues_at(0, '{"x":1}'),
            function_call(1, "g"),
            argues_at(1, '{"y":2}'),
            completed(),
        ),
        "",
        TWO,
        reason="tool_calls",
    ),
    Odd(
        "an answer that is not streamed and has no end",
        [json.dumps(response("incomplete", [item("Hi")], incomplete_details={"reason": "max_output_tokens"})).encode()],
        "Hi",
        reason="length",
    ),
]

# Gemini and its Interactions.

GEMINI_USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}
A = gemini_frame([{"text": "a"}])
GEMINI = [
    Odd(
        "a content of null at the end",
        sse(A, {"candidates": [{"content": None, "finishReason": "STOP"}], "usageMetadata": GEMINI_USAGE}),
        "a",
        tokens=COUNTED,
    ),
    Odd("a text of null", sse(A, gemini_frame([{"text": None}], "STOP")), "a"),
    Odd(
        "counts in a frame of their own",
        sse(A, gemini_frame([], "STOP"), {"usageMetadata": GEMINI_USAGE}),
        "a",
        tokens=COUNTED,
    ),
    Odd("no candidates at first", sse({"candidates": []}, A, gemini_frame([], "STOP")), "a"),
    Odd(
        "arguments of null",
        sse(gemini_frame([{"functionCall": {"name": "f", "args": None}}], "STOP")),
        "",
        [("f", {})],
        reason="tool_calls",
    ),
    Odd(
        "an error in its array",
        [json.dumps([A, {"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED"}}]).encode()],
        "a",
        [],
        "error",
        "error",
        kind="rate_limit",
    ),
    Odd("an array that is cut after its reason", [json.dumps([A, gemini_frame([], "STOP")]).encode()[:-1]], "a"),
    Odd("no reason", sse(A), "a", [], "truncated", None),
]

IN_PROGRESS = {"event_type": "interaction.created", "interaction": interaction("in_progress")}


def step(index: Any, begun: Any) -> dict[str, Any]:
    return {"event_type": "step.start", "index": index, "step": begun}


def grows(index: Any, delta: Any) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": index, "delta": delta}


def ended(status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"event_type": "interaction.completed", "interaction": interaction(status, **more)}


def output(text: str) -> dict[str, Any]:
    return {"type": "model_output", "content": [{"type": "text", "text": text}]}


HI, OUTPUT = {"type": "text", "text": "Hi"}, {"type": "model_output"}
THOUGHT = {"type": "thought", "summary": [{"type": "text", "text": "t"}]}
FUNCTION = {"type": "function_call", "id": "c", "name": "f", "arguments": {}}
ARGUMENTS = {"type": "arguments_delta", "arguments": '{"x":1}'}
COUNTS = {"total_input_tokens": 5, "total_output_tokens": 7, "total_tokens": 12}
REPEATED = interaction_events(
    IN_PROGRESS, step(0, FUNCTION), step(0, FUNCTION), grows(0, ARGUMENTS), ended("requires_action")
)
INTERACTIONS = [
    Odd("no begin of its step", interaction_events(IN_PROGRESS, grows(0, HI), ended()), "Hi"),
    Odd(
        "a piece of null", interaction_events(IN_PROGRESS, step(0, OUTPUT), grows(0, None), grows(0, HI), ended()), "Hi"
    ),
    Odd("indexes as text", interaction_events(IN_PROGRESS, step("0", OUTPUT), grows(0, HI), ended()), "Hi"),
    Odd("a call that begins twice", REPEATED, "", CALL, reason="tool_calls"),
    Odd(
        "arguments before their call",
        interaction_events(IN_PROGRESS, grows(0, ARGUMENTS), step(0, FUNCTION), ended("requires_action")),
        "",
        CALL,
        reason="tool_calls",
    ),
    Odd(
        "a call on the index of an open text",
        interaction_events(
            IN_PROGRESS, step(0, OUTPUT), grows(0, HI), step(0, FUNCTION), grows(0, ARGUMENTS), ended("requires_action")
        ),
        "Hi",
        CALL,
        reason="tool_calls",
    ),
    Odd("steps at the end alone", interaction_events(IN_PROGRESS, ended(steps=[output("Hi")])), "Hi"),
    Odd(
        "steps that go on with the pieces", interaction_events(grows(0, HI), ended(steps=[output("Hi you")])), "Hi you"
    ),
    Odd(
        "all steps once more, twice",
        interaction_events(step(0, THOUGHT), grows(1, HI), *2 * [ended(steps=[THOUGHT, output("Hi")])]),
        "Hi",
        thinking="t",
    ),
    Odd(
        "some of its steps once more",
        interaction_events(step(0, THOUGHT), grows(1, HI), ended(steps=[output("Hi")])),
        "Hi",
        thinking="t",
    ),
    Odd(
        "arguments that only the last event says",
        interaction_events(step(0, FUNCTION), ended("requires_action", steps=[{**FUNCTION, "arguments": {"x": 1}}])),
        "",
        CALL,
        reason="tool_calls",
    ),
    Odd(
        "counts of null after the counts",
        interaction_events(
            grows(0, HI), ended(usage=COUNTS), ended(usage={**dict.fromkeys(COUNTS), "total_input_tokens": 0})
        ),
        "Hi",
        tokens=COUNTED,
    ),
    Odd("an end of bytes", interaction_events(IN_PROGRESS, grows(0, HI)), "Hi", [], "truncated", None),
]

# Bedrock.


def tool_begins(identity: str, name: str, index: int = 0) -> dict[str, Any]:
    start = {"toolUse": {"toolUseId": identity, "name": name}}
    return {"contentBlockStart": {"contentBlockIndex": index, "start": start}}


def argues_to(piece: str, index: int = 0) -> dict[str, Any]:
    return converse_delta(index, toolUse={"input": piece})


def stopped_for(reason: Any) -> dict[str, Any]:
    return {"messageStop": {"stopReason": reason}}


WHOLE = {"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}, "stopReason": "end_turn"}
BEDROCK_USAGE = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}
BEDROCK = [
    Odd("a begin of null", lines({"messageStart": None}, converse_delta(0, text="a"), stopped_for("end_turn")), "a"),
    Odd("an answer after its pieces", lines(converse_delta(0, text="H"), WHOLE), "Hi"),
    Odd("an answer twice", lines(WHOLE, WHOLE), "Hi"),
    Odd("an answer twice after its pieces", lines(converse_delta(0, text="H"), WHOLE, WHOLE), "Hi"),
    Odd(
        "an answer without content after its pieces",
        lines(converse_delta(0, text="Hi"), {**WHOLE, "output": {"message": {"role": "assistant", "content": []}}}),
        "Hi",
    ),
    Odd(
        "padding before each message",
        lines(
            {"p": "ab", "messageStart": {"role": "assistant"}},
            {"p": "a", **tool_begins("t", "f")},
            {"p": "abc", **argues_to('{"x":1}')},
            {"p": None, **stopped_for("tool_use")},
        ),
        "",
        CALL,
        reason="tool_calls",
    ),
    Odd(
        "a call on the index of an open text",
        lines(converse_delta(0, text="a"), tool_begins("t", "f"), argues_to('{"x":1}'), stopped_for("tool_use")),
        "a",
        CALL,
        reason="tool_calls",
    ),
    Odd(
        "two calls on one index",
        lines(
            tool_begins("t", "f"),
            argues_to('{"x":1}'),
            tool_begins("u", "g"),
            argues_to('{"y":2}'),
            stopped_for("tool_use"),
        ),
        "",
        TWO,
        reason="tool_calls",
    ),
    Odd(
        "a call that begins twice",
        lines(
            tool_begins("t", "f"), argues_to('{"x"'), tool_begins("t", "f"), argues_to(":1}"), stopped_for("tool_use")
        ),
        "",
        CALL,
        reason="tool_calls",
    ),
    Odd(
        "counts of null after the counts",
        lines(
            converse_delta(0, text="a"),
            converse_stop(0),
            stopped_for("end_turn"),
            {"metadata": {"usage": BEDROCK_USAGE}},
            {"metadata": {"usage": {"inputTokens": 0, "outputTokens": None}}},
        ),
        "a",
        tokens=COUNTED,
    ),
    Odd("an end of bytes", lines(converse_delta(0, text="a")), "a", [], "truncated", None),
]

# The others.

STOPPED = ollama_frame({"content": ""}, True, done_reason="stop")
COHERE = event("message-start", id="x", delta={"message": {"role": "assistant"}})
COHERE_USAGE = {"tokens": {"input_tokens": 5.0, "output_tokens": 7.0}}


def cohere_content(content: Any) -> dict[str, Any]:
    return event("content-delta", index=0, delta={"message": {"content": content}})


def token(text: str, whole: str | None = None) -> dict[str, Any]:
    return {"index": 1, "token": {"id": 1, "text": text, "special": False}, "generated_text": whole, "details": None}


OTHERS = [
    Odd(
        "ollama: arguments as text",
        lines(ollama_frame({"tool_calls": [{"function": {"name": "f", "arguments": '{"x":1}'}}]}), STOPPED),
        "",
        CALL,
        reason="tool_calls",
    ),
    Odd(
        "ollama: a content and a message of null",
        lines(ollama_frame({"content": None}), ollama_frame({"content": "a"}), {**STOPPED, "message": None}),
        "a",
    ),
    Odd("ollama: events in place of lines", sse(ollama_frame({"content": "a"}), STOPPED), "a"),
    Odd("ollama: an end that is text", lines(ollama_frame({"content": "a"}), {**STOPPED, "done": "true"}), "a"),
    Odd("ollama: an error in a line", lines(ollama_frame({"content": "a"}), {"error": "x"}), "a", [], "error", "error"),
    Odd(
        "cohere: contents and deltas of null",
        typed(
            COHERE,
            cohere_content(None),
            event("content-delta", index=0, delta=None),
            cohere_content({"text": "a"}),
            event("message-end", delta={"finish_reason": "COMPLETE", "usage": COHERE_USAGE}),
        ),
        "a",
        tokens=COUNTED,
    ),
    Odd("tgi: an end of bytes", sse(token("a")), "a", [], "truncated", None),
    Odd("tgi: a whole text that repeats the pieces", sse(token(" a"), token("b", " ab")), " ab", reason=None),
    Odd(
        "workers ai: a response of null",
        [*sse({"response": "a"}, {"response": None}, {"response": "b"}), DONE],
        "ab",
        reason=None,
    ),
    Odd(
        "llama.cpp: a limit",
        sse({"content": "a", "stop": False}, {"content": "", "stop": True, "stop_type": "limit"}),
        "a",
        reason="length",
    ),
    Odd(
        "lm studio: no begin and no result",
        typed(event("message.delta", content="a"), event("chat.end", result=None)),
        "a",
        reason=None,
    ),
]


@pytest.mark.parametrize("case", ANTHROPIC, ids=sentence)
def test_a_message_of_anthropic_is_read_though_it_has(case: Odd) -> None:
    check(case)


@pytest.mark.parametrize("case", RESPONSES, ids=sentence)
def test_a_response_is_read_though_it_has(case: Odd) -> None:
    check(case)


@pytest.mark.parametrize("case", GEMINI, ids=sentence)
def test_gemini_is_read_though_it_has(case: Odd) -> None:
    check(case)


@pytest.mark.parametrize("case", INTERACTIONS, ids=sentence)
def test_an_interaction_is_read_though_it_has(case: Odd) -> None:
    check(case)


@pytest.mark.parametrize("case", BEDROCK, ids=sentence)
def test_converse_is_read_though_it_has(case: Odd) -> None:
    check(case)


@pytest.mark.parametrize("case", OTHERS, ids=sentence)
def test_a_reply_is_read_of(case: Odd) -> None:
    check(case)
