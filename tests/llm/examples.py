"""Replies made by hand, wire by wire: the frames that a server streams, and the body that it gives at once.

Both are written down here as literals, from what servers are documented to send, so that a fold is checked
against a body that no code of ours has made.
"""

from __future__ import annotations

from typing import Any

from llm.example import DONE, Example, ids, lines, sse
from llm.examples_cloud import CLOUD
from llm.examples_typed import TYPED


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

_CUMULATIVE = [{"prompt_tokens": 5, "completion_tokens": n, "total_tokens": 5 + n} for n in range(4)]

DIALECTS = [
    Example(
        "vllm with usage on every chunk and its own name for thoughts",
        "openai-chat",
        [
            *sse(
                chat_frame({"role": "assistant", "content": ""}, usage=_CUMULATIVE[0]),
                chat_frame({"reasoning": "Hm"}, usage=_CUMULATIVE[1]),
                chat_frame({"content": "So"}, usage=_CUMULATIVE[2]),
                chat_frame({"content": "."}, "stop", usage=_CUMULATIVE[3]),
                {**chat_frame({}), "choices": [], "usage": _CUMULATIVE[3]},
            ),
            DONE,
        ],
        chat_body({"role": "assistant", "content": "So.", "reasoning": "Hm"}, usage=_CUMULATIVE[3]),
        text="So.",
        thinking="Hm",
        usage=_CUMULATIVE[3],
        ends_at=4,
    ),
    Example(
        "openrouter with details of its reasoning",
        "openai-chat",
        [
            b": OPENROUTER PROCESSING\n\n"
            + sse(
                chat_frame(
                    {
                        "role": "assistant",
                        "content": "",
                        "reasoning": "Hm",
                        "reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0}],
                    }
                )
            )[0],
            *sse(
                chat_frame(
                    {
                        "role": "assistant",
                        "content": "",
                        "reasoning": "m",
                        "reasoning_details": [{"type": "reasoning.text", "text": "m", "index": 0, "signature": "s"}],
                    }
                ),
                chat_frame({"role": "assistant", "content": "Yes", "reasoning": None}),
                chat_frame({"role": "assistant", "content": ""}, "stop"),
            ),
            DONE,
        ],
        chat_body(
            {
                "role": "assistant",
                "content": "Yes",
                "reasoning": "Hmm",
                "reasoning_details": [{"type": "reasoning.text", "text": "Hmm", "index": 0, "signature": "s"}],
            }
        ),
        text="Yes",
        thinking="Hmm",
        ends_at=4,
    ),
    Example(
        "azure with an empty head and a late filter",
        "openai-chat",
        [
            *sse(
                {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [{"p": 1}]},
                chat_frame({"role": "assistant", "content": "Ok"}),
                chat_frame({}, "stop"),
                {
                    "id": "",
                    "object": "",
                    "created": 0,
                    "model": "",
                    "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"start": 1}}],
                },
            ),
            DONE,
        ],
        {
            **chat_body({}),
            "prompt_filter_results": [{"p": 1}],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Ok"},
                    "logprobs": None,
                    "finish_reason": "stop",
                    "content_filter_offsets": {"start": 1},
                }
            ],
        },
        text="Ok",
        ends_at=3,
    ),
    Example(
        "two choices, side by side and in one frame",
        "openai-chat",
        [
            *sse(
                chat_frame({"role": "assistant", "content": "a"}),
                chat_frame({"role": "assistant", "content": "x"}, index=1),
                chat_frame({"content": "b"}),
                {
                    **chat_frame({}),
                    "choices": [
                        {"index": 1, "delta": {"content": "y"}, "logprobs": None, "finish_reason": "stop"},
                        {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"},
                    ],
                },
            ),
            DONE,
        ],
        {
            **chat_body({}),
            "choices": [
                {
                    "index": index,
                    "message": {"role": "assistant", "content": content},
                    "logprobs": None,
                    "finish_reason": reason,
                }
                for index, content, reason in ((0, "ab", "length"), (1, "xy", "stop"))
            ],
        },
        text="ab",
        ends_at=4,
    ),
    Example(
        "a function call of the old kind",
        "openai-chat",
        [
            *sse(
                chat_frame({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}}),
                chat_frame({"function_call": {"arguments": '{"a"'}}),
                chat_frame({"function_call": {"arguments": ":1}"}}),
                chat_frame({}, "function_call"),
            ),
            DONE,
        ],
        chat_body(
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}},
            "function_call",
        ),
        calls=[("f", {"a": 1})],
        ends_at=4,
    ),
    Example(
        "a custom tool, whose input is free text",
        "openai-chat",
        [
            *sse(
                chat_frame(
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [
                            {"index": 0, "id": "c", "type": "custom", "custom": {"name": "sh", "input": "ls "}}
                        ],
                    }
                ),
                chat_frame({"tool_calls": [{"index": 0, "custom": {"input": "-l"}}]}),
                chat_frame({}, "tool_calls"),
            ),
            DONE,
        ],
        chat_body(
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "sh", "input": "ls -l"}}],
            },
            "tool_calls",
        ),
        calls=[("sh", "ls -l")],
        ends_at=3,
    ),
    Example(
        "a completion of the old kind",
        "openai-chat",
        [
            *sse(
                *(
                    {
                        "id": "cmpl-1",
                        "object": "text_completion",
                        "created": 1,
                        "model": "m",
                        "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": reason}],
                    }
                    for text, reason in (("He", None), ("y", "stop"))
                ),
            ),
            DONE,
        ],
        {
            "id": "cmpl-1",
            "object": "text_completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "text": "Hey", "logprobs": None, "finish_reason": "stop"}],
        },
        text="Hey",
        ends_at=2,
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
            {"model": "m", "created_at": "t", "response": "", "thinking": "Hm", "done": False},
            {"model": "m", "created_at": "t", "response": "A", "done": False, "logprobs": [{"token": "A"}]},
            {"model": "m", "created_at": "t", "response": "B", "done": False, "logprobs": [{"token": "B"}]},
            {
                "model": "m",
                "created_at": "u",
                "response": "",
                "done": True,
                "done_reason": "length",
                "context": [1, 2],
                "tool_calls": [{"id": "c", "function": {"index": 0, "name": "now", "arguments": {}}}],
                **METRICS,
            },
        ),
        {
            "model": "m",
            "created_at": "u",
            "response": "AB",
            "thinking": "Hm",
            "done": True,
            "done_reason": "length",
            "context": [1, 2],
            "tool_calls": [{"id": "c", "function": {"index": 0, "name": "now", "arguments": {}}}],
            "logprobs": [{"token": "A"}, {"token": "B"}],
            **METRICS,
        },
        text="AB",
        thinking="Hm",
        calls=[("now", {})],
        usage={"prompt_eval_count": 10, "eval_count": 40},
        ends_at=4,
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

EXAMPLES = [*CHAT, *DIALECTS, *OLLAMA, *TYPED, *CLOUD]


def by_name(name: str) -> Example:
    return next(example for example in EXAMPLES if example.name == name)


__all__ = ["CHAT", "EXAMPLES", "OLLAMA", "Example", "by_name", "ids"]
