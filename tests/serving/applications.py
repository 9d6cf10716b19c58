"""One application for each framework, all with the same routes. Run as a program it serves one of them:

python -m serving.applications FRAMEWORK SERVER PORT

GET /relay?upstream=URL   what an upstream sends, as a body of the framework
GET /endless              a source in memory that never waits
GET /refused?upstream=URL opened before the response starts, so that a refusal is an answer with its status
GET /released             how many endless sources have been released
GET /broadcast?last=ID    a subscription to the one broadcast that goes on after this id
GET /publish              one more event for its subscribers: its id
GET /subscribers          how many there are
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs

import httpx

import ndstream

HEARTBEAT = 0.3
EVENT = b"data: " + b"x" * 200 + b"\n\n"
BROADCAST = ndstream.Broadcast(epoch="e", retry=None, heartbeat=HEARTBEAT)


class Endless:
    """A source in memory that never waits."""

    released = 0

    def __aiter__(self) -> Endless:
        return self

    async def __anext__(self) -> bytes:
        return EVENT

    async def aclose(self) -> None:
        Endless.released += 1


class EndlessSync:
    """The same, read by calling."""

    def __iter__(self) -> EndlessSync:
        return self

    def __next__(self) -> bytes:
        # Many events at once: waitress notices that a client left once its buffer of 16 MiB is full.
        return EVENT * 200

    def close(self) -> None:
        Endless.released += 1


def broadcast_text(path: str) -> str | None:
    if path == "/publish":
        return BROADCAST.publish_nowait("news")
    return f"subscribers: {BROADCAST.subscribers}" if path == "/subscribers" else None


_clients: list[httpx.AsyncClient] = []


async def connected(url: str) -> Any:
    """A response of an async client whose body has not been read."""
    if not _clients:
        _clients.append(httpx.AsyncClient(timeout=httpx.Timeout(10, read=None)))
    return await _clients[0].send(_clients[0].build_request("GET", url), stream=True)


def connected_sync(url: str) -> Any:
    client = httpx.Client(timeout=httpx.Timeout(10, read=None))
    return client.send(client.build_request("GET", url), stream=True)


async def opened(path: str, query: str) -> Any:
    """The relay for a path, or the text to answer with."""
    url = parse_qs(query).get("upstream", [""])[0]
    if path == "/broadcast":
        return BROADCAST.subscribe(parse_qs(query).get("last", [""])[0])
    if (text := broadcast_text(path)) is not None:
        return text
    if path == "/relay":
        return ndstream.relay(await connected(url), heartbeat=HEARTBEAT)
    if path == "/endless":
        return ndstream.relay(Endless(), format="sse", heartbeat=HEARTBEAT)
    if path == "/refused":
        return await ndstream.relay(await connected(url), heartbeat=HEARTBEAT).aopen()
    return str(Endless.released)


def starlette() -> Any:
    library: Any = import_module("starlette.applications")
    responses: Any = import_module("starlette.responses")
    routing: Any = import_module("starlette.routing")

    async def answer(request: Any) -> Any:
        made = await opened(request.url.path, request.url.query)
        if isinstance(made, str):
            return responses.PlainTextResponse(made)
        return responses.StreamingResponse(made, headers=made.headers)

    return library.Starlette(routes=[routing.Route("/{path}", answer)])


def starlette_asgi() -> Any:
    """The relay is the response."""
    library: Any = import_module("starlette.applications")
    responses: Any = import_module("starlette.responses")
    routing: Any = import_module("starlette.routing")

    async def answer(request: Any) -> Any:
        if request.url.path == "/refused":
            url = parse_qs(request.url.query)["upstream"][0]
            return ndstream.relay(await connected(url), heartbeat=HEARTBEAT)
        made = await opened(request.url.path, request.url.query)
        return responses.PlainTextResponse(made) if isinstance(made, str) else made

    return library.Starlette(routes=[routing.Route("/{path}", answer)])


def fastapi() -> Any:
    library: Any = import_module("fastapi")
    responses: Any = import_module("fastapi.responses")
    app = library.FastAPI()

    async def answer(path: str, request: Any) -> Any:
        made = await opened(f"/{path}", request.url.query)
        if isinstance(made, str):
            return responses.PlainTextResponse(made)
        return responses.StreamingResponse(made, headers=made.headers)

    answer.__annotations__["request"] = library.Request
    app.get("/{path}")(answer)
    return app


def litestar() -> Any:
    library: Any = import_module("litestar")
    response: Any = import_module("litestar.response")

    async def answer(path: str, request: Any) -> Any:
        made = await opened(path, request.scope["query_string"].decode())
        if isinstance(made, str):
            return response.Response(made, media_type="text/plain")
        return response.Stream(made, headers=made.headers, media_type=made.content_type)

    answer.__annotations__.update({"path": str, "request": library.Request, "return": Any})
    return library.Litestar([library.get("/{path:path}")(answer)])


def django() -> Any:
    settings: Any = import_module("django.conf").settings
    settings.configure(DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", MIDDLEWARE=[])
    import_module("django").setup()
    http: Any = import_module("django.http")
    urls: Any = import_module("django.urls")

    async def answer(request: Any, path: str) -> Any:
        made = await opened(f"/{path}", request.META["QUERY_STRING"])
        if isinstance(made, str):
            return http.HttpResponse(made)
        return http.StreamingHttpResponse(made, headers=made.headers)

    globals()["urlpatterns"] = [urls.path("<str:path>", answer)]
    return import_module("django.core.asgi").get_asgi_application()


def quart() -> Any:
    library: Any = import_module("quart")
    app = library.Quart("relay")

    @app.get("/<path>")  # type: ignore[untyped-decorator]
    async def answer(path: str) -> Any:
        made = await opened(f"/{path}", library.request.query_string.decode())
        if isinstance(made, str):
            return made
        response = library.Response(made, headers=made.headers)
        # Quart cuts every response after a minute unless it is told not to.
        response.timeout = None
        return response

    return app


def flask() -> Any:
    library: Any = import_module("flask")
    app = library.Flask("relay")

    @app.get("/<path>")  # type: ignore[untyped-decorator]
    def answer(path: str) -> Any:
        url = library.request.args.get("upstream", "")
        if path == "broadcast":
            subscription = BROADCAST.subscribe_sync(library.request.args.get("last"))
            return library.Response(subscription, headers=subscription.headers)
        if path == "released":
            return str(Endless.released)
        if (text := broadcast_text(f"/{path}")) is not None:
            return text
        source = EndlessSync() if path == "endless" else connected_sync(url)
        made = ndstream.relay(source, format="sse" if path == "endless" else None, heartbeat=HEARTBEAT)
        if path == "refused":
            made.open()
        return library.Response(made, headers=made.headers)

    return app


def aiohttp_web(port: int) -> None:
    web: Any = import_module("aiohttp.web")

    async def answer(request: Any) -> Any:
        made = await opened(request.path, request.query_string)
        if isinstance(made, str):
            return web.Response(text=made)
        async with made:
            response = web.StreamResponse(headers=made.headers)
            await response.prepare(request)
            async for message in made:
                await response.write(message)
        return response

    app = web.Application()
    app.router.add_get("/{path}", answer)
    web.run_app(app, host="127.0.0.1", port=port, print=None, handle_signals=True)


FRAMEWORKS: dict[str, Callable[[], Any]] = {
    "starlette": starlette,
    "starlette-asgi": starlette_asgi,
    "fastapi": fastapi,
    "litestar": litestar,
    "django": django,
    "quart": quart,
    "flask": flask,
}


def serve(framework: str, server: str, port: int) -> None:
    """Serve an application until the process is told to end."""
    if framework == "aiohttp.web":
        aiohttp_web(port)
        return
    # Granian's workers make their own.
    app = None if server == "granian" else FRAMEWORKS[framework]()
    if server == "uvicorn":
        library: Any = import_module("uvicorn")
        library.run(app, host="127.0.0.1", port=port, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    elif server == "hypercorn":
        config = import_module("hypercorn.config").Config()
        config.bind = [f"127.0.0.1:{port}"]
        config.loglevel = "ERROR"
        run: Callable[..., Coroutine[Any, Any, None]] = import_module("hypercorn.asyncio").serve
        asyncio.run(run(app, config))
    elif server == "granian":
        os.environ["SERVED_FRAMEWORK"] = framework
        granian: Any = import_module("granian").Granian
        granian("serving.applications:granian_app", address="127.0.0.1", port=port, interface="asgi", factory=True,
                log_enabled=False).serve()  # fmt: skip
    elif server == "waitress":
        import_module("waitress").serve(app, host="127.0.0.1", port=port, threads=8, channel_timeout=5)
    elif server == "gunicorn":
        base: Any = import_module("gunicorn.app.base").BaseApplication

        class Application(base):  # type: ignore[misc]
            def load_config(self) -> None:
                options = {"bind": f"127.0.0.1:{port}", "threads": 8, "worker_class": "gthread", "loglevel": "critical"}
                for name, value in options.items():
                    self.cfg.set(name, value)

            def load(self) -> Any:
                return app

        sys.argv = sys.argv[:1]
        Application().run()
    else:
        raise ValueError(server)


def granian_app() -> Any:
    return FRAMEWORKS[os.environ["SERVED_FRAMEWORK"]]()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
