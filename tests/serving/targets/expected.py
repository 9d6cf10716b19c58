"""What a client has to find in a translated reply, said by the reply's own fold."""

from __future__ import annotations

import json
from typing import Any

from ndstream import llm

from .clients import Found

FINISH: dict[str, dict[str, str]] = {
    "openai-chat": {
        "stop": "stop", "length": "length", "tool_calls": "tool_calls", "content_filter": "content_filter",
        "refusal": "content_filter", "other": "length",
    },
    "anthropic": {
        "stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal",
        "refusal": "refusal", "other": "max_tokens",
    },
    "ollama-chat": {
        "stop": "stop", "length": "length", "tool_calls": "stop", "content_filter": "content_filter",
        "refusal": "refusal", "other": "other",
    },
    "ui": {
        "stop": "stop", "length": "length", "tool_calls": "tool-calls", "content_filter": "content-filter",
        "refusal": "content-filter", "other": "other",
    },
    "ag-ui": {
        "stop": "stop", "length": "length", "tool_calls": "tool_calls", "content_filter": "content_filter",
        "refusal": "refusal", "other": "other",
    },
}  # fmt: skip
"""By target: its word for each finish reason."""
SHOWS_CALLS_THAT_ARE_NOT_JSON = ("openai-chat", "ui")
LEAVES_OUT_CUT_CALLS = ("ollama-chat", "ui")
COUNTS_UNKNOWN_AS_NOTHING = ("anthropic",)


class Expected:
    """What a client has to find.

    Attributes:
        fails: Whether the client has to be told of an error, for any of the reasons below.
        text: The text.
        thinking: The thoughts.
        calls: The name and the decoded arguments of each call that the client would run.
        reason: The finish reason.
        optional: Which of the calls it may miss.
        finish: The same, in the target's own word.
        input: Tokens of the prompt.
        output: Tokens that were generated.
    """

    def __init__(self, data: bytes, target: str, wire: str | None = None) -> None:
        reply = llm.reply(data, wire, on_incomplete="return")
        deltas = list(reply)
        assert reply.ending is not None
        has_more_choices = any(delta.choice for delta in deltas)
        self.text = reply.text + reply.refusal
        self.thinking = reply.thinking
        self.fails = (
            reply.ending.verdict != "complete" or reply.text_revised or (has_more_choices and target != "openai-chat")
        )
        self.calls: list[list[Any]] = []
        self.optional: set[int] = set()
        for call in reply.tool_calls:
            if call.run_by == "client":
                self._add(call, reply, target)
        self.reason = reply.finish_reason or ("tool_calls" if self.calls else "stop")
        self.finish = FINISH[target].get(self.reason, "")
        if target == "openai-chat" and reply.refusal:
            self.finish = "stop"
        self.input, self.output = reply.tokens.input, reply.tokens.output
        if target in COUNTS_UNKNOWN_AS_NOTHING or (
            target == "openai-chat" and (self.input, self.output) != (None, None)
        ):
            self.input, self.output = self.input or 0, self.output or 0

    def _add(self, call: llm.ToolCall, reply: llm.Answer, target: str) -> None:
        arguments = call.arguments
        if call.name is None:
            self.fails = True
        elif call.incomplete and call.error is None and reply.finish_reason in ("length", "content_filter"):
            self.fails = self.fails or target == "ag-ui"
            if target in LEAVES_OUT_CUT_CALLS:
                # Unless its end came first, and the limit later.
                self.optional.add(len(self.calls))
            self.calls.append([call.name, ...])
        elif call.incomplete:
            self.fails = self.fails or target not in SHOWS_CALLS_THAT_ARE_NOT_JSON
            if target == "openai-chat":
                self.calls.append([call.name, ...])
        elif call.type in ("custom", "custom_tool_call"):
            self.calls.append([call.name, {"input": arguments}])
        else:
            self.fails = self.fails or (target == "ollama-chat" and not isinstance(arguments, dict))
            self.calls.append([call.name, arguments])

    def agrees(self, found: Found, own_words: bool = True) -> bool:
        """Whether a client found it.

        Args:
            found: What it found.
            own_words: Whether its finish reason and its token counts are in the target's own words.
        """
        if self.fails:
            return found.error is not None and (found.finish is None or not own_words)
        if (found.error, found.text, found.thinking) != (None, self.text, self.thinking):
            return False
        if own_words and (found.finish, found.input, found.output) != (self.finish, self.input, self.output):
            return False
        return self._has_calls([[name, _decoded(value)] for name, value in found.calls], 0)

    def _has_calls(self, found: list[list[Any]], number: int) -> bool:
        """Whether these are the calls from this number on."""
        if number == len(self.calls):
            return not found
        name, wanted = self.calls[number]
        is_it = bool(found) and found[0][0] == name and (wanted is ... or found[0][1] == wanted)
        if is_it and self._has_calls(found[1:], number + 1):
            return True
        return number in self.optional and self._has_calls(found, number + 1)


def _decoded(arguments: Any) -> Any:
    """The arguments of a call, which some clients leave as text."""
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        # A call that was cut.
        return arguments
