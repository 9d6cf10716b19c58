"""What `anext` of a stream gives is used as what an async generator's gives, whether a value waits or not."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import types
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from typing import Any

import anyio
import pytest

import ndstream
import real_parts

# Two chunks, so that the second value waits when it is asked for, and the third has to be awaited.
CHUNKS = [b"1\n2\n", b"3\n", b"4\n5\n"]
VALUES = [1, 2, 3, 4, 5]


async def chunks(*data: bytes) -> AsyncIterator[bytes]:
    for chunk in data or CHUNKS:
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


async def long_waits() -> AsyncIterator[bytes]:
    for chunk in CHUNKS:
        for _ in range(3):
            await asyncio.sleep(0)
        yield chunk


@pytest.mark.parametrize("options", [{}, {"prefetch": 1}, {"idle_timeout": 10}])
def test_anext_with_a_default_waits_as_often_as_the_source_does(options: dict[str, Any]) -> None:
    async def main() -> None:
        # For each step of the loop, `anext` with a default asks once more for the iterator of what it awaits.
        stream = ndstream.ndjson(long_waits(), **options)
        assert [await anext(stream, "none") for _ in range(7)] == [*VALUES, "none", "none"]

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


class Value:
    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.reference: Any = None


@pytest.mark.parametrize("data", [[b"1\n2\n"], [b"1\n", b"2\n"]], ids=["one chunk", "a value a chunk"])
def test_a_value_that_was_awaited_is_not_kept(data: list[bytes]) -> None:
    async def main() -> None:
        stream = ndstream.ndjson(chunks(*data), loads=Value)
        for _ in range(2):
            value = await anext(stream)
            kept = weakref.ref(value)
            del value
            assert kept() is None
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    asyncio.run(main())


@pytest.mark.parametrize("data", [[b"0\n1\n2\n"], [b"0\n", b"1\n", b"2\n"]], ids=["one chunk", "a value a chunk"])
def test_a_value_in_a_cycle_with_its_awaitable_is_collected(data: list[bytes]) -> None:
    async def main() -> list[weakref.ref[Value]]:
        stream = ndstream.ndjson(chunks(*data), loads=Value)
        kept = []
        # The exception that ends an await is used again. What an earlier file of tests left is set aside for good, and
        # so would be the cycle; the first awaitable holds it.
        first = stream.__anext__()
        await first
        for _ in range(2):
            awaitable = stream.__anext__()
            value = await awaitable
            value.reference = awaitable
            kept.append(weakref.ref(value))
            del awaitable, value
        return kept

    kept = asyncio.run(main())
    gc.collect()
    assert [reference() for reference in kept] == [None, None]


class Pausing:
    """Chunks that are waited for once each, by an awaitable with no more than an await needs."""

    def __init__(self, *data: bytes) -> None:
        self.data = list(data)

    def __aiter__(self) -> Pausing:
        return self

    def __anext__(self) -> Pausing:
        return self

    def __await__(self) -> Pausing:
        self.yielded = False
        return self

    def __iter__(self) -> Pausing:
        return self

    def __next__(self) -> str:
        if not self.yielded:
            self.yielded = True
            return "wait"
        if not self.data:
            raise StopAsyncIteration
        raise StopIteration(self.data.pop(0))


def stream_of(source: Any, **options: Any) -> Any:
    return ndstream.ndjson(source, **options)


@pytest.fixture(params=["in a loop", "outside of loops"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[], None]], None]:
    """Runs a function that drives awaitables by hand, where awaits are compiled and where coroutines run them."""

    async def main(program: Callable[[], None]) -> None:
        program()

    return (lambda program: program()) if request.param == "outside of loops" else lambda p: asyncio.run(main(p))


def value_of(awaitable: Any) -> Any:
    """Drive an awaitable to its end."""
    try:
        while True:
            assert awaitable.send(None) == "wait"
    except StopIteration as stop:
        return stop.value


def test_a_frame_of_several_chunks_is_awaited_as_one_value(run: Callable[..., None]) -> None:
    def program() -> None:
        stream = stream_of(Pausing(b"[1,", b"2,", b"3]\n4", b"\n"))
        assert value_of(stream.__anext__()) == [1, 2, 3]
        assert value_of(stream.__anext__()) == 4

    run(program)


class Cancelled(BaseException):
    pass


def test_what_is_thrown_comes_out_of_a_source_that_cannot_be_thrown_into(run: Callable[..., None]) -> None:
    def program() -> None:
        stream = stream_of(Pausing(b"1\n", b"2\n"))
        awaitable = stream.__anext__()
        assert awaitable.send(None) == "wait"
        with pytest.raises(Cancelled, match="mine"):
            awaitable.throw(Cancelled("mine"))
        with pytest.raises(RuntimeError, match="awaited already"):
            awaitable.send(None)

    run(program)


def test_an_exception_is_thrown_as_an_instance_or_as_class_value_and_traceback(run: Callable[..., None]) -> None:
    ready = Cancelled("ready")
    try:
        raise ValueError("elsewhere")
    except ValueError as error:
        traceback = error.__traceback__
    forms: list[tuple[tuple[Any, ...], str, Any]] = [
        ((Cancelled,), "", None),
        ((Cancelled, None), "", None),
        ((Cancelled, "words"), "words", None),
        ((Cancelled, ready), "ready", None),
        ((Cancelled, "words", None), "words", None),
        ((Cancelled, None, traceback), "", traceback),
        ((Cancelled("mine"), None, traceback), "mine", traceback),
    ]

    def program() -> None:
        for arguments, words, beginning in forms:
            stream = stream_of(Pausing(b"1\n"))
            awaitable = stream.__anext__()
            assert awaitable.send(None) == "wait"
            with pytest.raises(Cancelled) as caught:
                awaitable.throw(*arguments)
            assert str(caught.value) == words
            assert (caught.value is ready) == (words == "ready")
            entries = []
            step = caught.value.__traceback__
            while step is not None:
                entries.append(step)
                step = step.tb_next
            assert (traceback in entries) == (beginning is traceback)

    run(program)


def test_what_is_no_exception_cannot_be_thrown_and_changes_nothing(run: Callable[..., None]) -> None:
    def program() -> None:
        awaitable = stream_of(Pausing(b"1\n")).__anext__()
        assert awaitable.send(None) == "wait"
        for arguments in ((), (5,), (str,), (str, "words"), ("words",), (None, Cancelled("mine"))):
            with pytest.raises(TypeError):
                awaitable.throw(*arguments)
        assert value_of(awaitable) == 1

    run(program)


def test_an_awaitable_dropped_while_it_waits_frees_the_stream_and_is_no_clean_end(run: Callable[..., None]) -> None:
    def program() -> None:
        stream = stream_of(Pausing(b"1\n"))
        assert value_of(stream.__anext__()) == 1
        awaitable = stream.__anext__()
        assert awaitable.send(None) == "wait"
        with pytest.raises(RuntimeError, match="running already"):
            value_of(stream.__anext__())
        del awaitable
        with pytest.raises(ndstream.TruncatedError) as caught:
            value_of(stream.__anext__())
        assert isinstance(caught.value.__cause__, GeneratorExit)
        with pytest.raises(StopAsyncIteration):
            value_of(stream.__anext__())

    run(program)


@pytest.mark.parametrize("begun", [False, True])
def test_an_awaitable_that_was_dropped_keeps_nothing_of_its_stream(run: Callable[..., None], begun: bool) -> None:
    def program() -> None:
        source = Pausing(b"1\n")
        kept = weakref.ref(source)
        awaitable = stream_of(source).__anext__()
        if begun:
            assert awaitable.send(None) == "wait"
        del awaitable, source
        gc.collect()
        assert kept() is None

    run(program)


def test_an_awaitable_that_is_over_is_over_even_after_its_memory_was_used_again(run: Callable[..., None]) -> None:
    def program() -> None:
        stream = stream_of(Pausing(b"1\n2\n3\n"))
        first = stream.__anext__()
        assert value_of(first) == 1
        second = stream.__anext__()
        assert second is not first
        uses: list[Callable[[], object]] = [
            lambda: first.send(None),
            lambda: first.__await__(),
            lambda: next(first),
        ]
        for use in uses:
            with pytest.raises(RuntimeError, match="this value was awaited already"):
                use()
        with pytest.raises(ValueError, match="late"):
            first.throw(ValueError("late"))
        first.close()
        assert value_of(second) == 2
        assert value_of(stream.__anext__()) == 3

    run(program)


def test_a_source_that_drives_the_awaitable_that_is_thrown_into_is_refused(run: Callable[..., None]) -> None:
    class Driving(Pausing):
        def throw(self, error: BaseException) -> None:
            with pytest.raises(RuntimeError, match="awaited already"):
                awaitable.send(None)
            raise error

    awaitable: Any = None

    def program() -> None:
        nonlocal awaitable
        awaitable = stream_of(Driving(b"1\n")).__anext__()
        assert awaitable.send(None) == "wait"
        with pytest.raises(Cancelled, match="mine"):
            awaitable.throw(Cancelled("mine"))

    run(program)


def test_loads_that_drives_its_own_awaitable_is_refused(run: Callable[..., None]) -> None:
    def program() -> None:
        def loads(payload: bytes) -> int:
            with pytest.raises(RuntimeError):
                awaitable.send(None)
            with pytest.raises(RuntimeError):
                value_of(stream.__anext__())
            return int(payload)

        stream = stream_of(Pausing(b"1\n2\n"), loads=loads)
        for expected in (1, 2):
            awaitable = stream.__anext__()
            assert value_of(awaitable) == expected

    run(program)


@types.coroutine
def pause() -> Generator[str, Any, None]:
    yield "wait"


class Catching:
    """A source that waits once for each chunk; what is thrown in there makes it give the chunk at once.

    Args:
        ignores_close: Whether it waits on when it is closed.
    """

    def __init__(self, *data: Any, ignores_close: bool = False) -> None:
        self.data = list(data)
        self.ignores_close = ignores_close

    def __aiter__(self) -> Catching:
        return self

    async def __anext__(self) -> Any:
        if not self.data:
            raise StopAsyncIteration
        try:
            await pause()
        except Cancelled:
            pass
        except GeneratorExit:
            if self.ignores_close:
                await pause()
            raise
        return self.data.pop(0)


def waiting_for_the_second(source: Any) -> tuple[Any, Any]:
    """A stream and the awaitable of its second value, which waits for the source."""
    stream = stream_of(source)
    assert value_of(stream.__anext__()) == 1
    awaitable = stream.__anext__()
    assert awaitable.send(None) == "wait"
    return stream, awaitable


def test_a_chunk_that_is_given_for_what_was_thrown_is_read(run: Callable[..., None]) -> None:
    def program() -> None:
        stream, awaitable = waiting_for_the_second(Catching(b"1\n", b"2\n", b"3\n"))
        with pytest.raises(StopIteration) as caught:
            awaitable.throw(Cancelled())
        assert caught.value.value == 2
        assert value_of(stream.__anext__()) == 3
        # One that completes no value is waited on for.
        _, awaitable = waiting_for_the_second(Catching(b"1\n", b"[2,", b"3]\n"))
        assert awaitable.throw(Cancelled()) == "wait"
        assert value_of(awaitable) == [2, 3]

    run(program)


def test_an_awaitable_that_waits_is_closed_as_a_coroutine_is(run: Callable[..., None]) -> None:
    def program() -> None:
        for count in (1, 2):
            stream = stream_of(Catching(b"1\n", b"2\n"))
            awaitable = stream.__anext__()
            if count == 2:
                stream, awaitable = waiting_for_the_second(Catching(b"1\n", b"2\n"))
            else:
                assert awaitable.send(None) == "wait"
            awaitable.close()
            awaitable.close()
            with pytest.raises(ndstream.TruncatedError):
                value_of(stream.__anext__())

    run(program)


def test_a_source_that_waits_on_when_it_is_closed_is_told_so(run: Callable[..., None]) -> None:
    def program() -> None:
        _, awaitable = waiting_for_the_second(Catching(b"1\n", b"2\n", ignores_close=True))
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            awaitable.close()

    run(program)


def test_nothing_is_sent_to_an_awaitable_that_was_not_started(run: Callable[..., None]) -> None:
    def program() -> None:
        awaitable = stream_of(Catching(b"1\n")).__anext__()
        assert iter(awaitable) is awaitable
        with pytest.raises(TypeError, match="was not started"):
            awaitable.send(1)
        assert value_of(awaitable) == 1
        with pytest.raises(StopIteration, match="mine"):
            stream_of(Catching(b"1\n")).__anext__().throw(StopIteration("mine"))

    run(program)


class Sudden(Catching):
    """Fails where it is asked for a chunk, and not where that is awaited."""

    def __anext__(self) -> Any:
        if not self.data:
            raise OSError("gone")
        return super().__anext__()


def test_a_source_that_fails_before_it_is_awaited_has_failed(run: Callable[..., None]) -> None:
    def program() -> None:
        stream = stream_of(Sudden(b"1\n"))
        assert value_of(stream.__anext__()) == 1
        with pytest.raises(ndstream.TruncatedError) as caught:
            value_of(stream.__anext__())
        assert isinstance(caught.value.__cause__, OSError)

    run(program)


class AtOnce(Catching):
    """Waits for nothing."""

    async def __anext__(self) -> Any:
        return self.data.pop(0)


def test_a_chunk_that_is_no_bytes_is_refused_whether_it_was_waited_for_or_not(run: Callable[..., None]) -> None:
    def program() -> None:
        for kind in (Catching, AtOnce):
            stream = stream_of(kind(b"1\n", "2\n"))
            assert value_of(stream.__anext__()) == 1
            with pytest.raises(TypeError, match="chunk must be bytes"):
                value_of(stream.__anext__())
            assert stream.closed

    run(program)


def test_a_chunk_that_comes_when_the_stream_is_closed_is_not_read(run: Callable[..., None]) -> None:
    def program() -> None:
        stream, awaitable = waiting_for_the_second(Catching(b"1\n", b"2\n"))
        with contextlib.suppress(StopIteration):
            stream.aclose().send(None)
        with pytest.raises(StopAsyncIteration):
            value_of(awaitable)

    run(program)


def test_an_awaitable_that_was_never_started_is_dropped_without_a_trace(run: Callable[..., None]) -> None:
    def program() -> None:
        stream = stream_of(Catching(b"1\n", b"2\n"))
        for expected in (1, 2):
            stream.__anext__()
            assert value_of(stream.__anext__()) == expected

    run(program)


def test_an_awaitable_that_waits_is_collected_with_the_source_that_refers_to_it() -> None:
    source = Catching(b"1\n", b"2\n")
    stream, awaitable = waiting_for_the_second(source)
    source.data.append([stream, awaitable])
    dropped = weakref.ref(stream)
    del source, stream, awaitable
    gc.collect()
    assert dropped() is None


class SlowToClose(Catching):
    async def aclose(self) -> None:
        await pause()


class AtOnceAndSlowToClose(AtOnce, SlowToClose):
    pass


@pytest.mark.parametrize("kind", [SlowToClose, AtOnceAndSlowToClose])
def test_a_chunk_that_is_no_bytes_is_refused_once_its_source_is_closed(kind: Any, run: Callable[..., None]) -> None:
    def program() -> None:
        stream = stream_of(kind(b"1\n", "2\n"))
        assert value_of(stream.__anext__()) == 1
        awaitable = stream.__anext__()
        while not stream.closed:
            assert awaitable.send(None) == "wait"
        with pytest.raises(TypeError, match="chunk must be bytes"):
            value_of(awaitable)

    run(program)
