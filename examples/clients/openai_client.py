"""A client of OpenAI-compatible servers, sync and async: streams, retries, and a loop that runs tools.

It needs httpx, tenacity and ndstream. A request is tried again as long as nothing of its reply was handed out.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import httpx
import tenacity

from ndstream import llm

Message = dict[str, Any]
Tool = Callable[..., Any]


def is_worth_another_try(error: BaseException) -> bool:
    """Whether the same request may well succeed when sent again, without saying anything twice."""
    if isinstance(error, llm.ReplyError):
        return error.retryable and not error.output_started
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


class Client:
    """What both clients share: the request, and how often it is tried.

    Args:
        url: The server's address, with its version: ``https://api.openai.com/v1``.
        key: The key to send, if the server wants one.
        tries: How often a request is sent at most.
        wait: How many seconds to wait before the second try; twice as long before each further one.
    """

    def __init__(self, url: str, key: str | None = None, *, tries: int = 4, wait: float = 0.5) -> None:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._options: dict[str, Any] = {"base_url": url, "headers": headers, "timeout": httpx.Timeout(10, read=120)}
        self._retrying: dict[str, Any] = {
            "retry": tenacity.retry_if_exception(is_worth_another_try),
            "stop": tenacity.stop_after_attempt(tries),
            "wait": tenacity.wait_random_exponential(multiplier=wait, max=30),
            "reraise": True,
        }

    def _request(self, model: str, messages: Sequence[Message], options: dict[str, Any]) -> dict[str, Any]:
        return {"json": {"model": model, "messages": list(messages), "stream": True, **options}}


class OpenAI(Client):
    """The sync client."""

    def stream(self, model: str, messages: Sequence[Message], **options: Any) -> Iterator[llm.Delta]:
        """The deltas of one reply, as they come. A failure before the first one is tried again.

        Raises:
            httpx.HTTPError: The server cannot be reached, or refuses the request.
            ndstream.llm.ReplyError: The reply was cut, or reports an error; ``error.reply`` has what came.
        """
        for attempt in tenacity.Retrying(**self._retrying):
            with (
                attempt,
                httpx.Client(**self._options) as http,
                http.stream("POST", "chat/completions", **self._request(model, messages, options)) as response,
            ):
                response.raise_for_status()
                yield from llm.reply(response)

    def complete(self, model: str, messages: Sequence[Message], **options: Any) -> llm.Answer:
        """The whole reply. It is tried again until it is complete, since nothing was handed out before."""
        for attempt in tenacity.Retrying(**self._retrying):
            with (
                attempt,
                httpx.Client(**self._options) as http,
                http.stream("POST", "chat/completions", **self._request(model, messages, options)) as response,
            ):
                response.raise_for_status()
                answer: llm.Answer = llm.collect(response)
                return answer
        raise AssertionError("the last try raises its error")

    def run(self, model: str, messages: list[Message], tools: dict[str, Tool], **options: Any) -> llm.Answer:
        """Ask until the model answers without calling tools; the messages grow by each turn.

        Args:
            model: The model's name.
            messages: The conversation, which is added to.
            tools: The functions that the model may call, by the names that ``options["tools"]`` describes.
            options: What else the request holds.
        """
        while True:
            answer = self.complete(model, messages, **options)
            messages.append(answer.body["choices"][0]["message"])
            calls = [call for call in answer.tool_calls if call.run_by == "client"]
            if not calls:
                return answer
            messages += [{"role": "tool", "tool_call_id": call.id, "content": run_tool(call, tools)} for call in calls]


class AsyncOpenAI(Client):
    """The async client."""

    async def stream(self, model: str, messages: Sequence[Message], **options: Any) -> AsyncIterator[llm.Delta]:
        """As that of the sync client."""
        async for attempt in tenacity.AsyncRetrying(**self._retrying):
            with attempt:
                async with (
                    httpx.AsyncClient(**self._options) as http,
                    http.stream("POST", "chat/completions", **self._request(model, messages, options)) as response,
                ):
                    response.raise_for_status()
                    async for delta in llm.reply(response):
                        yield delta


def run_tool(call: llm.ToolCall, tools: dict[str, Tool]) -> str:
    """What a tool gives, as text; what is wrong with the call is told to the model."""
    if call.incomplete or call.name not in tools:
        return f"error: there is no tool {call.name!r}, or its arguments are no JSON"
    try:
        return json.dumps(tools[call.name](**call.arguments))
    except Exception as error:
        return f"error: {type(error).__name__}: {error}"
