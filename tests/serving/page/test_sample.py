"""The built-in sample shows everything that can become of a reply, and goes on where it was stopped."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import real_parts
from ndstream import llm
from serving.servers import GET

real_parts.library("starlette.applications", GET)
from ndstream.serving._page import sample  # noqa: E402

GO_ON = "Your reply was cut off. Go on exactly where it stopped, and repeat none of it."


def reply(*turns: str, stop_after: int | None = None) -> Any:
    """The reply to a conversation, the user's turns and the sample's by turns; stopped after so many deltas."""

    async def main() -> Any:
        roles = ("user", "assistant")
        messages: Any = [{"role": roles[number % 2], "content": turn} for number, turn in enumerate(turns)]
        source = llm.reply(await sample.ask_sample(messages), "ollama-chat", on_incomplete="return")
        async with source as reply:
            count = 0
            async for delta in reply:
                count += bool(delta.text)
                if count == stop_after:
                    break
        return reply

    return asyncio.run(main())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "TOKENS_PER_SECOND", 1e9)


def test_each_suggestion_has_a_reply_of_its_own_kind() -> None:
    hello, _, weather, cut, error = (
        reply(prompt, stop_after=50 if "Count" in prompt else None) for prompt in sample.SUGGESTIONS
    )
    assert (hello.ending.verdict, hello.finish_reason) == ("complete", "stop")
    assert hello.thinking
    assert [call.name for call in weather.tool_calls] == ["weather"]
    assert cut.ending.verdict == "truncated"
    assert error.ending.error.message == "the sample was asked to report an error, and this is it"


@pytest.mark.parametrize("prompt", ["What are you?", "Break off in the middle.", "Count until I stop you."])
@pytest.mark.parametrize("stop_after", [1, 10, 23])
def test_a_reply_goes_on_where_it_was_stopped(prompt: str, stop_after: int) -> None:
    first = reply(prompt, stop_after=stop_after).text
    rest = reply(prompt, first, GO_ON, stop_after=30 if "Count" in prompt else None)
    assert not rest.thinking
    whole = {"W": sample._HELLO, "B": sample._CUT, "C": "".join(f"{number}, " for number in range(1, 100))}[prompt[0]]
    assert whole.startswith(first + rest.text)
    assert rest.ending.verdict == ("cancelled" if "Count" in prompt else "complete")
