"""An ASGI application that answers as each target does. Run as a program it serves under uvicorn:

python -m serving.targets.application PORT

POST /TARGET/NUMBER/...   the upstream of that number, translated for the target
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import orjson

import ndstream
from ndstream.serving import TARGETS, AGUITarget, Target

from .upstreams import upstreams

CHUNK = 61
UPSTREAMS = list(upstreams().items())
PAUSE, HEARTBEAT = 0.15, 0.03
"""In seconds."""


async def application(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    _, target_name, number, *_ = scope["path"].split("/")
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    target: Target = TARGETS[target_name]()
    if isinstance(target, AGUITarget):
        request = orjson.loads(body)
        target = AGUITarget(thread_id=request["threadId"], run_id=request["runId"])
    name, data = UPSTREAMS[int(number)]
    if name == "silence":
        relay = ndstream.relay(in_events(data), target, heartbeat=HEARTBEAT)
    else:
        relay = ndstream.relay(in_chunks(data), target, first_frame_timeout=None)
    await relay(scope, receive, send)


async def in_chunks(data: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(data), CHUNK):
        yield data[begin : begin + CHUNK]


async def in_events(data: bytes) -> AsyncIterator[bytes]:
    for event in data.split(b"\n\n"):
        await asyncio.sleep(PAUSE)
        yield event + b"\n\n"


def main() -> None:
    import uvicorn

    async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
        await application(scope, receive, send)

    uvicorn.run(without_lifespan, port=int(sys.argv[1]), lifespan="off", log_level="warning")


if __name__ == "__main__":
    main()
