"""The body of a request, as it is handed to an application: servers that read an upload with ndstream.

Each application tells what it saw through an `Upload`: every value when it has it, then what ended them.
"""

from __future__ import annotations

import queue
import threading
import types
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import ndstream

from . import asgi
from .scripted_server import PATIENCE

Serve = Callable[["Upload"], AbstractContextManager[str]]


@dataclass
class Upload:
    """What an application has seen of the body that it was sent."""

    values: queue.Queue[Any] = field(default_factory=queue.Queue)
    ended: queue.Queue[BaseException | None] = field(default_factory=queue.Queue)

    def read(self, source: Any) -> None:
        try:
            for value in ndstream.ndjson(source):
                self.values.put(value)
        except Exception as error:
            self.ended.put(error)
        else:
            self.ended.put(None)

    async def read_async(self, source: Any) -> None:
        try:
            async for value in ndstream.ndjson(source):
                self.values.put(value)
        except Exception as error:
            self.ended.put(error)
        else:
            self.ended.put(None)


async def _respond(send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def starlette(upload: Upload) -> AbstractContextManager[str]:
    requests: Any = import_module("starlette.requests")

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await upload.read_async(requests.Request(scope, receive).stream())
        await _respond(send)

    return asgi.uvicorn(application)


def raw_asgi(upload: Upload) -> AbstractContextManager[str]:
    """The protocol's own messages: a dozen lines make an iterator of them."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def body() -> AsyncIterator[bytes]:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ConnectionError("the client has gone")
                yield message.get("body", b"")
                more = message.get("more_body", False)

        await upload.read_async(body())
        await _respond(send)

    return asgi.uvicorn(application)


def _django(upload: Upload) -> types.ModuleType:
    """Django's settings, which are the process's, and the one view there is."""
    django: Any = import_module("django")
    settings: Any = import_module("django.conf").settings
    path: Any = import_module("django.urls").path
    response: Any = import_module("django.http").HttpResponse
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__ + ".urls", USE_TZ=True, SECRET_KEY="none")
        django.setup()

    def view(request: Any) -> Any:
        upload.read(request)
        return response(status=204)

    urls = types.ModuleType("urls")
    vars(urls)["urlpatterns"] = [path("", view)]
    settings.ROOT_URLCONF = urls
    import_module("django.urls").clear_url_caches()
    return urls


def django_asgi(upload: Upload) -> AbstractContextManager[str]:
    _django(upload)
    return asgi.uvicorn(import_module("django.core.handlers.asgi").ASGIHandler())


def django_wsgi(upload: Upload) -> AbstractContextManager[str]:
    _django(upload)
    return _wsgi(import_module("django.core.handlers.wsgi").WSGIHandler())


def werkzeug(upload: Upload) -> AbstractContextManager[str]:
    wrappers: Any = import_module("werkzeug.wrappers")

    @wrappers.Request.application  # type: ignore[untyped-decorator]
    def application(request: Any) -> Any:
        upload.read(request.stream)
        return wrappers.Response(status=204)

    return _wsgi(application)


def wsgi_input(upload: Upload) -> AbstractContextManager[str]:
    """What the server itself gives: it does not end where the body does, so it has to be cut there."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        left = int(environ["CONTENT_LENGTH"])

        def body() -> Iterator[bytes]:
            nonlocal left
            while left:
                chunk = environ["wsgi.input"].read1(min(left, 65536))
                if not chunk:
                    raise ConnectionError(f"the client has gone, {left} bytes before the end")
                left -= len(chunk)
                yield chunk

        upload.read(body())
        start_response("204 No Content", [])
        return []

    return _wsgi(application)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, *arguments: Any) -> None:
        pass


@contextmanager
def _wsgi(application: Any) -> Iterator[str]:
    with make_server("127.0.0.1", 0, application, _Threads, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="wsgi", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join(PATIENCE)


@dataclass(frozen=True)
class Body:
    """A framework's body, and what the framework lets through of how it came.

    Attributes:
        needs: Modules that must be there.
        prompt: Whether bytes are there before the body's end.
        tells: Whether a client that goes in mid-body ends what is read; else the application is not even called.
        counts: Whether a body that is shorter than its Content-Length is an error; else it is a plain end.
    """

    name: str
    needs: tuple[str, ...]
    serve: Serve
    prompt: bool = True
    tells: bool = True
    counts: bool = True


BODIES = [
    Body("Starlette request.stream()", ("starlette", "uvicorn"), starlette),
    Body("ASGI receive", ("uvicorn",), raw_asgi),
    # It reads the whole body before it calls the view.
    Body("Django request, ASGI", ("django", "uvicorn"), django_asgi, prompt=False, tells=False),
    # Their streams wait until as much is there as was asked for.
    Body("Django request, WSGI", ("django",), django_wsgi, prompt=False, counts=False),
    Body("Werkzeug request.stream", ("werkzeug",), werkzeug, prompt=False),
    Body("WSGI input", (), wsgi_input),
]
