"""The responses that test clients of web frameworks give are sources, with their Content-Type."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import ndstream
import real_parts

EVENTS = [b"data: 1\n\n", b"data: 2\n\n"]


class Views:
    """Views of Django, and how often what they iterate over was closed."""

    def __init__(self) -> None:
        self.released = 0
        self.http = real_parts.library("django.http")

    def whole(self, request: Any) -> Any:
        return self.http.HttpResponse(b"".join(EVENTS), content_type="text/event-stream")

    def sync(self, request: Any) -> Any:
        return self.http.StreamingHttpResponse(self._events(), content_type="text/event-stream")

    def awaited(self, request: Any) -> Any:
        return self.http.StreamingHttpResponse(self._async_events(), content_type="text/event-stream")

    def _events(self) -> Iterator[bytes]:
        try:
            yield from EVENTS
        finally:
            self.released += 1

    async def _async_events(self) -> AsyncIterator[bytes]:
        try:
            for event in EVENTS:
                yield event
        finally:
            self.released += 1


@pytest.fixture
def views() -> Iterator[Views]:
    """Views that the test clients of Django find by their names."""
    settings = real_parts.library("django.conf").settings
    if not settings.configured:
        settings.configure()
    path = real_parts.library("django.urls").path
    views = Views()
    routes = tuple(path(name, getattr(views, name)) for name in ("whole", "sync", "awaited"))
    override: Any = real_parts.library("django.test").override_settings
    with override(ROOT_URLCONF=routes, ALLOWED_HOSTS=["*"], MIDDLEWARE=[]):
        yield views


def _client() -> Any:
    return real_parts.library("django.test").Client()


def _async_client() -> Any:
    return real_parts.library("django.test").AsyncClient()


@pytest.mark.parametrize("name", ["whole", "sync"])
def test_a_sync_response_of_django_makes_a_sync_stream(name: str, views: Views) -> None:
    stream = ndstream.stream(_client().get(f"/{name}"))
    assert isinstance(stream, ndstream.Stream)
    assert isinstance(stream.decoder, ndstream.SSEDecoder)
    assert list(stream) == [1, 2]


def test_an_async_response_of_django_makes_an_async_stream(views: Views) -> None:
    async def main() -> None:
        stream = ndstream.stream(await _async_client().get("/awaited"))
        assert isinstance(stream, ndstream.AsyncStream)
        assert isinstance(stream.decoder, ndstream.SSEDecoder)
        assert [value async for value in stream] == [1, 2]
        assert views.released == 1

    asyncio.run(main())


def test_a_response_of_django_that_is_left_closes_its_view(views: Views) -> None:
    with ndstream.stream(_client().get("/sync")) as stream:
        assert next(stream) == 1
    assert views.released == 1

    async def main() -> None:
        async with ndstream.stream(await _async_client().get("/awaited")) as stream:
            assert await stream.__anext__() == 1
        # Its test client wraps the view's generator, which the event loop closes in a task of its own.
        for _ in range(10):
            gc.collect()
            await asyncio.sleep(0)
        assert views.released == 2

    asyncio.run(main())


def test_a_response_of_the_test_client_of_flask_is_a_source() -> None:
    flask = real_parts.library("flask")
    app = flask.Flask(__name__)
    app.add_url_rule("/", view_func=lambda: flask.Response(iter(EVENTS), mimetype="text/event-stream"))
    got = app.test_client().get("/")
    stream = ndstream.stream(got)
    assert isinstance(stream.decoder, ndstream.SSEDecoder)
    assert list(stream) == [1, 2]
    assert list(ndstream.stream(app.test_client().get("/", buffered=True))) == [1, 2]


def test_a_response_of_the_test_client_of_starlette_is_a_source() -> None:
    responses = real_parts.library("starlette.responses")
    routing = real_parts.library("starlette.routing")
    app = real_parts.library("starlette.applications").Starlette(
        routes=[routing.Route("/", lambda _: responses.StreamingResponse(iter(EVENTS), media_type="text/event-stream"))]
    )
    with real_parts.library("starlette.testclient").TestClient(app).stream("GET", "/") as got:
        assert list(ndstream.stream(got)) == [1, 2]
