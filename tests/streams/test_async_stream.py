"""Async streams: the same values, errors and release as sync ones, under asyncio and trio."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

import ndstream
from doubles.sources import AsyncChunks, Failing, chunks_and_a_wait


@pytest.fixture(params=["asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


pytestmark = pytest.mark.anyio


async def test_values_come_out_and_the_end_releases_the_source_once() -> None:
    source = AsyncChunks(b"1\n2", b"\n3")
    async with ndstream.ndjson(source) as stream:
        assert [value async for value in stream] == [1, 2, 3]
        assert (source.closed, stream.closed) == (1, True)
    await stream.aclose()
    assert source.closed == 1
    assert [value async for value in stream] == []


async def test_a_bad_frame_does_not_end_the_stream() -> None:
    source = AsyncChunks(b"1\nx\n2\n", b"y\n", b"3\n[4")
    stream = ndstream.ndjson(source)
    seen: list[Any] = []
    while True:
        try:
            async for value in stream:
                seen.append(value)
        except ndstream.StreamError as error:
            seen.append(error.reason)
        else:
            break
    assert seen == [1, "invalid_json", 2, "invalid_json", 3, "unfinished"]
    assert source.closed == 1


async def test_aclose_ends_the_iteration_where_it_stands() -> None:
    source = AsyncChunks(b"1\n2\n", b"3\n")
    stream = ndstream.ndjson(source)
    assert await stream.__anext__() == 1
    await stream.aclose()
    await stream.aclose()
    assert source.closed == 1
    assert [value async for value in stream] == []


async def test_an_exception_in_the_loop_releases_the_source() -> None:
    source = AsyncChunks(b"1\n2\n")
    with pytest.raises(ZeroDivisionError):
        async with ndstream.ndjson(source) as stream:
            async for value in stream:
                value / 0
    assert source.closed == 1


async def test_a_cancelled_task_releases_the_source() -> None:
    released: list[str] = []

    async def read() -> None:
        async for _ in ndstream.ndjson(chunks_and_a_wait(b"1\n", released=released)):
            pass

    task = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert released == ["released"]


async def test_a_stream_that_is_left_behind_releases_its_source() -> None:
    source = AsyncChunks(b"1\n2\n")
    async for _ in ndstream.ndjson(source):
        break
    gc.collect()
    # The event loop closes what was dropped in a task of its own.
    for _ in range(5):
        await anyio.sleep(0)
    assert source.closed == 1


async def test_a_source_that_fails_is_a_truncated_stream() -> None:
    failure = ConnectionResetError("reset by peer")
    source = Failing(b"1\n[2", failure=failure)
    stream = ndstream.ndjson(source)
    assert await stream.__anext__() == 1
    with pytest.raises(ndstream.TruncatedError) as caught:
        await stream.__anext__()
    assert caught.value.__cause__ is failure
    assert (caught.value.reason, caught.value.frame, caught.value.offset) == ("source_failed", b"[2", 2)
    assert source.closed == 1
    assert [value async for value in stream] == []


async def test_the_sentinel_ends_the_stream_at_once() -> None:
    source = AsyncChunks(b"data: 1\n\ndata: [DONE]\n\n", b"data: 2\n\n")
    assert [value async for value in ndstream.stream(source)] == [1]
    assert source.closed == 1
    assert len(source.chunks) == 1


async def test_chunks_that_are_not_bytes_are_refused_and_the_source_released() -> None:
    source = AsyncChunks(b"1\n", "text")  # type: ignore[arg-type]
    stream = ndstream.ndjson(source)
    assert await stream.__anext__() == 1
    with pytest.raises(TypeError, match="chunk must be bytes"):
        await stream.__anext__()
    assert source.closed == 1
    assert [value async for value in stream] == []


async def test_two_tasks_cannot_wait_for_the_same_stream() -> None:
    never = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        await never.wait()
        yield b"1\n"

    stream = ndstream.ndjson(chunks())
    first = asyncio.ensure_future(stream.__anext__())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="two tasks"):
        await stream.__anext__()
    never.set()
    assert await first == 1
    await stream.aclose()


async def test_values_can_be_awaited_one_by_one_in_any_order() -> None:
    stream = ndstream.ndjson(AsyncChunks(b"1\n2\n3\n(4)\n", b"5\n"), loads=lambda payload: payload)
    first = stream.__anext__()
    assert await first == b"1"
    second, third = stream.__anext__(), stream.__anext__()
    # The step is taken when it is awaited: one that is made first, or dropped, takes nothing.
    assert await third == b"2"
    assert await second == b"3"
    with pytest.raises(RuntimeError, match="awaited already"):
        await second
    assert await asyncio.wait_for(stream.__anext__(), 10) == b"(4)"
    assert await asyncio.wait_for(stream.__anext__(), 10) == b"5"
    await stream.aclose()


@pytest.mark.parametrize("value", [(1, 2), (), ValueError("a value"), StopIteration(3), None, StopIteration])
async def test_values_that_exceptions_could_mistake_for_arguments_arrive_whole(value: Any) -> None:
    stream = ndstream.ndjson(AsyncChunks(b"1\n2\n"), loads=lambda payload: value)
    assert [got async for got in stream] == [value, value]


async def test_a_value_is_not_changed_by_the_one_behind_it() -> None:
    stream = ndstream.ndjson(AsyncChunks(b'0\n{"a":1}\n{"a":2}\n'))
    assert await stream.__anext__() == 0
    kept: list[StopIteration] = []
    for _ in range(2):
        waiting = stream.__anext__().__await__()
        try:
            next(waiting)
        except StopIteration as stop:
            kept.append(stop)
    assert [stop.value for stop in kept] == [{"a": 1}, {"a": 2}]
    await stream.aclose()


class Value:
    """What `loads` makes, and how many of it there are."""

    alive = 0

    def __init__(self, payload: bytes) -> None:
        Value.alive += 1

    def __del__(self) -> None:
        Value.alive -= 1


async def test_awaiting_holds_on_to_no_value_but_the_last() -> None:
    stream = ndstream.ndjson(AsyncChunks(b"1\n" * 100), loads=Value)
    async for value in stream:
        assert Value.alive <= 2
        del value
    del stream
    gc.collect()
    assert Value.alive == 0


async def test_reference_counts_stay_even_over_many_values() -> None:
    marker = object()
    before = sys.getrefcount(marker)
    async for value in ndstream.ndjson(AsyncChunks(b"1\n" * 1000), loads=lambda payload: marker):
        del value
    gc.collect()
    assert sys.getrefcount(marker) == before


async def test_an_awaitable_that_is_never_awaited_takes_nothing() -> None:
    stream = ndstream.ndjson(AsyncChunks(b"1\n2\n3\n"))
    assert await stream.__anext__() == 1
    for _ in range(3):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stream.__anext__(), 0)
    assert [value async for value in stream] == [2, 3]


async def test_an_error_comes_from_the_await_and_not_from_the_call() -> None:
    stream = ndstream.ndjson(AsyncChunks(b"1\nx\n2\n"))
    assert await stream.__anext__() == 1
    waiting = stream.__anext__()
    with pytest.raises(ndstream.DecodeError):
        await waiting
    assert [value async for value in stream] == [2]


async def test_tasks_that_crowd_one_stream_lose_no_value() -> None:
    stream = ndstream.ndjson(AsyncChunks(b"1\n2\n3\n4\n5\n6\n"))
    got = await asyncio.gather(*(stream.__anext__() for _ in range(3)), return_exceptions=True)
    rest = [value async for value in stream]
    assert [one for one in got if isinstance(one, int)] + rest == [1, 2, 3, 4, 5, 6]
    assert all(isinstance(one, (int, RuntimeError)) for one in got)


@pytest.mark.parametrize("way", ["known", "detected", "timed"])
async def test_closing_while_another_task_waits_releases_when_that_is_over(way: str) -> None:
    released: list[str] = []
    arrives = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        try:
            await arrives.wait()
            yield b"1\n"
        finally:
            released.append("released")

    stream: ndstream.AsyncStream[Any] = {
        "known": lambda: ndstream.ndjson(chunks()),
        "detected": lambda: ndstream.stream(chunks()),
        "timed": lambda: ndstream.ndjson(chunks(), idle_timeout=60),
    }[way]()
    reader = asyncio.ensure_future(anext_or_end(stream))
    await asyncio.sleep(0.01)
    await stream.aclose()
    assert released == []
    arrives.set()
    assert await reader == "end"
    assert released == ["released"]
    await stream.aclose()


async def test_a_cancellation_is_not_lost_in_a_stream_that_was_closed_meanwhile() -> None:
    source = Failing(b"1\n", failure=asyncio.CancelledError())
    stream = ndstream.ndjson(source)
    assert await stream.__anext__() == 1
    never = asyncio.Event()

    async def wait() -> bytes:
        await never.wait()
        return b""

    source.__class__ = type("Waiting", (Failing,), {"__anext__": lambda self: wait()})
    reader = asyncio.ensure_future(anext_or_end(stream))
    await asyncio.sleep(0.01)
    await stream.aclose()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert source.closed == 1


async def test_a_stream_that_ended_leaves_no_cycle_behind() -> None:
    gc.collect()
    gc.disable()
    try:
        stream = ndstream.ndjson(AsyncChunks(b"1\n"), loads=Value)
        value = await stream.__anext__()
        stream.mine = value  # type: ignore[attr-defined]
        del value
        assert await anext_or_end(stream) == "end"
        del stream
        assert Value.alive == 0
    finally:
        gc.enable()


async def anext_or_end(stream: ndstream.AsyncStream[Any]) -> Any:
    try:
        return await stream.__anext__()
    except StopAsyncIteration:
        return "end"


async def test_a_cancelled_read_is_no_clean_end() -> None:
    source = AsyncChunks(b"1\n2\n[3")
    source.chunks.append(b"")

    async def chunks() -> AsyncIterator[bytes]:
        yield b"1\n[2"
        await asyncio.sleep(60)

    stream = ndstream.ndjson(chunks())
    assert await stream.__anext__() == 1
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(stream.__anext__(), 0.01)
    with pytest.raises(ndstream.TruncatedError) as caught:
        await stream.__anext__()
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert (caught.value.frame, caught.value.offset) == (b"[2", 2)
    assert [value async for value in stream] == []


async def test_a_value_that_refers_to_its_stream_is_collected() -> None:
    class Value:
        alive = 0
        stream: Any = None

        def __init__(self, payload: bytes) -> None:
            Value.alive += 1

        def __del__(self) -> None:
            Value.alive -= 1

    stream = ndstream.ndjson(AsyncChunks(b"1\n2\n3\n"), loads=Value)
    async for value in stream:
        value.stream = stream
        if Value.alive == 2:
            break
    del stream, value
    for _ in range(3):
        gc.collect()
        await anyio.sleep(0)
    assert Value.alive == 0


async def test_what_arrived_comes_before_the_error_of_a_failing_close() -> None:
    class FailingClose(AsyncChunks):
        async def aclose(self) -> None:
            raise OSError("close failed")

    stream = ndstream.ndjson(FailingClose(b"1\n2"))
    assert [await stream.__anext__(), await stream.__anext__()] == [1, 2]
    with pytest.raises(OSError, match="close failed"):
        await stream.__anext__()
    assert [value async for value in stream] == []


async def test_the_decoder_of_a_stream_cannot_be_replaced() -> None:
    stream: Any = ndstream.ndjson(AsyncChunks(b"1\n"))
    for decoder in (None, ndstream.NDJSONDecoder()):
        with pytest.raises(AttributeError):
            stream.decoder = decoder
    assert [value async for value in stream] == [1]


async def test_a_stream_is_made_once() -> None:
    stream: Any = ndstream.ndjson(AsyncChunks(b"1\n"))
    with pytest.raises(RuntimeError, match="another stream"):
        stream.__init__(None, ndstream.NDJSONDecoder())
    assert [value async for value in stream] == [1]


async def test_loads_that_makes_the_stream_again_is_refused_while_it_runs() -> None:
    def loads(payload: bytes) -> Any:
        with pytest.raises(RuntimeError, match="another stream"):
            super(ndstream.AsyncStream, stream).__init__(ndstream.NDJSONDecoder())
        return int(payload)

    stream: Any = ndstream.ndjson(AsyncChunks(b"1\n2\n"), loads=loads)
    assert [value async for value in stream] == [1, 2]


async def test_an_interrupt_inside_loads_is_repeated_whether_the_value_waited_or_not() -> None:
    interrupted: set[bytes] = set()

    def loads(payload: bytes) -> Any:
        if payload not in interrupted:
            interrupted.add(payload)
            raise KeyboardInterrupt
        return int(payload)

    source = AsyncChunks(b"1\n2\n", b"3\n")
    stream = ndstream.ndjson(source, loads=loads)
    got: list[Any] = []
    for value in (1, 2, 3):
        with pytest.raises(KeyboardInterrupt):
            await stream.__anext__()
        assert not stream.closed
        got.append(await stream.__anext__())
        assert got[-1] == value
    assert await anext_or_end(stream) == "end"
    assert source.closed == 1


async def test_an_interrupt_while_the_framing_is_detected_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import ndstream._framing

    sniff = ndstream._framing.sniff
    interrupts = iter([True, False, True])

    def interrupted(head: bytearray, at_end: bool) -> Any:
        if next(interrupts, False):
            raise KeyboardInterrupt
        return sniff(head, at_end)

    monkeypatch.setattr(ndstream._framing, "sniff", interrupted)
    stream = ndstream.stream(AsyncChunks(b"d", b"ata: 1\n\n", b"data: 2\n\n"))
    got: list[Any] = []
    while len(got) < 2:
        try:
            got.append(await stream.__anext__())
        except KeyboardInterrupt:
            assert not stream.closed
    assert got == [1, 2]


async def test_a_cancellation_while_the_source_is_released_does_not_hide_that_it_failed() -> None:
    class SlowClose(Failing):
        async def aclose(self) -> None:
            await super().aclose()
            await anyio.sleep(60)

    stream = ndstream.ndjson(SlowClose(b"1\n", failure=ConnectionResetError("reset")))
    assert await stream.__anext__() == 1
    task = asyncio.ensure_future(anext_or_end(stream))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ndstream.TruncatedError, match="reset"):
        await stream.__anext__()
    assert [value async for value in stream] == []


async def test_a_value_can_be_waited_for_a_while_and_then_again() -> None:
    go_on = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"1\n"
        await go_on.wait()
        yield b"2\n"

    stream = ndstream.ndjson(chunks())
    assert await stream.__anext__() == 1
    waiting = asyncio.ensure_future(stream.__anext__())
    for _ in range(3):
        done, _pending = await asyncio.wait({waiting}, timeout=0.001)
        assert not done
    go_on.set()
    assert await waiting == 2
    assert await anext_or_end(stream) == "end"


def test_a_release_that_could_not_begin_is_made_up_for_by_the_next_one() -> None:
    class Finalizer:
        """There is no memory for the first awaitable that closes."""

        def __init__(self, inner: Any) -> None:
            self.inner = inner
            self.failed = False

        def aclose(self) -> Any:
            if not self.failed:
                self.failed = True
                raise MemoryError
            return self.inner.aclose()

    async def main() -> None:
        source = AsyncChunks(b"1\n")
        stream = ndstream.ndjson(source)
        stream._finalizer = Finalizer(stream._finalizer)
        with pytest.raises(MemoryError):
            await stream.aclose()
        assert not stream.closed
        await stream.aclose()
        assert (stream.closed, source.closed) == (True, 1)

    asyncio.run(main())
