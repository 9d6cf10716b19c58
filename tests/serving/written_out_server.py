"""A server that is written out, so that each message of an ASGI application can be looked at."""

from __future__ import annotations

import asyncio
from typing import Any


class Server:
    """Takes what an application sends. The client leaves when it is told to."""

    def __init__(self, method: str = "GET", headers: dict[str, str] | None = None) -> None:
        pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        self.scope: dict[str, Any] = {"type": "http", "method": method, "path": "/", "headers": pairs}
        self.sent: list[dict[str, Any]] = []
        self.left = asyncio.Event()
        self.asked = 0
        # Sends wait for it.
        self.reading = asyncio.Event()
        self.reading.set()

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        if self.asked == 1:
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        await self.reading.wait()
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


async def ask(application: Any, server: Server) -> Server:
    await application(server.scope, server.receive, server.send)
    return server
