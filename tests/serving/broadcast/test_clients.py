"""A broadcast of a reply, read by an official client that takes less than the standard gives."""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

import pytest

import real_parts
from doubles.loopback import response
from doubles.loopback import serving as upstream_serving
from ndstream.serving import Broadcast
from serving.servers import GET


def sent(**options: Any) -> list[bytes]:
    """A reply as it goes to a client, with a silence after its first word."""
    broadcast = Broadcast(**options)
    subscription = broadcast.subscribe_sync()
    chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    broadcast.publish_nowait(chunk)
    frames = [next(subscription)]
    if options["heartbeat"] is not None:
        frames += islice(subscription, 1)
    else:
        time.sleep(0.05)
    broadcast.publish_nowait(chunk)
    broadcast.publish_nowait("[DONE]")
    broadcast.finish()
    return [*frames, *subscription]


def read(frames: list[bytes]) -> list[str]:
    """What OpenAI's Python client makes of it."""
    openai: Any = real_parts.library("openai", GET)
    with upstream_serving(response(*frames, kind="text/event-stream")) as server:
        client = openai.OpenAI(api_key="x", base_url=server.url, max_retries=0)
        chunks = client.chat.completions.create(model="m", messages=[], stream=True)
        return [chunk.choices[0].delta.content for chunk in chunks]


def test_the_python_client_of_openai_reads_a_broadcast_without_heartbeats_and_retry() -> None:
    frames = sent(heartbeat=None, retry=None)
    assert all(b"id: " in frame for frame in frames)
    assert read(frames) == ["Hi", "Hi"]


@pytest.mark.parametrize("options", [{"heartbeat": None, "retry": (1.0, 5.0)}, {"heartbeat": 0.02, "retry": None}])
def test_it_fails_at_either_so_that_the_advice_to_leave_them_out_is_still_needed(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        read(sent(**options))
