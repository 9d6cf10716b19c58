"""What each format demands of a stream, checked event by event; it shares no code with what writes the streams.

Each reader takes all the bytes, asserts that they keep the format's rules, and returns what is in them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .reading import payloads


@dataclass
class Content:
    """What is in a stream.

    Attributes:
        text: The text of the first choice.
        thinking: The thoughts of the first choice.
        calls: By id: the name of a call of the first choice, and its arguments as text.
        ended: How it ends, ``complete`` or ``error``.
    """

    text: str = ""
    thinking: str = ""
    calls: dict[str, list[str]] = field(default_factory=dict)
    ended: str = ""

    def begin_call(self, id: str, name: str) -> None:
        assert id
        assert name
        assert id not in self.calls, "an id comes twice"
        self.calls[id] = [name, ""]


def openai_chat(written: bytes) -> Content:
    content = Content()
    ids: dict[tuple[int, int], str] = {}
    finished: set[int] = set()
    roles: set[int] = set()
    heads: set[str] = set()
    for value in _until_last(payloads(written), content):
        if value == "[DONE]":
            assert finished >= roles, "a choice without a finish reason"
            content.ended = "complete"
            continue
        if "error" in value:
            assert set(value["error"]) == {"message", "type", "param", "code"}
            content.ended = "error"
            continue
        heads.add(json.dumps([value[key] for key in ("id", "object", "created", "model")]))
        assert len(heads) == 1, "the head changes"
        for choice in value["choices"]:
            index, delta = choice["index"], choice["delta"]
            assert index not in finished, "a choice goes on after its end"
            assert ("role" in delta) == (index not in roles)
            roles.add(index)
            for call in delta.get("tool_calls", ()):
                key = (index, call["index"])
                if "id" in call:
                    assert call["type"] == "function"
                    assert call["index"] == sum(of == index for of, _ in ids), "calls are not numbered in order"
                    ids[key] = call["id"]
                    if index == 0:
                        content.begin_call(call["id"], call["function"]["name"])
                if index == 0:
                    content.calls[ids[key]][1] += call["function"]["arguments"]
            if index == 0:
                content.text += delta.get("content", "") + delta.get("refusal", "")
                content.thinking += delta.get("reasoning_content", "")
            if choice["finish_reason"] is not None:
                assert choice["finish_reason"] in ("stop", "length", "tool_calls", "content_filter")
                finished.add(index)
    return content


def anthropic(written: bytes) -> Content:
    content = Content()
    blocks: list[dict[str, Any]] = []
    is_open = has_delta = False
    events = payloads(written)
    assert events[0]["type"] == "message_start" or events[0]["type"] == "error"
    assert sum(event["type"] == "message_start" for event in events) == 1
    for event in _until_last(events, content):
        kind = event["type"]
        if kind == "content_block_start":
            assert not is_open, "two blocks are open"
            assert event["index"] == len(blocks), "indexes do not rise by one"
            block = event["content_block"]
            blocks.append(block)
            is_open = True
            if block["type"] == "tool_use":
                assert block["input"] == {}
                content.begin_call(block["id"], block["name"])
        elif kind == "content_block_delta":
            assert is_open
            assert event["index"] == len(blocks) - 1
            delta, block = event["delta"], blocks[-1]
            if block["type"] == "text":
                content.text += delta["text"]
            elif block["type"] == "thinking":
                assert not block["signature"], "thoughts after their signature"
                block["signature"] = delta.get("signature", "")
                content.thinking += delta.get("thinking", "")
            else:
                content.calls[block["id"]][1] += delta["partial_json"]
            assert any(delta[key] for key in ("text", "thinking", "signature", "partial_json") if key in delta), (
                "an empty delta"
            )
        elif kind == "content_block_stop":
            assert is_open
            assert event["index"] == len(blocks) - 1
            is_open = False
        elif kind == "message_delta":
            assert not is_open
            assert not has_delta
            has_delta = True
            assert event["delta"]["stop_reason"] in ("end_turn", "max_tokens", "tool_use", "refusal")
            assert all(isinstance(event["usage"][key], int) for key in ("input_tokens", "output_tokens"))
        elif kind == "message_stop":
            assert has_delta
            content.ended = "complete"
        elif kind == "error":
            assert event["error"]["message"]
            content.ended = "error"
        else:
            assert kind == "message_start", kind
    return content


def ollama_chat(written: bytes) -> Content:
    content = Content()
    assert written.endswith(b"\n")
    text = written.decode()
    assert len(text.splitlines()) == text.count("\n"), "a line that str.splitlines would cut"
    for value in _until_last([json.loads(line) for line in text[:-1].split("\n")], content):
        if "error" in value:
            assert isinstance(value["error"], str)
            content.ended = "error"
            continue
        message = value["message"]
        assert message["role"] == "assistant"
        content.text += message["content"]
        content.thinking += message.get("thinking", "")
        for call in message.get("tool_calls", ()):
            assert isinstance(call["function"]["arguments"], dict)
            content.begin_call(call["id"], call["function"]["name"])
            content.calls[call["id"]][1] = json.dumps(call["function"]["arguments"])
        if value["done"]:
            assert value["done_reason"]
            content.ended = "complete"
        else:
            assert message["content"] or message.get("thinking") or message.get("tool_calls"), (
                "a line that adds nothing"
            )
    return content


def ui(written: bytes) -> Content:
    content = Content()
    seen: set[str] = set()
    open_part: tuple[str, str] | None = None
    finished: set[str] = set()
    # Calls that the client does not run.
    not_to_run: set[str] = set()
    steps: list[str] = []
    events = payloads(written)
    assert [event["type"] for event in events[:2]] == ["start", "start-step"]
    for event in _until_last(events, content):
        if event == "[DONE]":
            assert steps == ["start-step", "finish-step", "finish"]
            content.ended = "complete"
            continue
        kind = event["type"]
        assert None not in event.values()
        if kind in ("text-start", "reasoning-start"):
            assert open_part is None
            assert event["id"] not in seen
            seen.add(event["id"])
            open_part = (kind.partition("-")[0], event["id"])
        elif kind in ("text-delta", "reasoning-delta"):
            assert open_part == (kind.partition("-")[0], event["id"])
            assert event["delta"]
            if kind == "text-delta":
                content.text += event["delta"]
            else:
                content.thinking += event["delta"]
        elif kind in ("text-end", "reasoning-end"):
            assert open_part == (kind.partition("-")[0], event["id"])
            open_part = None
        elif kind == "tool-input-start":
            assert open_part is None
            content.begin_call(event["toolCallId"], event["toolName"])
            open_part = ("tool", event["toolCallId"])
        elif kind == "tool-input-delta":
            assert open_part == ("tool", event["toolCallId"])
            content.calls[event["toolCallId"]][1] += event["inputTextDelta"]
        elif kind in ("tool-input-available", "tool-input-error"):
            assert open_part == ("tool", event["toolCallId"])
            open_part = None
            finished.add(event["toolCallId"])
            if kind == "tool-input-available":
                assert json.loads(content.calls[event["toolCallId"]][1]) == event["input"]
            else:
                not_to_run.add(event["toolCallId"])
            if event.get("providerExecuted"):
                not_to_run.add(event["toolCallId"])
        elif kind == "error":
            assert event["errorText"]
            content.ended = "error"
        elif kind != "start":
            assert open_part is None
            steps.append(kind)
    assert open_part is None
    assert finished == set(content.calls)
    for id in not_to_run:
        del content.calls[id]
    return content


def ag_ui(written: bytes) -> Content:
    content = Content()
    is_open: set[tuple[str, str]] = set()
    ids: set[str] = set()
    message = thought = ""
    pending: list[str] = []
    events = payloads(written)
    assert events[0]["type"] == "RUN_STARTED"
    for event in _until_last(events, content):
        kind = event["type"]
        assert None not in event.values()
        if kind == "TEXT_MESSAGE_START":
            message = event["messageId"]
            assert message not in ids
            ids.add(message)
            is_open.add(("text", message))
        elif kind == "TEXT_MESSAGE_CONTENT":
            assert ("text", event["messageId"]) in is_open
            assert event["delta"]
            content.text += event["delta"]
        elif kind == "TEXT_MESSAGE_END":
            is_open.remove(("text", event["messageId"]))
        elif kind == "REASONING_START":
            thought = event["messageId"]
            assert thought not in ids
            ids.add(thought)
        elif kind == "REASONING_MESSAGE_START":
            assert event["messageId"] == thought
            is_open.add(("thought", thought))
        elif kind == "REASONING_MESSAGE_CONTENT":
            assert ("thought", event["messageId"]) in is_open
            content.thinking += event["delta"]
        elif kind == "REASONING_MESSAGE_END":
            is_open.remove(("thought", event["messageId"]))
        elif kind == "REASONING_END":
            assert event["messageId"] == thought
        elif kind == "TOOL_CALL_START":
            content.begin_call(event["toolCallId"], event["toolCallName"])
            is_open.add(("call", event["toolCallId"]))
            assert event["parentMessageId"] == message or event["parentMessageId"] not in ids
        elif kind == "TOOL_CALL_ARGS":
            assert ("call", event["toolCallId"]) in is_open
            content.calls[event["toolCallId"]][1] += event["delta"]
        elif kind == "TOOL_CALL_END":
            is_open.remove(("call", event["toolCallId"]))
            json.loads(content.calls[event["toolCallId"]][1])
            pending.append(event["toolCallId"])
        elif kind == "RUN_FINISHED":
            assert is_open == set()
            assert event["outcome"].get("pendingToolCallIds", []) == pending
            content.ended = "complete"
        elif kind == "RUN_ERROR":
            assert {of for of, _ in is_open} <= {"call"}
            content.ended = "error"
        else:
            assert kind == "RUN_STARTED", kind
    return content


READERS: dict[str, Callable[[bytes], Content]] = {
    "openai-chat": openai_chat,
    "anthropic": anthropic,
    "ollama-chat": ollama_chat,
    "ui": ui,
    "ag-ui": ag_ui,
}


def _until_last(values: list[Any], content: Content) -> Iterator[Any]:
    """These values, each of which may come only before the end."""
    for value in values:
        assert not content.ended, "something follows the end"
        yield value
    assert content.ended, "no end"
