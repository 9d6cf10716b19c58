"""Heartbeats of an async relay, under asyncio and trio: while nothing is sent, between frames, and at no other time."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from serving.relaying import Upstream, collect, relayed

BEAT = b":\n\n"
A, B = b"data: a\n\n", b"data: b\n\n"


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Any:
    """Runs a coroutine function in both event loops."""
    return lambda main: anyio.run(main, backend=request.param)


def test_a_silent_upstream_has_heartbeats_and_is_not_read_again_for_them(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(A, 0.25, B)
        messages = await collect(relayed(upstream, format="sse", heartbeat=0.05))
        assert messages[0] == A
        assert messages[-1] == B
        assert set(messages[1:-1]) == {BEAT}
        assert 2 <= len(messages[1:-1]) <= 5
        assert (upstream.cancelled, upstream.closed) == (0, 1)

    run(main)


def test_heartbeats_come_before_the_first_byte(run: Any) -> None:
    async def main() -> None:
        relay = relayed(Upstream(0.1, A), format="sse", heartbeat=0.03)
        assert await anext(relay) == BEAT
        await relay.aclose()

    run(main)


def test_half_a_frame_is_not_sent_before_a_heartbeat(run: Any) -> None:
    async def main() -> None:
        messages = await collect(relayed(Upstream(b"data: a\n", 0.1, b"\n"), format="sse", heartbeat=0.03))
        assert messages[0] == BEAT
        assert messages[-1] == A
        assert set(messages[:-1]) == {BEAT}

    run(main)


def test_a_heartbeat_counts_from_the_last_message_and_not_from_the_last_chunk(run: Any) -> None:
    async def main() -> None:
        # Chunks that complete no frame are no news to the client.
        parts = [part for piece in (b"d", b"a", b"t", b"a", b":", b"x", b"\n", b"\n") for part in (0.02, piece)]
        messages = await collect(relayed(Upstream(*parts), format="sse", heartbeat=0.05))
        assert BEAT in messages

    run(main)


def test_frames_that_come_in_time_have_no_heartbeats_between_them(run: Any) -> None:
    async def main() -> None:
        # All of them take longer than the heartbeat's time, none of them does.
        parts = [part for _ in range(20) for part in (0.03, A)]
        assert await collect(relayed(Upstream(*parts), format="sse", heartbeat=0.3)) == [A] * 20

    run(main)


def test_comments_of_the_upstream_are_sent_on_and_count_as_news(run: Any) -> None:
    async def main() -> None:
        parts = [part for _ in range(5) for part in (0.03, b": keep-alive\n\n")]
        messages = await collect(relayed(Upstream(*parts), format="sse", heartbeat=0.5))
        assert messages == [b": keep-alive\n\n"] * 5

    run(main)


def test_formats_without_a_heartbeat_get_none(run: Any) -> None:
    async def main() -> None:
        for to, data in (("ndjson", b"1\n"), ("jsonseq", b"\x1e1\n")):
            messages = await collect(relayed(Upstream(0.1, b"1\n"), to, format="ndjson", heartbeat=0.02))
            assert messages == [data]

    run(main)


def test_a_heartbeat_can_be_switched_off(run: Any) -> None:
    async def main() -> None:
        assert await collect(relayed(Upstream(A, 0.1, B), format="sse", heartbeat=None)) == [A, B]

    run(main)


def test_heartbeats_do_not_pile_up_while_the_client_takes_nothing(run: Any) -> None:
    async def main() -> None:
        never = anyio.Event()
        upstream = Upstream(A, never)
        relay = relayed(upstream, format="sse", heartbeat=0.02)
        assert await anext(relay) == A
        await anyio.sleep(0.1)
        before = anyio.current_time()
        assert await anext(relay) == BEAT
        # Counted from when the client took the message before it.
        assert anyio.current_time() - before > 0.01
        await relay.aclose()

    run(main)


def test_a_first_frame_that_does_not_come_in_time_lets_the_response_start(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(0.1, A)
        relay = await relayed(upstream, format="sse", heartbeat=0.02).aopen(limit=0.03)
        messages = await collect(relay)
        assert messages[0] == BEAT
        assert messages[-1] == A
        assert upstream.cancelled == 0

    run(main)
