"""What `anext` of a stream gives is used as what an async generator's gives, whether a value waits or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio
import pytest

import ndstream
import real_parts

# Two chunks, so that the second value waits when it is asked for, and the third has to be awaited.
CHUNKS = [b"1\n2\n", b"3\n", b"4\n5\n"]
VALUES = [1, 2, 3, 4, 5]


async def chunks() -> AsyncIterator[bytes]:
    for chunk in CHUNKS:
        await anyio.sleep(0)
        yield chunk


async def values() -> AsyncIterator[Any]:
    for value in VALUES:
        await anyio.sleep(0)
        yield value


MAKERS: list[Callable[[], Any]] = [lambda: ndstream.ndjson(chunks()), values]


def in_a_loop(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


@pytest.mark.parametrize("make", MAKERS)
def test_a_task_is_made_of_each_next_value(make: Callable[[], Any]) -> None:
    async def main() -> None:
        stream = make()
        got: list[Any] = []
        while len(got) < 5:
            got.append(await asyncio.create_task(stream.__anext__()))
        assert got == VALUES
        with pytest.raises(StopAsyncIteration):
            await asyncio.create_task(stream.__anext__())

    in_a_loop(main)


@pytest.mark.parametrize("make", MAKERS)
def test_each_next_value_may_be_waited_for(make: Callable[[], Any]) -> None:
    async def main() -> None:
        stream = make()
        assert [await asyncio.wait_for(stream.__anext__(), 10) for _ in VALUES] == VALUES

    in_a_loop(main)


@pytest.mark.parametrize("make", MAKERS)
def test_trio_starts_each_next_value(make: Callable[[], Any]) -> None:
    trio = real_parts.library("trio")

    async def main() -> None:
        stream = make()
        for _ in VALUES:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stream.__anext__)
        with pytest.raises(StopAsyncIteration):
            await stream.__anext__()

    trio.run(main)


@pytest.mark.parametrize("make", MAKERS)
def test_each_next_value_can_be_driven_by_hand(make: Callable[[], Any]) -> None:
    async def main() -> None:
        stream = make()
        got = []
        for _ in VALUES:
            waiting = stream.__anext__()
            while True:
                try:
                    waiting.send(None)
                except StopIteration as stop:
                    got.append(stop.value)
                    break
                await asyncio.sleep(0)
        assert got == VALUES

    in_a_loop(main)


@pytest.mark.parametrize("make", MAKERS)
def test_the_iterator_of_an_await_has_next_by_name(make: Callable[[], Any]) -> None:
    async def main() -> None:
        stream = make()
        got = []
        for _ in VALUES:
            waiting = stream.__anext__().__await__()
            while True:
                try:
                    waiting.__next__()
                except StopIteration as stop:
                    got.append(stop.value)
                    break
                await asyncio.sleep(0)
        assert got == VALUES

    in_a_loop(main)


@pytest.mark.parametrize("number", range(5))
def test_a_next_value_that_is_closed_before_it_was_awaited_takes_nothing(number: int) -> None:
    async def main() -> None:
        stream = ndstream.ndjson(chunks())
        before = [await stream.__anext__() for _ in range(number)]
        waiting: Any = stream.__anext__()
        waiting.close()
        assert before + [value async for value in stream] == VALUES

    in_a_loop(main)


@pytest.mark.parametrize("number", range(5))
def test_what_is_thrown_into_a_next_value_comes_out_of_it(number: int) -> None:
    async def main() -> None:
        stream = ndstream.ndjson(chunks())
        before = [await stream.__anext__() for _ in range(number)]
        waiting: Any = stream.__anext__()
        with pytest.raises(ZeroDivisionError):
            waiting.throw(ZeroDivisionError())
        assert before + [value async for value in stream] == VALUES

    in_a_loop(main)


@pytest.mark.parametrize("number", range(5))
def test_a_next_value_gives_its_value_once(number: int) -> None:
    async def main() -> None:
        stream = ndstream.ndjson(chunks())
        for _ in range(number):
            await stream.__anext__()
        waiting: Any = stream.__anext__()
        assert await waiting == VALUES[number]
        with pytest.raises(RuntimeError, match="already"):
            await waiting

    in_a_loop(main)


def test_awaiting_a_value_of_a_stream_that_was_dropped_is_safe() -> None:
    async def main() -> None:
        stream = ndstream.ndjson(chunks())
        await stream.__anext__()
        waiting: Any = stream.__anext__()
        del stream
        assert await waiting == 2

    in_a_loop(main)
