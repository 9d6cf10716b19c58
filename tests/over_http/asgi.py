"""The same bodies from servers that people run: uvicorn for HTTP/1.1, hypercorn for HTTP/2.

Both run one Starlette application in a thread of their own. It counts the replies that it is still
sending, which is how a stream of HTTP/2 that was left shows that it was reset: its connection stays.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from .scenarios import CONTENT_TYPES, CUT, WHOLE, Format, frame
from .scripted_server import PATIENCE


class Application:
    """What is served, and what of it is still being sent.

    Attributes:
        replying: How many replies have begun and not ended.
        acknowledged: How many frames the client has acknowledged, in all.
    """

    def __init__(self) -> None:
        self.replying = self.acknowledged = 0
        starlette: Any = import_module("starlette.applications")
        routing: Any = import_module("starlette.routing")
        responses: Any = import_module("starlette.responses")

        async def answer(request: Any) -> Any:
            format: Format = request.path_params["format"]
            make = getattr(self, request.path_params["body"])
            headers = {"X-Accel-Buffering": "no"} if request.query_params.get("unbuffered") else {}
            return responses.StreamingResponse(
                self.counted(make(format)), media_type=CONTENT_TYPES[format], headers=headers
            )

        self.asgi = starlette.Starlette(routes=[routing.Route("/{body}/{format}", answer)])

    async def counted(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        self.replying += 1
        try:
            async for part in body:
                yield part
        finally:
            self.replying -= 1

    async def whole(self, format: Format) -> AsyncIterator[bytes]:
        for number in range(WHOLE):
            yield frame(format, number)

    async def lockstep(self, format: Format) -> AsyncIterator[bytes]:
        """Each frame once the client has the one before it, for as long as there is patience."""
        begun = self.acknowledged
        for number in range(WHOLE):
            yield frame(format, number)
            deadline = time.monotonic() + PATIENCE / 2
            while self.acknowledged < begun + number + 1:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"frame {number} was withheld")
                await asyncio.sleep(0.001)

    async def endless(self, format: Format) -> AsyncIterator[bytes]:
        """Some frames, and then nothing but what keeps the stream alive: that is how a reset shows."""
        for number in range(CUT):
            yield frame(format, number)
        while True:
            await asyncio.sleep(0.01)
            yield b"\n" if format == "ndjson" else b": wait\n\n"

    def acknowledge(self) -> None:
        self.acknowledged += 1

    def ended(self) -> bool:
        """Whether all replies end, before it is too late."""
        deadline = time.monotonic() + PATIENCE
        while self.replying and time.monotonic() < deadline:
            time.sleep(0.001)
        return self.replying == 0


@contextmanager
def uvicorn(application: Any, *, lifespan: str = "off") -> Iterator[str]:
    """Serve an ASGI application over HTTP/1.1; the address."""
    library: Any = import_module("uvicorn")
    with _listening() as listener:
        config = library.Config(
            application, log_level="error", lifespan=lifespan, timeout_graceful_shutdown=1, ws="none"
        )
        server = library.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), name="uvicorn", daemon=True)
        thread.start()
        try:
            _until(lambda: server.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


@contextmanager
def hypercorn(application: Application, folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve over HTTP/2 and TLS, with a certificate of its own; the address, and whom to trust."""
    config_type: Any = import_module("hypercorn.config").Config
    serve: Any = import_module("hypercorn.asyncio").serve
    trustme: Any = import_module("trustme")
    authority = trustme.CA()
    trusted, certificate, key = folder / "trusted.pem", folder / "certificate.pem", folder / "key.pem"
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(trusted))
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    with _listening() as listener:
        config = config_type()
        # It closes what it is given.
        config.bind = [f"fd://{os.dup(listener.fileno())}"]
        config.certfile, config.keyfile = str(certificate), str(key)
        config.alpn_protocols = ["h2", "http/1.1"]
        config.graceful_timeout = 0.1
        config.loglevel = "CRITICAL"
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda loop, context: None)
        stop = asyncio.Event()
        running = threading.Thread(
            target=lambda: loop.run_until_complete(serve(application.asgi, config, shutdown_trigger=stop.wait)),
            name="hypercorn",
            daemon=True,
        )
        running.start()
        try:
            yield f"https://localhost:{listener.getsockname()[1]}", trusted
        finally:
            loop.call_soon_threadsafe(stop.set)
            running.join(PATIENCE)
            loop.close()


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()
