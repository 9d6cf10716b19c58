"""Bodies from servers and through proxies that people run: HTTP/1.1, HTTP/2, nginx."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts

from . import asgi, leaks, nginx
from .async_clients import AWAITING, GENERATORS
from .clients import Awaiting, Blocking
from .scenarios import FORMATS, TAKEN, WHOLE, Format, as_value, stream_of, values
from .sync_clients import BLOCKING

real_parts.library("starlette")

each_format = pytest.mark.parametrize("format", FORMATS)
PATHS = ["", "/buffered", "/unbuffered", "/compressed"]


@pytest.fixture(scope="module")
def application() -> asgi.Application:
    return asgi.Application()


@pytest.fixture(scope="module")
def uvicorn(application: asgi.Application) -> Iterator[str]:
    real_parts.library("uvicorn")
    with asgi.uvicorn(application.asgi) as address:
        yield address


@pytest.fixture(scope="module")
def proxy(uvicorn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with nginx.proxy(uvicorn, tmp_path_factory.mktemp("nginx")) as address:
        yield address


@pytest.fixture(scope="module")
def http2(application: asgi.Application, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Any]]:
    for name in ("hypercorn", "h2", "trustme"):
        real_parts.library(name)
    with asgi.hypercorn(application, tmp_path_factory.mktemp("tls")) as served:
        yield served


CLIENTS = [client for client in [*BLOCKING, *AWAITING] if client.speaks == "http"]


def name(client: Blocking | Awaiting) -> str:
    return f"{client.name}-{'sync' if isinstance(client, Blocking) else 'async'}"


each_client = pytest.mark.parametrize("client", CLIENTS, ids=name)


def read(
    client: Blocking | Awaiting, url: str, format: Format, acknowledge: Callable[[], None], most: int = WHOLE
) -> list[Any]:
    """The first values of what is there, each acknowledged as it comes, and all that follows given up."""
    client.require()
    taken: list[Any] = []

    def take(item: Any) -> bool:
        taken.append(as_value(item))
        acknowledge()
        return len(taken) == most

    if isinstance(client, Blocking):
        with (
            leaks.nothing_left(client.complains),
            client.session() as open,
            stream_of(client, format, open(url)) as stream,
        ):
            for item in stream:
                if take(item) and most < WHOLE:
                    break
        return taken

    async def run() -> None:
        assert isinstance(client, Awaiting)
        async with client.session() as open:
            source: Any = await open(url)
            async with stream_of(client, format, source) as stream:
                async for item in stream:
                    if take(item) and most < WHOLE:
                        break

    with leaks.nothing_left(client.complains):
        anyio.run(run, backend=client.backend)
    return taken


@each_client
@each_format
def test_uvicorn_s_frames_come_one_at_a_time_and_all(
    client: Blocking | Awaiting, format: Format, application: asgi.Application, uvicorn: str
) -> None:
    assert read(client, f"{uvicorn}/lockstep/{format}", format, application.acknowledge) == values(WHOLE)
    assert application.ended()


@each_client
def test_leaving_uvicorn_s_stream_ends_its_reply(
    client: Blocking | Awaiting, application: asgi.Application, uvicorn: str
) -> None:
    if client.stays:
        pytest.skip(client.stays)
    assert read(client, f"{uvicorn}/endless/sse", "sse", lambda: None, TAKEN) == values(TAKEN)
    assert application.ended()


@each_client
@pytest.mark.parametrize("where", ["unbuffered", "compressed", "buffered"])
def test_nginx_changes_nothing_but_what_it_is_told_to_hold_back(
    client: Blocking | Awaiting, where: str, application: asgi.Application, uvicorn: str, proxy: str
) -> None:
    # Asked to buffer, it keeps frames until it has enough of them; a header of the server's forbids that.
    for path in ("whole/ndjson", *([] if where == "buffered" else ["lockstep/sse"]), "lockstep/sse?unbuffered=1"):
        format: Format = "ndjson" if "ndjson" in path else "sse"
        assert read(client, f"{proxy}/{where}/{path}", format, application.acknowledge) == values(WHOLE)
    assert application.ended()


NEVER_RESET = ("httpx", "httpx2")
"""Over HTTP/2 these leave a stream that is closed early to the server, until their client is closed."""


class TestHTTP2:
    """One connection and many streams: leaving one resets that stream, and the connection stays."""

    @staticmethod
    def blocking(library: str, certificate: pathlib.Path) -> Any:
        module: Any = real_parts.library(library)
        if library == "niquests":
            session = module.Session()
            session.trust_env = False
            session.verify = str(certificate)
            return session, lambda url: session.get(url, stream=True)
        if library == "curl_cffi":
            session = module.Session(verify=str(certificate))
            return session, lambda url: session.get(url, stream=True)
        client = module.Client(http2=True, verify=asgi.trusting(certificate), trust_env=False)
        return client, lambda url: client.send(client.build_request("GET", url), stream=True)

    @pytest.mark.parametrize("library", ["httpx", "httpx2", "niquests", "curl_cffi"])
    @each_format
    def test_frames_come_one_at_a_time_and_a_stream_that_is_left_ends(
        self, library: str, format: Format, application: asgi.Application, http2: tuple[str, pathlib.Path]
    ) -> None:
        address, certificate = http2
        session, open = self.blocking(library, certificate)
        way = ndstream.ndjson if format == "ndjson" else ndstream.sse
        with session:
            got = []
            response = open(f"{address}/lockstep/{format}")
            # Each library has a name of its own for it, and curl_cffi libcurl's number.
            assert str(getattr(response, "http_version", None) or response.raw.version) in ("HTTP/2", "3", "20", "2")
            for item in way(response):
                got.append(as_value(item))
                application.acknowledge()
            assert got == values(WHOLE)
            with way(open(f"{address}/endless/{format}")) as stream:
                assert [as_value(next(stream)) for _ in range(TAKEN)] == values(TAKEN)
            assert library in NEVER_RESET or application.ended()
            # The connection is still good.
            assert [as_value(item) for item in way(open(f"{address}/whole/{format}"))] == values(WHOLE)
        assert application.ended()

    @pytest.mark.parametrize("library", ["httpx", "httpx2", "niquests", "curl_cffi"])
    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_the_same_awaited(
        self, library: str, backend: str, application: asgi.Application, http2: tuple[str, pathlib.Path]
    ) -> None:
        module: Any = real_parts.library(library)
        if backend == "trio":
            real_parts.library("trio")
            if library in ("niquests", "curl_cffi"):
                pytest.skip("asyncio alone")
        address, certificate = http2

        async def run() -> None:
            if library in ("httpx", "httpx2"):
                session = module.AsyncClient(http2=True, verify=asgi.trusting(certificate), trust_env=False)
            else:
                session = module.AsyncSession()
                session.trust_env = False
                session.verify = str(certificate)

            async def open(path: str) -> AsyncIterator[bytes]:
                if library in ("httpx", "httpx2"):
                    request = session.build_request("GET", address + path)
                    response: AsyncIterator[bytes] = await session.send(request, stream=True)
                    return response
                return await session.get(address + path, stream=True)  # type: ignore[no-any-return]

            async with session:
                got = []
                async for event in ndstream.sse(await open("/lockstep/sse")):
                    got.append(event.json())
                    application.acknowledge()
                assert got == values(WHOLE)
                async with ndstream.sse(await open("/endless/sse")) as stream:
                    assert (await stream.__anext__()).json() == values(1)[0]
                assert library in NEVER_RESET or await anyio.to_thread.run_sync(application.ended)
                assert [value async for value in ndstream.ndjson(await open("/whole/ndjson"))] == values(WHOLE)

        with leaks.nothing_left(GENERATORS if backend == "trio" else ""):
            anyio.run(run, backend=backend)
        assert application.ended()
