"""A reply releases its source once, however it is left: edge cases 31 and 32."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import real_parts
from doubles.loopback import response, serving
from llm.example import sse
from llm.examples import by_name, chat_frame
from ndstream import llm

CHAT = by_name("openai text")


class Source:
    """Chunks, and how often they were released."""

    def __init__(self, chunks: list[bytes], error: BaseException | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed += 1


class AsyncSource:
    """The same, awaited; one that waits has no end."""

    def __init__(self, chunks: list[bytes], error: BaseException | None = None, waits: bool = False) -> None:
        self.chunks = chunks
        self.error = error
        self.waits = waits
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk
        if self.waits:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error

    async def aclose(self) -> None:
        self.closed += 1


def test_the_end_releases_the_source_once() -> None:
    source = Source(CHAT.frames)
    with llm.reply(source) as reply:
        list(reply)
        assert (source.closed, reply.closed) == (1, True)
    reply.close()
    assert source.closed == 1


@pytest.mark.parametrize("error", [None, OSError("reset")])
def test_a_reply_that_raises_has_released_the_source(error: BaseException | None) -> None:
    source = Source(CHAT.frames[:2], error)
    with pytest.raises(llm.ReplyTruncatedError):
        list(llm.reply(source))
    assert source.closed == 1


def test_a_loop_that_is_left_goes_on_where_it_was() -> None:
    source = Source(CHAT.frames)
    reply = llm.reply(source)
    for delta in reply:
        if delta.text:
            break
    assert source.closed == 0
    assert "".join(delta.text for delta in reply) == "lo"


def test_a_reply_that_is_closed_has_no_more_deltas_and_stays_cancelled() -> None:
    reply = llm.reply(Source(CHAT.frames))
    next(reply)
    assert repr(reply) == "<Reply openai-chat, under way, 0 characters>"
    reply.close()
    assert list(reply) == []
    assert repr(reply) == "<Reply openai-chat, cancelled, 0 characters>"


def test_a_reply_that_is_closed_behind_an_error_of_its_server_ended_with_that_error() -> None:
    with llm.reply(Source([*CHAT.frames[:2], b'data: {"error": "it broke"}\n\n', *CHAT.frames[2:]])) as reply:
        for _ in range(3):
            next(reply)
    assert reply.ending is not None
    assert (reply.ending.verdict, reply.ending.error and reply.ending.error.message) == ("error", "it broke")


def test_an_exception_in_the_readers_loop_releases_the_source() -> None:
    source = Source(CHAT.frames)
    with pytest.raises(ZeroDivisionError), llm.reply(source) as reply:
        for _ in reply:
            raise ZeroDivisionError
    assert source.closed == 1
    assert reply.ending is not None
    assert reply.ending.verdict == "cancelled"


def test_a_reply_that_is_dropped_is_released_at_once_without_the_collector() -> None:
    gc.disable()
    try:
        source = Source(CHAT.frames)
        reply = llm.reply(source)
        next(reply)
        gone = weakref.ref(reply)
        del reply
        assert gone() is None
        assert source.closed == 1
    finally:
        gc.enable()


def test_an_interrupt_passes_and_the_reply_is_cancelled() -> None:
    source = Source(CHAT.frames[:2], KeyboardInterrupt())
    reply = llm.reply(source)
    with pytest.raises(KeyboardInterrupt):
        list(reply)
    assert reply.ending is not None
    assert reply.ending.verdict == "cancelled"
    assert (reply.text, source.closed) == ("Hel", 1)
    assert list(reply) == []


def test_a_sentinel_ends_the_reading() -> None:
    def chunks() -> Iterator[bytes]:
        yield from CHAT.frames
        raise AssertionError("read behind the sentinel")

    assert llm.collect(chunks()).text == "Hello"


def test_chunks_that_are_no_bytes_are_told_as_any_stream_tells_them() -> None:
    wrong: list[list[Any]] = [["data: {}"], [b"data: ", "{}"]]
    for chunks in wrong:
        with pytest.raises(TypeError, match="a chunk must be bytes, not str"):
            list(llm.reply(iter(chunks)))


def test_the_awaited_end_releases_the_source_once() -> None:
    async def main() -> None:
        for frames, error in ((CHAT.frames, None), (CHAT.frames[:2], OSError("reset"))):
            source = AsyncSource(frames, error)
            async with llm.reply(source, on_incomplete="return") as reply:
                async for _ in reply:
                    pass
                assert (source.closed, reply.closed) == (1, True)
            await reply.aclose()
            assert source.closed == 1

    asyncio.run(main())


def test_an_awaited_loop_that_is_left_is_released_by_its_with() -> None:
    async def main() -> None:
        source = AsyncSource(CHAT.frames)
        async with llm.reply(source) as reply:
            async for delta in reply:
                if delta.text:
                    break
        assert source.closed == 1
        assert reply.ending is not None
        assert reply.ending.verdict == "cancelled"

    asyncio.run(main())


def test_a_task_that_is_cancelled_leaves_a_cancelled_reply() -> None:
    async def main() -> None:
        source = AsyncSource(CHAT.frames[:2], waits=True)
        reply = llm.reply(source)

        async def read() -> None:
            async for _ in reply:
                pass

        task = asyncio.ensure_future(read())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert reply.ending is not None
        assert (reply.ending.verdict, reply.text) == ("cancelled", "Hel")
        assert [delta async for delta in reply] == []
        await reply.aclose()
        assert source.closed == 1

    asyncio.run(main())


def test_closing_while_another_task_waits_ends_its_loop_without_an_error() -> None:
    async def main() -> None:
        source = AsyncSource(CHAT.frames[:2], waits=True)
        reply = llm.reply(source)

        async def read() -> list[Any]:
            return [delta async for delta in reply]

        task = asyncio.ensure_future(read())
        await asyncio.sleep(0.01)
        await reply.aclose()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert reply.ending is not None
        assert reply.ending.verdict == "cancelled"
        assert source.closed == 1

    asyncio.run(main())


def test_replies_are_awaited_under_trio_as_well() -> None:
    trio = real_parts.library("trio")

    async def main() -> str:
        async with llm.reply(AsyncSource(CHAT.frames[:-1])) as reply:
            return "".join([text async for text in reply.texts()])

    assert trio.run(main) == "Hello"


@pytest.mark.parametrize("choice", [0, 1])
def test_texts_of_a_reply_that_is_cut_end_with_its_error(choice: int) -> None:
    frames = sse(chat_frame({"content": "Hi"}, index=choice))
    texts = llm.reply(iter(frames)).texts()
    assert next(texts) == "Hi"
    with pytest.raises(llm.ReplyTruncatedError):
        next(texts)

    async def main() -> None:
        texts = llm.reply(AsyncSource(frames)).texts()
        assert await anext(texts) == "Hi"
        with pytest.raises(llm.ReplyTruncatedError):
            await anext(texts)

    asyncio.run(main())


def test_an_awaited_reply_that_stalls_is_truncated_whatever_heartbeats_come() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for frame in CHAT.frames[:2]:
            yield frame
        while True:
            await asyncio.sleep(0.005)
            yield b": ping\n\n"

    async def main() -> None:
        reply = llm.reply(chunks(), idle_timeout=0.2)
        with pytest.raises(llm.ReplyTruncatedError) as caught:
            async for _ in reply:
                pass
        assert (caught.value.reason, caught.value.reply.text) == ("stalled", "Hel")
        assert caught.value.reply.ending is not None
        assert caught.value.reply.ending.evidence[-1].sign == "transport_error"

    asyncio.run(main())
    with pytest.raises(ValueError, match="idle_timeout"):
        llm.reply(b"", idle_timeout=0)


@pytest.mark.parametrize(
    "beat",
    [
        b": ping\n\n",
        b"data:\n\n",
        b"data: \n\n",
        b'event: ping\ndata: {"type": "ping"}\n\n',
        b'data: {"type":"ping"}\n\n',
    ],
    ids=["comment", "empty", "blank", "ping", "bare ping"],
)
@pytest.mark.parametrize("begun", [0, 2])
def test_heartbeats_alone_stall_a_reply_whatever_they_look_like(beat: bytes, begun: int) -> None:
    beats = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal beats
        for frame in CHAT.frames[:begun]:
            yield frame
        while beats < 500:
            await asyncio.sleep(0.01)
            beats += 1
            yield beat

    async def main() -> None:
        with pytest.raises(llm.ReplyTruncatedError) as caught:
            await llm.collect(chunks(), idle_timeout=0.1)
        assert caught.value.reason == "stalled"

    asyncio.run(main())
    assert beats < 500


def test_pings_before_and_between_frames_stall_nothing() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for frame in CHAT.frames:
            for _ in range(3):
                await asyncio.sleep(0.05)
                yield b'event: ping\ndata: {"type": "ping"}\n\n'
            yield frame

    async def main() -> None:
        answer = await llm.collect(chunks(), idle_timeout=0.5)
        assert answer.text == CHAT.text

    asyncio.run(main())


def test_a_cancelled_read_under_trio_leaves_a_cancelled_reply() -> None:
    trio = real_parts.library("trio")

    class Silent(AsyncSource):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in self.chunks:
                yield chunk
            await trio.sleep_forever()

    async def main() -> None:
        source = Silent(CHAT.frames[:2])
        reply = llm.reply(source)
        with trio.move_on_after(0.05) as scope:
            async with reply:
                async for _ in reply:
                    pass
        assert scope.cancelled_caught
        assert reply.ending is not None
        assert (reply.ending.verdict, reply.text, source.closed) == ("cancelled", "Hel", 1)

    trio.run(main)


def test_a_generator_is_closed_where_its_loop_is_left() -> None:
    ended = []

    def chunks() -> Iterator[bytes]:
        try:
            yield from CHAT.frames
        finally:
            ended.append(1)

    with llm.reply(chunks()) as reply:
        for _ in reply:
            break
        assert ended == []
    assert ended == [1]


def test_an_awaited_reply_that_is_dropped_is_released() -> None:
    source = AsyncSource(CHAT.frames)

    async def main() -> None:
        reply = llm.reply(source)
        async for delta in reply:
            if delta.text:
                break
        del reply, delta
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert source.closed == 1


def test_the_connection_is_given_back_behind_the_sentinel_unless_the_server_holds_it() -> None:
    httpx = real_parts.library("httpx")
    held = threading.Event()
    answer = response(*CHAT.frames, kind="text/event-stream")
    with (
        serving(answer, answer, response(*CHAT.frames, held, kind="text/event-stream")) as server,
        httpx.Client() as client,
    ):
        for _ in range(3):
            with client.stream("GET", server.url) as handed:
                assert llm.collect(handed).text == "Hello"
        assert server.connections == 1
        # The server did not end the last one, which was not waited for.
        assert not held.is_set()
        assert client._transport._pool.connections == []
        held.set()
