"""Replies made by hand, wire by wire: the frames that a server streams, and the body that it gives at once.

Both are written down here as literals, from what servers are documented to send, so that a fold is checked
against a body that no code of ours has made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Example:
    """A reply, whole and in order.

    Attributes:
        name: What the test of it is called.
        wire: The wire that it is of.
        frames: The stream, a frame each; what ends the stream beside frames is the last one.
        body: The body that the server gives without streaming.
        ends_at: Behind how many frames the reply counts as complete.
    """

    name: str
    wire: str
    frames: list[bytes]
    body: Any
    text: str = ""
    thinking: str = ""
    calls: list[tuple[str | None, Any]] = field(default_factory=list)
    usage: Any = None
    ends_at: int = 0

    @property
    def data(self) -> bytes:
        return b"".join(self.frames)


def sse(*frames: Any, end: bytes = b"\n") -> list[bytes]:
    """Events without a type."""
    return [b"data: " + json.dumps(frame).encode() + end * 2 for frame in frames]


def typed(*frames: dict[str, Any]) -> list[bytes]:
    """Events of the type that their data names."""
    return [f"event: {frame['type']}\ndata: {json.dumps(frame)}\n\n".encode() for frame in frames]


def lines(*frames: Any) -> list[bytes]:
    return [json.dumps(frame).encode() + b"\n" for frame in frames]


def chat_frame(delta: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """A chunk of a chat completion."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "m-1",
        "system_fingerprint": "fp_1",
        "choices": [choice],
        "usage": None,
        **more,
    }


def chat_body(message: dict[str, Any], finish: str = "stop", **more: Any) -> dict[str, Any]:
    """The chat completion that `chat_frame` frames stand for."""
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m-1",
        "system_fingerprint": "fp_1",
        "choices": [choice],
        **more,
    }


def ollama_frame(message: dict[str, Any], done: bool = False, **more: Any) -> dict[str, Any]:
    return {"model": "m", "created_at": "2026-01-01T00:00:00.123456789Z", "message": message, "done": done, **more}


def _tool_delta(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": more.pop("name")} if "name" in more else {})}
    return {"tool_calls": [{"index": index, **more, "function": function}]}


USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
METRICS = {
    "total_duration": 3_000_000_000,
    "load_duration": 500_000_000,
    "prompt_eval_count": 10,
    "prompt_eval_duration": 250_000_000,
    "eval_count": 40,
    "eval_duration": 2_000_000_000,
}

CHAT = [
    Example(
        "openai text",
        "openai-chat",
        [
            *sse(
                chat_frame({"role": "assistant", "content": "", "refusal": None}, obfuscation="x"),
                chat_frame({"content": "Hel"}, obfuscation="abc"),
                chat_frame({"content": "lo"}, obfuscation=""),
                chat_frame({}, "stop", obfuscation="q"),
                {**chat_frame({}), "choices": [], "usage": USAGE},
            ),
            DONE,
        ],
        chat_body({"role": "assistant", "content": "Hello", "refusal": None}, usage=USAGE),
        text="Hello",
        usage=USAGE,
        ends_at=4,
    ),
    Example(
        "openai parallel tools, interleaved",
        "openai-chat",
        [
            *sse(
                chat_frame({"role": "assistant", "content": None}),
                chat_frame(_tool_delta(0, "", id="a", type="function", name="weather")),
                chat_frame(_tool_delta(1, '{"q":', id="b", type="function", name="search")),
                chat_frame(_tool_delta(0, '{"city": "Rome"')),
                chat_frame(_tool_delta(1, '"x"}')),
                chat_frame(_tool_delta(0, "}")),
                chat_frame({}, "tool_calls"),
            ),
            DONE,
        ],
        chat_body(
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}},
                    {"id": "b", "type": "function", "function": {"name": "search", "arguments": '{"q":"x"}'}},
                ],
            },
            "tool_calls",
        ),
        calls=[("weather", {"city": "Rome"}), ("search", {"q": "x"})],
        ends_at=7,
    ),
    Example(
        "deepseek thinking, with both texts in each delta",
        "openai-chat",
        [
            *sse(
                chat_frame({"role": "assistant", "content": None, "reasoning_content": ""}),
                chat_frame({"content": None, "reasoning_content": "Let "}),
                chat_frame({"content": None, "reasoning_content": "me"}),
                chat_frame({"content": "Yes", "reasoning_content": None}),
                chat_frame({"content": "", "reasoning_content": None}, "stop", usage=USAGE),
            ),
            DONE,
        ],
        chat_body({"role": "assistant", "content": "Yes", "reasoning_content": "Let me"}, usage=USAGE),
        text="Yes",
        thinking="Let me",
        usage=USAGE,
        ends_at=5,
    ),
    Example(
        "mistral content in parts",
        "openai-chat",
        [
            *sse(
                chat_frame({"role": "assistant", "content": ""}),
                chat_frame({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}),
                chat_frame({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "m"}]}]}),
                chat_frame({"content": "Go"}),
                chat_frame({"content": "od"}, "stop", usage=USAGE),
            ),
            DONE,
        ],
        chat_body(
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hmm"}]},
                    {"type": "text", "text": "Good"},
                ],
            },
            usage=USAGE,
        ),
        text="Good",
        thinking="Hmm",
        usage=USAGE,
        ends_at=5,
    ),
    Example(
        "openai log probabilities",
        "openai-chat",
        [
            *sse(
                *(
                    {
                        **chat_frame({}),
                        "choices": [
                            {
                                "index": 0,
                                "delta": {"role": "assistant", "content": word},
                                "logprobs": {"content": [{"token": word, "logprob": -0.5}], "refusal": None},
                                "finish_reason": None,
                            }
                        ],
                    }
                    for word in ("a", "b")
                ),
                chat_frame({}, "length"),
            ),
            DONE,
        ],
        {
            **chat_body({}),
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "ab"},
                    "logprobs": {
                        "content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -0.5}],
                        "refusal": None,
                    },
                    "finish_reason": "length",
                }
            ],
        },
        text="ab",
        ends_at=3,
    ),
]

OLLAMA = [
    Example(
        "ollama chat",
        "ollama-chat",
        lines(
            ollama_frame({"role": "assistant", "content": "", "thinking": "Let "}),
            ollama_frame({"role": "assistant", "content": "", "thinking": "me"}),
            ollama_frame({"role": "assistant", "content": "Hi"}),
            ollama_frame({"role": "assistant", "content": " you"}),
            ollama_frame({"role": "assistant", "content": "!"}, True, done_reason="stop", **METRICS),
        ),
        ollama_frame(
            {"role": "assistant", "content": "Hi you!", "thinking": "Let me"}, True, done_reason="stop", **METRICS
        ),
        text="Hi you!",
        thinking="Let me",
        usage={"prompt_eval_count": 10, "eval_count": 40},
        ends_at=5,
    ),
    Example(
        "ollama chat with tools, all of index 0",
        "ollama-chat",
        lines(
            *(
                ollama_frame(
                    {
                        "role": "assistant",
                        "content": "",
                        "tool_calls": [{"function": {"index": 0, "name": name, "arguments": {"n": 1}}}],
                    }
                )
                for name in ("one", "two")
            ),
            ollama_frame({"role": "assistant", "content": ""}, True, done_reason="stop"),
        ),
        ollama_frame(
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [
                    {"function": {"index": 0, "name": "one", "arguments": {"n": 1}}},
                    {"function": {"index": 0, "name": "two", "arguments": {"n": 1}}},
                ],
            },
            True,
            done_reason="stop",
        ),
        calls=[("one", {"n": 1}), ("two", {"n": 1})],
        ends_at=3,
    ),
    Example(
        "ollama generate",
        "ollama-generate",
        lines(
            {"model": "m", "created_at": "t", "response": "A", "done": False, "logprobs": [{"token": "A"}]},
            {"model": "m", "created_at": "t", "response": "B", "done": False, "logprobs": [{"token": "B"}]},
            {"model": "m", "created_at": "u", "response": "", "done": True, "done_reason": "length", "context": [1, 2]},
        ),
        {
            "model": "m",
            "created_at": "u",
            "response": "AB",
            "done": True,
            "done_reason": "length",
            "context": [1, 2],
            "logprobs": [{"token": "A"}, {"token": "B"}],
        },
        text="AB",
        ends_at=3,
    ),
    Example(
        "ollama pull",
        "ollama-progress",
        lines(
            {"status": "pulling manifest"},
            {"status": "pulling aa", "digest": "sha256:aa", "total": 100},
            {"status": "pulling bb", "digest": "sha256:bb", "total": 50, "completed": 10},
            {"status": "pulling aa", "digest": "sha256:aa", "total": 100, "completed": 60},
            {"status": "success"},
        ),
        {"status": "success"},
        ends_at=5,
    ),
]

EXAMPLES = [*CHAT, *OLLAMA]


def by_name(name: str) -> Example:
    return next(example for example in EXAMPLES if example.name == name)


def ids(example: Example) -> str:
    return example.name
