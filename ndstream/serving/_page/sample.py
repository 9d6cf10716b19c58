"""A model that is none: replies of its own, in the format of Ollama, so that the page runs without a server.

It shows everything that can become of a reply: thoughts, a tool call, a long text to be stopped, a cut, an error.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import orjson

from ndstream.serving._page.messages import Message

MODEL = "sample"
TOKENS_PER_SECOND = 30
SUGGESTIONS = (
    "What are you?",
    "Count until I stop you.",
    "Look up the weather in Rome.",
    "Break off in the middle.",
    "Report an error.",
)

_THOUGHTS = "Someone opens this page for the first time. I should say what they see, and what they can try."
_HELLO = """I am no model at all: a **built-in sample**, so that this page runs at once. \
What you read came over a real connection, token by token, and each token was shown when it arrived.

- **Stop** ends my reply, and whatever makes it.
- Thoughts are folded away above; unfold them to read them.
- If a reply is cut, it says so, and you can go on with it.

To chat with a real model, name its server:

```
ndstream serve --url http://127.0.0.1:11434 --model llama3.2
ndstream serve --url https://api.openai.com/v1 --model gpt-5-mini --key-env OPENAI_API_KEY
```

The key stays in the server. This page never sees it."""
_CUT = """This reply is about to be cut: the connection to the model's server breaks in the middle of a sentence, \
as it does when a proxy loses patience. Most pages would show you what came as if it were the whole reply. \
Here it is marked as cut, and the rest is one button away. \
If you can read this, you have pressed it, and the reply is whole."""
_CUT_AFTER = 24
"""After so many tokens it is cut, the first time."""


async def ask_sample(messages: list[Message]) -> AsyncGenerator[bytes]:
    """Answer a conversation, as a server of Ollama would."""
    return _frames(messages)


async def _frames(messages: list[Message]) -> AsyncGenerator[bytes]:
    prompt, said = _asked(messages)
    if not said:
        for token in _tokens(_THOUGHTS):
            yield await _paced({"thinking": token, "content": ""})
    if "report an error" in prompt:
        yield orjson.dumps({"error": "the sample was asked to report an error, and this is it"}) + b"\n"
        return
    if "weather" in prompt:
        call = {"function": {"name": "weather", "arguments": {"city": "Rome", "days": 3}}}
        yield await _paced({"content": "", "tool_calls": [call]})
    count = 0
    for token in _without(said, _reply_to(prompt)):
        count += 1
        yield await _paced({"content": token})
        if "break off" in prompt and not said and count == _CUT_AFTER:
            return
    counts = {"prompt_eval_count": len(prompt.split()), "eval_count": count}
    yield _line({"content": ""}, done=True, done_reason="stop", **counts)


def _asked(messages: list[Message]) -> tuple[str, str]:
    """The prompt, and what was said of its reply if the conversation asks to go on with that."""
    *before, last = (message["content"] for message in messages)
    if len(before) > 1 and "go on" in last.lower():
        return before[-2].lower(), before[-1]
    return last.lower(), ""


def _reply_to(prompt: str) -> Iterator[str]:
    if "break off" in prompt:
        return _tokens(_CUT)
    if "count" in prompt:
        return (f"{number}, " for number in range(1, 1_000_000))
    return iter(()) if "weather" in prompt else _tokens(_HELLO)


def _without(said: str, tokens: Iterator[str]) -> Iterator[str]:
    """What is left of a text after its first part."""
    left = len(said)
    for token in tokens:
        if left < len(token):
            yield token[left:]
        left = max(0, left - len(token))


def _tokens(text: str) -> Iterator[str]:
    """Words, with the white space before them."""
    return (found[0] for found in re.finditer(r"\s*\S+", text))


async def _paced(message: dict[str, Any]) -> bytes:
    await asyncio.sleep(1 / TOKENS_PER_SECOND)
    return _line(message)


def _line(message: dict[str, Any], **ending: Any) -> bytes:
    body = {"model": MODEL, "message": {"role": "assistant", **message}, "done": False, **ending}
    return orjson.dumps(body) + b"\n"
