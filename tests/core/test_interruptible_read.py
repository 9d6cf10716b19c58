"""Reads that can be left waiting: a task goes on, the read stays where it is, and the next await goes on with it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import ndstream
from ndstream._core import NOT_YET, InterruptibleRead

A = b"data: a\n\n"


class Upstream:
    """An async source of bytes; an event among the parts is waited for. It counts its cancellations."""

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)
        self.cancelled = 0

    def __aiter__(self) -> Upstream:
        return self

    async def __anext__(self) -> bytes:
        while self.parts:
            part = self.parts.pop(0)
            if isinstance(part, bytes):
                return part
            try:
                await part
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        raise StopAsyncIteration


class Bare:
    """Yields to the loop without a future, as `asyncio.sleep(0)` does."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __await__(self) -> Any:
        for _ in range(self.times):
            yield


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def reading(chunks: Any) -> InterruptibleRead:
    return InterruptibleRead(chunks, asyncio.get_running_loop())


async def settle() -> None:
    """Let everything run that is due."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_wake_and_a_cancellation_at_once_are_a_cancellation() -> None:
    async def main() -> None:
        upstream = Upstream(asyncio.get_running_loop().create_future())
        read = reading(upstream)

        async def wait() -> object:
            return await read

        task = asyncio.create_task(wait())
        await settle()
        assert read.wake()
        assert not read.wake()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert upstream.cancelled == 1

    run(main)


def test_a_woken_read_goes_on_where_it_was() -> None:
    async def main() -> None:
        event = asyncio.get_running_loop().create_future()
        read = reading(Upstream(event, A))

        async def wait() -> object:
            return await read

        for _ in range(3):
            task = asyncio.create_task(wait())
            await settle()
            assert read.wake()
            assert await task is NOT_YET
        event.set_result(None)
        await settle()
        assert await read == A
        assert not read.wake()

    run(main)


def test_errors_of_a_future_reach_the_read() -> None:
    async def main() -> None:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        class Source:
            def __aiter__(self) -> Source:
                return self

            async def __anext__(self) -> bytes:
                return await future

        read = reading(Source())
        asyncio.get_running_loop().call_soon(future.set_exception, ValueError("x"))
        with pytest.raises(ValueError, match="x"):
            await read

    run(main)


def test_awaitables_of_any_kind_are_read() -> None:
    class Ready:
        """An awaitable that is no coroutine, and whose iterator can be asked for the next alone."""

        def __await__(self) -> Any:
            return iter(())

    class Source:
        def __aiter__(self) -> Source:
            return self

        def __anext__(self) -> Any:
            return Ready()

    async def main() -> None:
        assert await reading(Source()) is None
        stream = ndstream.ndjson(Upstream(b"1\n2\n"), loads=bytes)
        read: Any = reading(stream)
        assert [await read, await read] == [b"1", b"2"]

    run(main)


def test_bare_yields_are_passed_on_and_counted() -> None:
    async def main() -> None:
        read = reading(Upstream(Bare(3), A))
        assert await read == A
        assert (read.suspensions, read.is_pending) == (3, False)
        with pytest.raises(StopAsyncIteration):
            await read

    run(main)


def test_a_source_that_never_waits_suspends_nothing() -> None:
    async def main() -> None:
        read = reading(Upstream(A, A))
        assert [await read, await read] == [A, A]
        assert (read.suspensions, read.idle_since) == (0, None)

    run(main)


def test_idle_since_is_kept_until_somebody_says_that_there_is_news() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in range(2)]
        read = reading(Upstream(*futures, A))
        for future in futures:
            loop.call_soon(future.set_result, None)
        await read
        assert read.idle_since is not None
        first = read.idle_since
        read = reading(Upstream(Bare(1), A))
        read.idle_since = first
        await read
        assert read.idle_since == first

    run(main)


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr)
def test_an_error_ends_one_read_and_the_next_one_begins_anew(error: BaseException) -> None:
    class Source:
        def __init__(self) -> None:
            self.reads = 0

        def __aiter__(self) -> Source:
            return self

        async def __anext__(self) -> bytes:
            self.reads += 1
            await Bare(1)
            if self.reads == 1:
                raise error
            return A

    async def main() -> None:
        read = reading(Source())
        awaited = read.__await__()
        assert next(awaited) is None
        with pytest.raises(type(error)):
            next(awaited)
        assert not read.is_pending
        assert await read == A

    run(main)


def test_a_source_without_anext_and_one_that_gives_no_awaitable_are_errors() -> None:
    class Nothing:
        def __anext__(self) -> Any:
            return 5

    async def main() -> None:
        with pytest.raises(AttributeError, match="__anext__"):
            await reading(object())
        with pytest.raises(TypeError, match="cannot be awaited"):
            await reading(Nothing())

    run(main)


def test_a_source_that_awaits_its_own_read_is_told_so() -> None:
    async def main() -> None:
        reads: list[InterruptibleRead] = []

        class Source:
            def __aiter__(self) -> Source:
                return self

            async def __anext__(self) -> bytes:
                chunk: bytes = await reads[0]
                return chunk

        reads.append(reading(Source()))
        with pytest.raises(RuntimeError, match="awaited already"):
            await reads[0]

    run(main)


def test_a_task_that_is_closed_closes_the_read() -> None:
    ended = []

    class Source:
        def __aiter__(self) -> Source:
            return self

        async def __anext__(self) -> bytes:
            try:
                await Bare(5)
            finally:
                ended.append(sys.exc_info()[0])
            return A

    async def main() -> None:
        read = reading(Source())

        async def wait() -> object:
            return await read

        coroutine = wait()
        coroutine.send(None)
        coroutine.close()
        assert ended == [GeneratorExit]
        assert not read.is_pending

    run(main)


def test_a_read_that_does_not_wait_has_nothing_to_close_and_can_go_on() -> None:
    async def main() -> None:
        upstream = Upstream(A, A)
        read = reading(upstream)
        read.close()
        assert len(upstream.parts) == 2
        assert await read == A
        read.close()
        assert await read == A
        with pytest.raises(StopAsyncIteration):
            await read

    run(main)


def test_a_read_that_was_woken_has_nothing_to_close_either() -> None:
    async def main() -> None:
        future = asyncio.get_running_loop().create_future()
        ends: list[str] = []

        class Source:
            def __aiter__(self) -> Source:
                return self

            async def __anext__(self) -> bytes:
                try:
                    await future
                finally:
                    ends.append("done" if future.done() else "closed")
                return A

        read = reading(Source())

        async def wait() -> object:
            return await read

        task = asyncio.create_task(wait())
        await settle()
        assert read.wake()
        assert await task is NOT_YET
        read.close()
        future.set_result(None)
        assert await read == A
        assert ends == ["done"]

    run(main)


def test_what_is_thrown_into_a_read_that_was_woken_reaches_the_source_before_its_future_is_done() -> None:
    async def main() -> None:
        future, read, task = await waiting()
        assert read.wake()
        assert await task is NOT_YET
        with pytest.raises(KeyError, match="thrown"):
            read.throw(KeyError("thrown"))
        assert not future.done()
        assert await read == A

    run(main)


async def waiting() -> tuple[asyncio.Future[None], InterruptibleRead, asyncio.Task[object]]:
    """A future, a read that waits for it, and the task that awaits the read."""
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    read = reading(Upstream(future, A))

    async def wait() -> object:
        return await read

    task = asyncio.create_task(wait())
    await settle()
    return future, read, task


def test_a_cancellation_is_passed_to_the_future_and_answered_as_that_answers() -> None:
    async def main() -> None:
        future, read, task = await waiting()
        assert not read.done()
        assert read.cancel("why") is True
        assert future.cancelled()
        assert read.done()
        # It is cancelled already, as that of a future is.
        assert read.cancel() is False
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        # A task of CPython 3.10 raises an error of its own in the place of that.
        assert "why" in (str(raised.value), str(raised.value.__context__))

    run(main)


def test_a_read_that_was_woken_leaves_its_future_alone_when_it_is_cancelled() -> None:
    async def main() -> None:
        future, read, task = await waiting()
        assert read.wake()
        assert read.done()
        assert read.cancel() is False
        assert not future.cancelled()
        assert await task is NOT_YET

    run(main)


def test_a_read_that_is_driven_by_hand_ends_with_its_chunk() -> None:
    async def main() -> None:
        read = reading(Upstream(A, b"b", b"c"))
        assert iter(read) is read
        drives: list[Callable[[], object]] = [lambda: next(read), lambda: read.__next__(), lambda: read.send(None)]
        for drive, chunk in zip(drives, (A, b"b", b"c"), strict=True):
            with pytest.raises(StopIteration) as stop:
                drive()
            assert stop.value.value == chunk

    run(main)


def test_what_is_thrown_into_a_read_reaches_the_source_where_it_waits() -> None:
    class Plain:
        """An awaitable whose iterator takes nothing that is thrown."""

        def __await__(self) -> Any:
            return iter([None, None])

    class Catching:
        async def __anext__(self) -> bytes:
            try:
                await Bare(1)
            except KeyError:
                return A
            return b"not thrown"

    class Waiting:
        def __anext__(self) -> Any:
            return Plain()

    async def main() -> None:
        read = reading(Catching())
        # Nothing waits yet, and nothing is begun.
        with pytest.raises(KeyError):
            read.throw(KeyError("early"))
        assert not read.is_pending
        assert next(read) is None
        with pytest.raises(StopIteration) as stop:
            read.throw(KeyError("late"))
        assert stop.value.value == A
        read = reading(Waiting())
        assert next(read) is None
        assert read.is_pending
        with pytest.raises(KeyError, match="late"):
            read.throw(KeyError("late"))
        assert not read.is_pending

    run(main)


def test_a_waiting_read_has_the_callbacks_of_its_future() -> None:
    async def main() -> None:
        future, read, task = await waiting()
        assert read.is_waiting
        called: list[object] = []
        future.add_done_callback(called.append)
        assert read.remove_done_callback(called.append) == 1
        assert read.get_loop() is asyncio.get_running_loop()
        future.set_result(None)
        assert await task == A
        assert not read.is_waiting
        assert called == []

    run(main)


def test_a_source_that_ignores_its_end_is_told_so() -> None:
    class Stubborn:
        def __await__(self) -> Any:
            with contextlib.suppress(GeneratorExit):
                yield
            yield

    class Source:
        def __anext__(self) -> Any:
            return Stubborn()

    async def main() -> None:
        read = reading(Source())
        next(read.__await__())
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            read.close()

    run(main)


def test_no_reference_is_kept_of_what_was_read() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        class Source:
            def __aiter__(self) -> Source:
                return self

            async def __anext__(self) -> bytes:
                future = loop.create_future()
                loop.call_soon(future.set_result, None)
                await future
                return bytes(1000)

        read = reading(Source())

        async def wait() -> object:
            return await read

        async def rounds() -> None:
            for number in range(500):
                task = asyncio.create_task(wait())
                await asyncio.sleep(0)
                if number % 3 == 0:
                    read.wake()
                await task

        await rounds()
        gc.collect()
        before = sys.getallocatedblocks()
        await rounds()
        gc.collect()
        # A reference to each would keep 500; a hundred come and go by themselves.
        assert sys.getallocatedblocks() - before < 300

    run(main)
