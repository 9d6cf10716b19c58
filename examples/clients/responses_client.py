"""A client of OpenAI's Responses, sync and async: a reply that is cut off goes on where it was.

It needs httpx. The server keeps a response that is made in the background (``background`` and ``store``). Its events
can be asked for again after the last ``sequence_number`` that came: `ndstream.EventSource` hands the last event to
``connect``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

import ndstream
from ndstream import llm

ENDS = ("response.completed", "response.incomplete", "response.failed", "error")


class _Requests:
    """The requests for one reply: the first makes it, all others go on with it."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._body = {**request, "stream": True, "background": True, "store": True}
        self._response_id: str | None = None

    def next(self, last_event: ndstream.Event | None) -> dict[str, Any]:
        """The arguments of the next request."""
        if last_event is None or self._response_id is None:
            return {"method": "POST", "url": "responses", "json": self._body}
        after = {"stream": "true", "starting_after": last_event.json()["sequence_number"]}
        return {"method": "GET", "url": f"responses/{self._response_id}", "params": after}

    def is_end(self, event: ndstream.Event) -> bool:
        """Note an event. Returns whether it is the last of the reply."""
        frame = event.json()
        if frame["type"] == "response.created":
            self._response_id = frame["response"]["id"]
        return frame["type"] in ENDS


class _Client:
    """What both share: the address with its version (``.../v1``), the key, and what the event source is to do."""

    def __init__(self, url: str, key: str | None = None, **options: Any) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client: dict[str, Any] = {"base_url": url, "headers": headers, "timeout": httpx.Timeout(10, read=60)}
        self._options = {**options, "raw": True}


class Responses(_Client):
    """The sync client: a context that keeps its connections open."""

    def __enter__(self) -> Responses:
        self._http = httpx.Client(**self._client)
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.close()

    def stream(self, model: str, text: str, **request: Any) -> Iterator[llm.Delta]:
        """The deltas of one reply, as if nothing was ever cut. It raises an llm.ReplyError."""
        requests = _Requests({"model": model, "input": text, **request})

        def connect(headers: dict[str, str], last_event: ndstream.Event | None) -> Any:
            return self._http.stream(**requests.next(last_event), headers=headers)

        def frames() -> Iterator[bytes]:
            with ndstream.EventSource(connect, **self._options) as source:
                for event in source:
                    is_end = requests.is_end(event)
                    yield event.raw or b""
                    if is_end:
                        return

        with llm.reply(frames(), wire="openai-responses") as reply:
            yield from reply


class AsyncResponses(_Client):
    """The async client: an async context that keeps its connections open."""

    async def __aenter__(self) -> AsyncResponses:
        self._http = httpx.AsyncClient(**self._client)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._http.aclose()

    async def stream(self, model: str, text: str, **request: Any) -> AsyncIterator[llm.Delta]:
        """As that of the sync client."""
        requests = _Requests({"model": model, "input": text, **request})

        def connect(headers: dict[str, str], last_event: ndstream.Event | None) -> Any:
            return self._http.stream(**requests.next(last_event), headers=headers)

        async def frames() -> AsyncIterator[bytes]:
            async with ndstream.EventSource(connect, **self._options) as source:
                async for event in source:
                    is_end = requests.is_end(event)
                    yield event.raw or b""
                    if is_end:
                        return

        async with llm.reply(frames(), wire="openai-responses") as reply:
            async for delta in reply:
                yield delta
