"""A broadcast and threads: clients that have one each, publishers in others, and an upstream that is read in one."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import ndstream
from ndstream.serving import Broadcast, Failure, Subscription
from ndstream.serving._broadcast.upstream import BroadcastUpstream
from serving.relaying import SyncResponse, Upstream
from serving.servers import until

CLIENTS = 8
EVENTS = [b"data: %d\n\n" % number for number in range(300)]
NUMBERED = [(str(number), f"e-{number + 1}") for number in range(300)]


def made(*args: Any, **options: Any) -> Broadcast:
    return Broadcast(*args, **{"epoch": "e", "retry": None, "heartbeat": None, **options})


def read(subscription: Subscription) -> list[tuple[str, str]]:
    return [(event.data, event.id) for event in ndstream.sse([b"".join(subscription)])]


@pytest.fixture(autouse=True)
def hurried() -> Any:
    """Threads take turns so often that they meet in the middle of things."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize(("slow", "max_events"), [("block", 2), ("drop", 1000)])
def test_clients_in_threads_get_every_event_once_and_in_order(slow: Any, max_events: int) -> None:
    all_here = threading.Event()

    def upstream() -> Iterator[bytes]:
        assert all_here.wait(20)
        yield from EVENTS

    broadcast = made(upstream(), format="sse", slow=slow, max_events=max_events)
    with ThreadPoolExecutor(CLIENTS) as pool:
        reading = [pool.submit(read, broadcast.subscribe_sync()) for _ in range(CLIENTS)]
        assert until(lambda: broadcast.subscribers == CLIENTS)
        all_here.set()
        assert [task.result(20) for task in reading] == [NUMBERED] * CLIENTS
    assert broadcast.subscribers == 0


def test_events_of_several_threads_reach_clients_in_threads_and_in_an_event_loop() -> None:
    broadcast = made()
    subscriptions = [broadcast.subscribe_sync() for _ in range(4)]
    awaited = [broadcast.subscribe() for _ in range(4)]

    async def main() -> list[bytes]:
        async def collect(subscription: Any) -> bytes:
            return b"".join([message async for message in subscription])

        return await asyncio.gather(*map(collect, awaited))

    def publish(number: int) -> None:
        for event in range(100):
            broadcast.publish_nowait(f"{number}-{event}")

    with ThreadPoolExecutor(16) as pool:
        reading = [pool.submit(read, subscription) for subscription in subscriptions]
        looping = pool.submit(asyncio.run, main())
        assert until(lambda: broadcast.subscribers == 8)
        list(pool.map(publish, range(4)))
        broadcast.finish()
        got = [task.result(20) for task in reading]
        got += [[(event.data, event.id) for event in ndstream.sse([data])] for data in looping.result(20)]
    assert all(each == got[0] for each in got)
    assert [id for _, id in got[0]] == [f"e-{number}" for number in range(1, 401)]
    for publisher in range(4):
        mine = [data for data, _ in got[0] if data.startswith(f"{publisher}-")]
        assert mine == [f"{publisher}-{event}" for event in range(100)]


def test_silence_is_filled_with_heartbeats() -> None:
    broadcast = made(heartbeat=0.02)
    subscription = broadcast.subscribe_sync()
    assert next(subscription) == b":\n\n"
    broadcast.publish_nowait("a")
    assert next(subscription) == b"id: e-1\ndata: a\n\n"


def test_closing_wakes_the_thread_that_waits() -> None:
    broadcast = made()
    subscription = broadcast.subscribe_sync()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read, subscription)
        assert until(lambda: broadcast.subscribers == 1)
        subscription.close()
        assert reading.result(10) == []


def test_an_upstream_that_is_read_in_a_thread_is_released_when_the_last_client_leaves() -> None:
    go = threading.Event()

    def body() -> Any:
        yield EVENTS[0]
        go.wait(20)
        yield EVENTS[1]
        yield from iter(lambda: EVENTS[2], None)

    upstream = SyncResponse()
    upstream.iter_bytes = body  # type: ignore[method-assign]
    broadcast = made(upstream, format="sse", keep_upstream=0)
    with broadcast.subscribe_sync() as subscription:
        assert next(subscription) == b"id: e-1\ndata: 0\n\n"
    # It cannot be woken: it is released once it says something.
    go.set()
    assert until(lambda: upstream.closed == 1)


def test_an_upstream_that_is_read_in_a_thread_is_kept_for_some_time() -> None:
    go = threading.Event()
    upstream = SyncResponse()

    def body() -> Any:
        yield EVENTS[0]
        assert go.wait(20)
        yield from EVENTS[1:]

    upstream.iter_bytes = body  # type: ignore[method-assign]
    broadcast = made(upstream, format="sse", keep_upstream=0.05)
    with broadcast.subscribe_sync() as subscription:
        assert next(subscription) == b"id: e-1\ndata: 0\n\n"
    assert until(lambda: broadcast.ended)
    assert (broadcast.failure is not None and broadcast.failure.kind) == "abandoned"
    go.set()
    assert until(lambda: upstream.closed == 1)


def test_a_client_in_a_thread_that_comes_back_in_time_finds_the_upstream_as_it_was() -> None:
    go = threading.Event()

    def upstream() -> Iterator[bytes]:
        yield EVENTS[0]
        assert go.wait(20)
        yield from EVENTS[1:]

    broadcast = made(upstream(), format="sse", keep_upstream=60)
    with broadcast.subscribe_sync() as subscription:
        assert next(subscription) == b"id: e-1\ndata: 0\n\n"
    assert broadcast.subscribers == 0
    again = broadcast.subscribe_sync("e-1")
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read, again)
        assert until(lambda: broadcast.subscribers == 1)
        # The time is over in the moment in which the client is back.
        broadcast._upstream._release_if_unused()
        go.set()
        assert reading.result(20) == NUMBERED[1:]


def test_an_upstream_that_is_read_in_a_thread_ends_in_the_words_of_its_format() -> None:
    go = threading.Event()

    def upstream() -> Iterator[bytes]:
        yield EVENTS[0]
        assert go.wait(20)
        yield from EVENTS[1:]

    broadcast = made(upstream(), format="sse")
    subscription = broadcast.subscribe_sync()
    assert next(subscription) == b"id: e-1\ndata: 0\n\n"
    broadcast.end_with(Failure("closing", "shutdown"))
    go.set()
    [last] = ndstream.sse([b"".join(subscription)])
    assert (last.event, "closing" in last.data, last.id) == ("error", True, "e-2")


@pytest.mark.parametrize(
    ("part", "kind", "error"),
    [(b"data: " + b"x" * 200 + b"\n\n", "too_large", ValueError), (KeyboardInterrupt(), "server", RuntimeError)],
)
def test_what_cannot_be_sent_on_ends_the_stream_of_a_thread(part: Any, kind: str, error: type[Exception]) -> None:
    def upstream() -> Iterator[bytes]:
        yield EVENTS[0]
        if isinstance(part, bytes):
            yield part
        else:
            raise part

    broadcast = made(upstream(), format="sse", max_bytes=200, replay=True)
    first, last = ndstream.sse([b"".join(broadcast.subscribe_sync())])
    assert (first.data, last.event, kind in last.data) == ("0", "error", True)
    assert isinstance(broadcast.error, error)


def test_a_thread_that_waits_for_room_ends_when_the_broadcast_does() -> None:
    upstream = SyncResponse(*EVENTS)
    broadcast = made(upstream, format="sse", slow="block", max_events=2)
    subscription = broadcast.subscribe_sync()
    first = next(subscription)
    assert until(lambda: bool(broadcast._channel.blocked))
    broadcast.finish()
    assert until(lambda: upstream.closed == 1)
    got = [int(event.data) for event in ndstream.sse([first, *subscription])]
    assert got == list(range(len(got)))
    assert len(got) < 6


def test_no_event_passes_between_the_start_of_the_upstream_and_its_first_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = BroadcastUpstream.start

    def start_and_let_others_run(upstream: BroadcastUpstream) -> None:
        start(upstream)
        time.sleep(0.05)

    monkeypatch.setattr(BroadcastUpstream, "start", start_and_let_others_run)
    broadcast = made(SyncResponse(*EVENTS), format="sse", slow="block", max_events=2)
    assert read(broadcast.subscribe_sync()) == NUMBERED


def test_an_upstream_that_nobody_asked_for_is_closed_with_the_broadcast() -> None:
    upstream = SyncResponse(*EVENTS)
    broadcast = made(upstream, format="sse")
    broadcast.finish()
    assert (upstream.closed, broadcast.ended, broadcast.headers["Content-Type"]) == (1, True, "text/event-stream")


def test_two_threads_cannot_iterate_over_one_subscription() -> None:
    broadcast = made()
    subscription = broadcast.subscribe_sync()
    assert (subscription.content_type, subscription.closed) == ("text/event-stream", False)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read, subscription)
        assert until(lambda: broadcast.subscribers == 1)
        with pytest.raises(RuntimeError, match="running already"):
            next(subscription)
        broadcast.publish_nowait("a")
        broadcast.finish()
        assert reading.result(20) == [("a", "e-1")]


def test_events_that_wait_are_joined_up_to_a_bound() -> None:
    broadcast = made()
    subscription = broadcast.subscribe_sync()
    for number in range(4):
        broadcast.publish_nowait(str(number) * 40_000)
    broadcast.finish()
    messages = list(subscription)
    assert [event.data[0] for event in ndstream.sse([b"".join(messages)])] == ["0", "1", "2", "3"]
    assert [len(message) // 40_000 for message in messages] == [1, 1, 1, 1]


def test_two_event_loops_take_part_in_one_broadcast() -> None:
    broadcast = made()

    def client() -> list[str]:
        async def main() -> list[str]:
            return [event.data for event in ndstream.sse([b"".join([each async for each in broadcast.subscribe()])])]

        return asyncio.run(main())

    with ThreadPoolExecutor(2) as pool:
        reading = [pool.submit(client) for _ in range(2)]
        assert until(lambda: broadcast.subscribers == 2)
        broadcast.publish_nowait("a")
        broadcast.finish()
        assert [task.result(20) for task in reading] == [["a"], ["a"]]


def test_an_awaited_upstream_cannot_be_started_by_a_thread() -> None:
    with pytest.raises(RuntimeError, match="event loop"):
        next(made(Upstream(*EVENTS), format="sse").subscribe_sync())


def test_an_awaited_upstream_that_was_started_is_there_for_threads() -> None:
    broadcast = made(Upstream(*EVENTS), format="sse", replay=True)

    async def main() -> list[tuple[str, str]]:
        broadcast.start()
        return await asyncio.to_thread(read, broadcast.subscribe_sync())

    assert asyncio.run(main()) == NUMBERED


def test_a_subscription_that_nobody_refers_to_leaves() -> None:
    broadcast = made()
    subscription = broadcast.subscribe_sync()
    broadcast.publish_nowait("a")
    next(subscription)
    del subscription
    gc.collect()
    assert broadcast.subscribers == 0
