"""What asyncio and trio do differently looks the same to streams."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

import anyio
import pytest

from ndstream._sources.event_loops import (
    AsyncioScope,
    Closes,
    finalizer_of_running_loop,
    make_finalizer,
    move_on_after,
    release_in_event_loop,
    trio_if_running,
)

BACKENDS = ["asyncio", "trio"]


class Closing:
    """Counts how often it is closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        await anyio.sleep(0)
        self.closed += 1


async def some_turns_of_the_loop() -> None:
    gc.collect()
    for _ in range(10):
        await anyio.sleep(0)


def test_trio_is_found_in_its_tasks_alone() -> None:
    async def main() -> bool:
        return trio_if_running() is not None

    assert trio_if_running() is None
    assert [anyio.run(main, backend=backend) for backend in BACKENDS] == [False, True]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_scope_ends_what_takes_too_long_without_an_exception(backend: str) -> None:
    async def main() -> None:
        with move_on_after(0.01) as scope:
            await anyio.sleep(60)
        assert scope.cancelled_caught
        # The task is as usable as before.
        await anyio.sleep(0)

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_scope_lets_what_is_in_time_pass(backend: str) -> None:
    async def main() -> None:
        with move_on_after(60) as scope:
            await anyio.sleep(0)
        assert not scope.cancelled_caught
        with pytest.raises(ZeroDivisionError), move_on_after(60):
            await anyio.sleep(0)
            1 / 0  # noqa: B018

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cancellation_by_someone_else_passes_through_a_scope(backend: str) -> None:
    async def main() -> None:
        with anyio.move_on_after(0.01) as outer:
            with move_on_after(60):
                await anyio.sleep(60)
            raise AssertionError("it was cancelled")
        assert outer.cancelled_caught

    anyio.run(main, backend=backend)


def test_a_scope_is_cancelled_once_and_not_when_it_is_over() -> None:
    async def main() -> None:
        with AsyncioScope() as scope:
            scope.cancel()
            scope.cancel()
            await asyncio.sleep(60)
        assert scope.cancelled_caught
        scope.cancel()
        # Nothing of it reaches what the task does next.
        await asyncio.sleep(0)

    asyncio.run(main())


def test_a_scope_that_ended_by_itself_cancels_nothing() -> None:
    async def main() -> None:
        with AsyncioScope() as scope:
            pass
        scope.cancel()
        await asyncio.sleep(0)

    asyncio.run(main())


def test_a_scope_in_a_task_that_was_cancelled_before_ends_as_quietly() -> None:
    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)
        with AsyncioScope() as scope:
            asyncio.get_running_loop().call_soon(scope.cancel)
            await asyncio.sleep(60)
        assert scope.cancelled_caught

    asyncio.run(main())


def test_a_scope_needs_a_task() -> None:
    async def main() -> None:
        failed: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

        def outside() -> None:
            try:
                with move_on_after(1):
                    failed.set_result(None)
            except RuntimeError as error:
                failed.set_result(error)

        asyncio.get_running_loop().call_soon(outside)
        assert "needs a task" in str(await failed)

    asyncio.run(main())


def test_without_a_loop_nothing_calls_a_finalizer() -> None:
    closing = Closing()
    assert finalizer_of_running_loop(closing.close) is None
    release_in_event_loop(closing.close)
    assert closing.closed == 0


Drop = Callable[[Callable[[], Awaitable[object]]], object]

# Trio warns of generators that are dropped, so that streams use the second one there after the run alone.
DROPPED: list[tuple[Drop, str]] = [
    (finalizer_of_running_loop, "asyncio"),
    (lambda close: make_finalizer([close]), "asyncio"),
    (release_in_event_loop, "asyncio"),
    (finalizer_of_running_loop, "trio"),
    (release_in_event_loop, "trio"),
]


@pytest.mark.parametrize(("drop", "backend"), DROPPED)
def test_a_finalizer_that_is_dropped_releases(drop: Drop, backend: str) -> None:
    async def main() -> None:
        closing = Closing()
        drop(closing.close)
        await some_turns_of_the_loop()
        assert closing.closed == 1

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_finalizer_that_was_closed_does_not_release_again(backend: str) -> None:
    async def main() -> None:
        closing = Closing()
        finalizer = finalizer_of_running_loop(closing.close)
        assert finalizer is not None
        for _ in range(2):
            await finalizer.aclose()
        del finalizer
        await some_turns_of_the_loop()
        assert closing.closed == 1

    anyio.run(main, backend=backend)


def test_an_error_of_a_late_release_does_not_end_the_run_of_trio() -> None:
    async def fail() -> None:
        raise OSError("close failed")

    async def main() -> None:
        release_in_event_loop(fail)
        await some_turns_of_the_loop()

    anyio.run(main, backend="trio")


def test_a_finalizer_that_nobody_armed_releases_nothing() -> None:
    source = Closing()

    async def main() -> None:
        # What an interrupt drops before it was kept.
        make_finalizer([None])
        await some_turns_of_the_loop()
        assert source.closed == 0
        closes: Closes = [None]
        finalizer = make_finalizer(closes)
        closes[0] = source.close
        await finalizer.aclose()
        assert source.closed == 1

    asyncio.run(main())
