"""What an event source refuses, what it takes, and what it takes for a mistake of its own client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import real_parts
from ndstream import EventSource
from ndstream.serving._event_source.answers import may_pass

from .scripted import Answer, AsyncResponse, Clock, Server, async_response, sync_response


@pytest.mark.parametrize("wrong", [7, b"7", True])
def test_a_last_event_id_that_is_no_text_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="last_event_id must be a str"):
        EventSource(sync_response(Server()), last_event_id=wrong)


def test_a_callable_without_a_signature_gets_the_headers_alone() -> None:
    # `dict` has none, and what it gives is no response.
    with pytest.raises(TypeError, match="cannot read bytes from dict"):
        next(EventSource(dict))


@pytest.mark.parametrize("name", ["InvalidURL", "UnsupportedProtocol", "LocalProtocolError", "TooManyRedirects"])
def test_a_request_that_can_never_be_sent_is_not_tried_again(name: str) -> None:
    base = type(name, (Exception,), {})
    assert not may_pass(base())
    assert not may_pass(type("Later", (base,), {})())
    assert may_pass(type("Later", (Exception,), {})())


def test_a_source_that_was_never_iterated_over_is_closed_like_any_other() -> None:
    async def main() -> None:
        server = Server(Answer(b"data: a\n\n"))
        source = EventSource(async_response(server), clock=Clock())
        await source.aclose()
        assert (source.state, [event async for event in source], server.requests) == ("closed", [], [])

    asyncio.run(main())


def test_a_source_that_is_read_by_calling_can_be_closed_by_a_task() -> None:
    async def main() -> None:
        answer = Answer(b"data: a\n\ndata: b\n\n")
        source = EventSource(sync_response(Server(answer)), clock=Clock())
        assert next(source).data == "a"
        await source.aclose()
        assert (source.state, list(source), answer.closed) == ("closed", [], 1)

    asyncio.run(main())


def test_the_body_of_a_refusal_is_read_only_where_that_ends() -> None:
    async def body() -> Any:
        yield b"never read"

    def refused(response: Any) -> Any:
        with pytest.raises(Exception, match="400") as caught:
            next(EventSource(lambda headers: response, clock=Clock()))
        return getattr(caught.value, "body", None)

    class Async:
        status_code, headers = 400, {"Content-Type": "text/plain"}

        def aiter_bytes(self) -> Any:
            return body()

    class Endless:
        status_code, headers = 400, {"Content-Type": "text/plain"}

        def iter_bytes(self) -> Any:
            return iter([b"never read"])

    assert (refused(Async()), refused(Endless())) == (b"", b"")


def test_a_response_that_holds_its_body_is_read_whatever_way_it_is_iterated_over() -> None:
    httpx = real_parts.library("httpx")
    headers = {"Content-Type": "text/event-stream"}

    async def connect(_: Any) -> Any:
        return httpx.Response(200, content=b"data: a\n\n", headers=headers)

    async def refused(_: Any) -> Any:
        return httpx.Response(400, content=b"no such stream")

    async def main() -> None:
        source = EventSource(connect, clock=Clock())
        assert (await anext(source)).data == "a"
        await source.aclose()
        with pytest.raises(Exception, match="400") as caught:
            await anext(EventSource(refused, clock=Clock()))
        assert getattr(caught.value, "body", None) == b"no such stream"

    asyncio.run(main())


def test_an_async_source_that_was_closed_by_calling_before_it_began_makes_no_request() -> None:
    async def main() -> None:
        server = Server(Answer(b"data: a\n\n"))
        source = EventSource(async_response(server), clock=Clock())
        events = aiter(source)
        source.close()
        assert [event async for event in events] == []
        assert (source.state, server.requests) == ("closed", [])

    asyncio.run(main())


class EntersItself(AsyncResponse):
    """A response that is entered by calling and read by awaiting, as those of some test clients are."""

    def __enter__(self) -> EntersItself:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def test_a_response_that_is_entered_by_calling_and_awaited_is_read_and_closed() -> None:
    async def main() -> None:
        answer = Answer(b"data: a\n\n")
        server = Server(answer)
        source = EventSource(lambda headers: EntersItself(server.answer(headers)), clock=Clock())
        assert [event.data async for event in source] == ["a"]
        assert answer.closed == 1

    asyncio.run(main())


class Early(Clock):
    """Each wait ends after half of its time."""

    def wait(self, seconds: float) -> None:
        super().wait(seconds / 2 if seconds > 0.001 else seconds)


def test_a_wait_that_ends_too_early_goes_on_until_the_next_attempt_is_due() -> None:
    async def main() -> list[str]:
        server = Server(Answer(b"retry: 1000\ndata: a\n\n"), Answer(b"data: b\n\n"))
        clock = Early()
        source = EventSource(async_response(server), clock=clock, random=lambda: 0.0)
        events = [(await anext(source)).data for _ in range(2)]
        assert len(clock.delays) > 2
        assert sum(clock.delays) >= 1
        await source.aclose()
        return events

    assert asyncio.run(main()) == ["a", "b"]


def test_an_event_that_comes_with_the_close_is_the_last_one() -> None:
    closed: list[EventSource] = []
    answer = Answer(b"data: a\n\n", lambda: closed[0].close(), b"data: b\n\ndata: c\n\n")
    source = EventSource(sync_response(Server(answer)), clock=Clock())
    closed.append(source)
    assert [event.data for event in source] == ["a"]
    assert answer.closed == 1
