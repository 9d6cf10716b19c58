"""When a stream last heard from its source, and what happens when it hears nothing for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts
from doubles.loopback import response, serving
from doubles.sources import AsyncChunks, Failing, Source

BACKENDS = ["asyncio", "trio"]
# The clock is coarse.
EARLIER = 0.02


def test_the_readings_tell_chunks_frames_and_comments_apart() -> None:
    pause = threading.Event()

    def chunks() -> Iterator[bytes]:
        for chunk in (b"data: 1\n\nda", b"", b"ta: 2\n\n", b": ping\n\n", b"data: 3\n\n"):
            pause.wait(0.03)
            yield chunk

    before = time.monotonic()
    stream = ndstream.sse(chunks())
    assert (stream.last_byte_at, stream.last_frame_at, stream.last_comment_at) == (None, None, None)
    next(stream)
    assert stream.last_byte_at is not None
    first = stream.last_byte_at
    assert before - EARLIER < first <= time.monotonic()
    assert (stream.last_frame_at, stream.last_comment_at) == (first, None)
    next(stream)
    second = stream.last_frame_at
    assert second is not None
    assert second > first
    next(stream)
    assert stream.last_comment_at is not None
    assert stream.last_frame_at is not None
    # The comment came in between, and the empty chunk counted for nothing.
    assert second < stream.last_comment_at < stream.last_frame_at == stream.last_byte_at


def test_a_heartbeat_moves_the_byte_and_leaves_the_frame() -> None:
    pause = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield b"1\n"
        pause.wait(0.03)
        yield b"\n"
        raise OSError("gone")

    stream = ndstream.ndjson(chunks())
    next(stream)
    first = stream.last_frame_at
    with pytest.raises(ndstream.TruncatedError):
        next(stream)
    assert stream.last_frame_at == first
    assert stream.last_byte_at is not None
    assert first is not None
    assert stream.last_byte_at > first


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_async_stream_has_the_same_readings(backend: str) -> None:
    async def main() -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for chunk in (b"data: 1\n\n", b": ping\n\n", b"data: 2\n\n"):
                yield chunk
                await anyio.sleep(0.03)

        stream = ndstream.stream(chunks())
        assert stream.last_byte_at is None
        await stream.__anext__()
        first = stream.last_frame_at
        assert first == stream.last_byte_at is not None
        await stream.__anext__()
        assert stream.last_comment_at is not None
        assert stream.last_frame_at is not None
        assert first is not None
        assert first < stream.last_comment_at < stream.last_frame_at
        await stream.aclose()

    anyio.run(main, backend=backend)


class Beating(AsyncChunks):
    """Sends its chunks, and then heartbeats without end."""

    beat = b": ping\n\n"
    beats = 0

    async def __anext__(self) -> bytes:
        if self.chunks:
            return await super().__anext__()
        self.beats += 1
        await anyio.sleep(0.01)
        return self.beat


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("beat", [b": ping\n\n", b"\n", b"event: ping\n\n", b": " + b"p" * 1000 + b"\n\n"])
def test_heartbeats_do_not_keep_a_stalled_stream(backend: str, beat: bytes) -> None:
    async def main() -> None:
        source = Beating(b"data: 1\n\n")
        source.beat = beat
        stream = ndstream.stream(source, idle_timeout=0.1)
        assert await stream.__anext__() == 1
        with anyio.fail_after(5), pytest.raises(ndstream.TruncatedError, match="stalled after 1 frames") as caught:
            await stream.__anext__()
        error = caught.value
        assert (error.reason, error.offset > 0) == ("stalled", True)
        assert isinstance(error.__cause__, TimeoutError)
        assert source.beats
        assert source.closed == 1
        assert stream.closed
        assert [value async for value in stream] == []

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_silence_ends_a_stream_with_the_frame_that_was_begun(backend: str) -> None:
    async def main() -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"1\n[2"
            await anyio.sleep(60)

        stream = ndstream.ndjson(chunks(), idle_timeout=0.05)
        assert await stream.__anext__() == 1
        with anyio.fail_after(5), pytest.raises(ndstream.TruncatedError) as caught:
            await stream.__anext__()
        assert (caught.value.reason, caught.value.frame, caught.value.offset) == ("stalled", b"[2", 2)

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_frame_that_grows_is_not_idle(backend: str) -> None:
    async def main() -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for byte in b'{"a":"12345678"}\n':
                await anyio.sleep(0.05)
                yield bytes((byte,))

        assert [value async for value in ndstream.ndjson(chunks(), idle_timeout=0.5)] == [{"a": "12345678"}]

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_time_that_a_value_is_used_for_does_not_count(backend: str) -> None:
    async def main() -> None:
        stream = ndstream.ndjson(AsyncChunks(b"1\n", b"2\n"), idle_timeout=0.05)
        values = []
        async for value in stream:
            values.append(value)
            await anyio.sleep(0.1)
        assert values == [1, 2]

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cancellation_from_outside_is_not_taken_for_a_stall(backend: str) -> None:
    async def main() -> None:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"1\n"
            await anyio.sleep(60)

        stream = ndstream.ndjson(chunks(), idle_timeout=30)
        with anyio.move_on_after(0.05) as scope:
            async for _ in stream:
                pass
        assert scope.cancelled_caught
        assert stream.closed

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_errors_of_the_source_pass_through_the_timeout(backend: str) -> None:
    async def main() -> None:
        stream = ndstream.ndjson(Failing(b"1\n", failure=OSError("gone")), idle_timeout=5)
        assert await stream.__anext__() == 1
        with pytest.raises(ndstream.TruncatedError) as caught:
            await stream.__anext__()
        assert caught.value.reason == "source_failed"

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stall_is_seen_through_what_was_read_ahead(backend: str) -> None:
    async def main() -> None:
        source = Beating(b"data: 1\n\n")
        stream = ndstream.stream(source, idle_timeout=0.1, prefetch=2)
        assert await stream.__anext__() == 1
        with anyio.fail_after(5), pytest.raises(ndstream.TruncatedError, match="stalled"):
            await stream.__anext__()
        assert source.closed == 1

    anyio.run(main, backend=backend)


def test_a_response_that_stalls_is_closed() -> None:
    httpx = real_parts.library("httpx")
    go_on = threading.Event()

    async def main(server: Any) -> None:
        async with httpx.AsyncClient(verify=False) as client, client.stream("GET", server.url) as got:
            stream = ndstream.ndjson(got, idle_timeout=0.1)
            assert await stream.__anext__() == 1
            with pytest.raises(ndstream.TruncatedError, match="stalled"):
                await stream.__anext__()
            assert got.is_closed

    with serving(response(b"1\n", go_on, b"2\n")) as server:
        anyio.run(main, server)
        go_on.set()


def test_a_sync_source_has_no_idle_timeout_and_is_told_its_own() -> None:
    source = Source(b"1\n")
    with pytest.raises(ValueError, match="read timeout"):
        ndstream.ndjson(source, idle_timeout=5)
    assert source.closed == 1
    httpx = real_parts.library("httpx")
    with pytest.raises(ValueError, match=r"httpx\.Timeout\(10, read="):
        ndstream.stream(httpx.Response(200, content=iter([b"1\n"])), idle_timeout=5)


@pytest.mark.parametrize(
    ("seconds", "error"),
    [
        (0, ValueError),
        (-1, ValueError),
        (float("nan"), ValueError),
        ("5", TypeError),
        (True, TypeError),
    ],
)
def test_a_time_that_is_none_is_refused(seconds: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="idle_timeout"):
        ndstream.ndjson(AsyncChunks(), idle_timeout=seconds)


@pytest.mark.parametrize(
    ("drain", "error"),
    [
        (5, TypeError),
        ((1,), TypeError),
        ((1, "2"), TypeError),
        ((-1, 1), ValueError),
        ((float("nan"), 1), ValueError),
        ((1, float("nan")), ValueError),
    ],
)
def test_a_drain_that_is_none_is_refused(drain: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="drain"):
        ndstream.ndjson(b"", drain=drain)


@pytest.mark.parametrize("seconds", [float("inf"), 1e300, 10**400])
def test_a_time_may_be_as_long_as_it_likes(seconds: float) -> None:
    async def main() -> list[Any]:
        source = AsyncChunks(b"1\n", b'"end"\n', b"2\n")
        return [value async for value in ndstream.ndjson(source, idle_timeout=seconds, done=b'"end"')]

    assert anyio.run(main) == [1]
    httpx = real_parts.library("httpx")
    with serving(response(b"1\n", b'"end"\n')) as server, httpx.stream("GET", server.url) as got:
        assert list(ndstream.ndjson(got, done=b'"end"', drain=(65536, seconds))) == [1]
