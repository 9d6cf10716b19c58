"""A client of OpenAI-compatible servers, sync and async: streams, retries, and a loop that runs tools.

It needs httpx and tenacity. A request is sent again only as long as nothing of its reply was handed out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import httpx
import tenacity

from ndstream import llm

Message = dict[str, Any]
Tools = dict[str, Callable[..., Any]]


def may_pass(error: BaseException) -> bool:
    """Whether the same request may well succeed when sent again."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return isinstance(error, httpx.TransportError) or (isinstance(error, llm.ReplyError) and error.retryable)


class _Client:
    """What both share: the address with its version (``.../v1``), the key, how often and when to try again."""

    def __init__(self, url: str, key: str | None = None, *, tries: int = 4, wait: float = 0.5) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._options: dict[str, Any] = {"base_url": url, "headers": headers, "timeout": httpx.Timeout(10, read=120)}
        self._retrying: dict[str, Any] = {
            "retry": tenacity.retry_if_exception(may_pass),
            "stop": tenacity.stop_after_attempt(tries),
            "wait": tenacity.wait_random_exponential(multiplier=wait, max=30),
            "reraise": True,
        }


class OpenAI(_Client):
    """The sync client: a context that keeps its connections open."""

    def __enter__(self) -> OpenAI:
        self._http = httpx.Client(**self._options)
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.close()

    def _begin(self, request: dict[str, Any], whole: bool) -> tuple[Any, list[llm.Delta]]:
        """A reply and its deltas, up to the first that says something or up to the end."""
        for attempt in tenacity.Retrying(**self._retrying):
            with attempt, ExitStack() as failing:
                message = self._http.build_request("POST", "chat/completions", json={**request, "stream": True})
                response = self._http.send(message, stream=True)
                failing.callback(response.close)
                response.raise_for_status()
                reply: Any = llm.reply(response)
                begun = []
                for delta in reply:
                    begun.append(delta)
                    if reply.output_started and not whole:
                        break
                failing.pop_all()
                return reply, begun
        raise AssertionError("the last try raises its error")

    def stream(self, model: str, messages: Sequence[Message], **options: Any) -> Iterator[llm.Delta]:
        """The deltas of one reply. It raises an httpx.HTTPError, or an llm.ReplyError with what came as ``reply``."""
        reply, begun = self._begin({"model": model, "messages": list(messages), **options}, whole=False)
        with reply:
            yield from begun
            yield from reply

    def complete(self, model: str, messages: Sequence[Message], **options: Any) -> llm.Answer:
        """The whole reply, asked for again if it was cut. Raises as `stream` does, after the last try."""
        reply, _ = self._begin({"model": model, "messages": list(messages), **options}, whole=True)
        return reply  # type: ignore[no-any-return]

    def run(self, model: str, messages: list[Message], tools: Tools, rounds: int = 10, **options: Any) -> Any:
        """Ask until the model answers without calling tools, at most so many times; the messages grow."""
        for _ in range(rounds):
            answer = self.complete(model, messages, **options)
            if not add_turn(answer, messages, tools):
                return answer
        raise RuntimeError(f"the model still calls tools after {rounds} rounds")


class AsyncOpenAI(_Client):
    """The async client: an async context that keeps its connections open."""

    async def __aenter__(self) -> AsyncOpenAI:
        self._http = httpx.AsyncClient(**self._options)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._http.aclose()

    async def _begin(self, request: dict[str, Any], whole: bool) -> tuple[Any, list[llm.Delta]]:
        async for attempt in tenacity.AsyncRetrying(**self._retrying):
            with attempt:
                async with AsyncExitStack() as failing:
                    message = self._http.build_request("POST", "chat/completions", json={**request, "stream": True})
                    response = await self._http.send(message, stream=True)
                    failing.push_async_callback(response.aclose)
                    response.raise_for_status()
                    reply: Any = llm.reply(response)
                    begun = []
                    async for delta in reply:
                        begun.append(delta)
                        if reply.output_started and not whole:
                            break
                    failing.pop_all()
                    return reply, begun
        raise AssertionError("the last try raises its error")

    async def stream(self, model: str, messages: Sequence[Message], **options: Any) -> AsyncIterator[llm.Delta]:
        """As that of the sync client."""
        reply, begun = await self._begin({"model": model, "messages": list(messages), **options}, whole=False)
        async with reply:
            for delta in begun:
                yield delta
            async for delta in reply:
                yield delta

    async def complete(self, model: str, messages: Sequence[Message], **options: Any) -> llm.Answer:
        """As that of the sync client."""
        reply, _ = await self._begin({"model": model, "messages": list(messages), **options}, whole=True)
        return reply  # type: ignore[no-any-return]


def add_turn(answer: llm.Answer, messages: list[Message], tools: Tools) -> bool:
    """Add a reply and what its tools give to the conversation; whether there were any."""
    messages.append(answer.body["choices"][0]["message"])
    calls = [call for call in answer.tool_calls if call.run_by == "client"]
    messages += [{"role": "tool", "tool_call_id": call.id, "content": run_tool(call, tools)} for call in calls]
    return bool(calls)


def run_tool(call: llm.ToolCall, tools: Tools) -> str:
    """What a tool gives, as text; what is wrong with the call is told to the model."""
    if call.incomplete or call.name not in tools:
        return f"error: there is no tool {call.name!r}, or its arguments are no JSON"
    try:
        return json.dumps(tools[call.name](**call.arguments))
    except Exception as error:
        return f"error: {type(error).__name__}: {error}"
