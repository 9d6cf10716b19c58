"""A broadcast: every client gets every event once and in order, or is told what it missed; slow ones harm nobody."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

import ndstream
from ndstream.serving import AsyncSubscription, Broadcast, BroadcastFullError, Failure
from serving.made_replies import chunk
from serving.relaying import Response, Upstream

EVENTS = [b"data: %d\n\n" % number for number in range(5)]

pytestmark = pytest.mark.parametrize("library", ["asyncio", "trio"])

Main = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
def run(library: str) -> Callable[[Main], None]:
    """Runs a coroutine function in both event loops, with a limit."""

    async def limited(main: Main) -> None:
        with anyio.fail_after(20):
            await main()

    return lambda main: anyio.run(limited, main, backend=library)


def made(*args: Any, **options: Any) -> Broadcast:
    return Broadcast(*args, **{"epoch": "e", "retry": None, "heartbeat": None, **options})


def events(data: bytes) -> list[tuple[str, str, str]]:
    """What a client reads: the type, the data and the id of each event."""
    return [(event.event, event.data, event.id) for event in ndstream.sse([data])]


def numbered(numbers: Any) -> list[tuple[str, str, str]]:
    """The events of an upstream that counts from 0."""
    return [("message", str(number), f"e-{number + 1}") for number in numbers]


async def rest(subscription: AsyncSubscription) -> list[tuple[str, str, str]]:
    return events(b"".join([message async for message in subscription]))


async def publish(broadcast: Broadcast, numbers: Any) -> None:
    for number in numbers:
        await broadcast.publish(number)


async def settled() -> None:
    """Let all tasks run until they wait."""
    await anyio.wait_all_tasks_blocked()


async def waits(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.005)


@asynccontextmanager
async def clients(*subscriptions: AsyncSubscription) -> AsyncIterator[list[list[tuple[str, str, str]]]]:
    """Clients that read to the end. What they got is known when the context is left."""
    got: list[list[tuple[str, str, str]]] = [[] for _ in subscriptions]

    async def client(number: int) -> None:
        got[number] = await rest(subscriptions[number])

    async with anyio.create_task_group() as group:
        for number in range(len(subscriptions)):
            group.start_soon(client, number)
        await settled()
        yield got


# One upstream for all.


def test_all_clients_get_every_event_of_one_upstream_in_order(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(anyio.Event(), *EVENTS)
        go = upstream.parts[0]
        broadcast = made(upstream, format="sse")
        async with clients(*(broadcast.subscribe() for _ in range(10))) as got:
            assert broadcast.subscribers == 10
            go.set()
        assert all(each == numbered(range(5)) for each in got)
        assert (upstream.taken, upstream.closed, broadcast.subscribers) == (5, 1, 0)

    run(main)


def test_an_event_is_written_once_and_shared(run: Any) -> None:
    async def main() -> None:
        broadcast = made()
        first, second = broadcast.subscribe(), broadcast.subscribe()
        await broadcast.publish("a")
        assert await anext(first) is await anext(second)
        await publish(broadcast, range(3))
        # Events that wait are joined once.
        assert await anext(first) is await anext(second)

    run(main)


def test_a_subscription_begins_when_it_is_made(run: Any) -> None:
    async def main() -> None:
        broadcast = made()
        await broadcast.publish(0)
        subscription = broadcast.subscribe()
        await broadcast.publish(1)
        broadcast.finish()
        assert await rest(subscription) == numbered([1])

    run(main)


def test_the_upstream_is_relayed_in_the_format_that_is_asked_for(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(b'{"a":1}\n{"a":2}\n')
        broadcast = made(upstream, format="ndjson")
        assert await rest(broadcast.subscribe()) == [("message", '{"a":1}', "e-1"), ("message", '{"a":2}', "e-2")]

    run(main)


def test_a_relay_is_a_source(run: Any) -> None:
    async def main() -> None:
        broadcast = made(ndstream.relay(Upstream(*EVENTS), format="sse"))
        assert await rest(broadcast.subscribe()) == numbered(range(5))

    run(main)


def test_what_is_no_event_stream_is_refused(run: Any) -> None:
    with pytest.raises(ValueError, match='relay it to "sse"'):
        made(ndstream.relay(Upstream(), format="ndjson"))
    with pytest.raises(ValueError, match="text/plain"):
        made(Upstream(), "text", format="sse")


def test_types_stay_and_ids_of_the_upstream_are_replaced(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(b": hi\nid: 7\nevent: a\ndata: x\ndata: y\n\nretry: 5\n\ndata\n\n")
        broadcast = made(upstream, format="sse")
        assert await rest(broadcast.subscribe()) == [("a", "x\ny", "e-1"), ("message", "", "e-2")]

    run(main)


def test_an_upstream_that_is_read_by_calling_is_read_in_a_thread(run: Any) -> None:
    async def main() -> None:
        broadcast = made(iter(EVENTS), format="sse", replay=True)
        async with clients(broadcast.subscribe(), broadcast.subscribe()) as got:
            pass
        assert got == [numbered(range(5))] * 2

    run(main)


def test_a_source_that_is_connected_may_be_awaited(run: Any) -> None:
    async def main() -> None:
        async def connect() -> Upstream:
            await anyio.sleep(0)
            return Upstream(*EVENTS)

        broadcast = made(connect=connect, format="sse")
        assert await rest(broadcast.subscribe()) == numbered(range(5))

    run(main)


# Slow clients.


def test_a_slow_client_misses_the_oldest_events_and_is_told_how_many(run: Any) -> None:
    async def main() -> None:
        broadcast = made(max_events=3)
        slow, fast = broadcast.subscribe(), broadcast.subscribe()
        await broadcast.publish(0)
        assert [events(await anext(each)) for each in (slow, fast)] == [numbered([0])] * 2
        for number in range(1, 6):
            await broadcast.publish(number)
            assert events(await anext(fast)) == numbered([number])
        # The notice has no id: it moves no client on.
        assert events(await anext(slow)) == [("dropped", '{"dropped":2}', ""), *numbered([3, 4, 5])]
        assert (slow.dropped, fast.dropped, broadcast.dropped) == (2, 0, 2)

    run(main)


def test_a_slow_client_blocks_whoever_publishes_if_that_is_asked_for(run: Any) -> None:
    async def main() -> None:
        broadcast = made(max_events=2, slow="block")
        slow = broadcast.subscribe()
        await broadcast.publish(0)
        await anext(slow)
        await publish(broadcast, (1, 2))
        with pytest.raises(BroadcastFullError):
            broadcast.publish_nowait(3)
        async with anyio.create_task_group() as group:
            group.start_soon(publish, broadcast, (3, 4))
            await settled()
            assert broadcast.last_event_id == "e-3"
            # Its message is the two that wait, and makes room for two.
            assert events(await anext(slow)) == numbered([1, 2])
        assert events(await anext(slow)) == numbered([3, 4])

    run(main)


def test_a_slow_client_that_leaves_blocks_nobody_any_more(run: Any) -> None:
    async def main() -> None:
        broadcast = made(max_events=1, slow="block")
        slow = broadcast.subscribe()
        await broadcast.publish(0)
        await anext(slow)
        await broadcast.publish(1)
        async with anyio.create_task_group() as group:
            group.start_soon(broadcast.publish, 2)
            await settled()
            assert broadcast.last_event_id == "e-2"
            await slow.aclose()
        assert broadcast.last_event_id == "e-3"

    run(main)


def test_an_upstream_is_not_read_while_a_slow_client_blocks_it(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(*(b"data: %d\n\n" % number for number in range(50)))
        broadcast = made(upstream, format="sse", max_events=2, slow="block")
        slow = broadcast.subscribe()
        got = events(await anext(slow))
        await settled()
        assert upstream.taken <= 8
        got += await rest(slow)
        assert got == numbered(range(50))

    run(main)


def test_a_slow_client_is_disconnected_if_that_is_asked_for_and_may_come_back(run: Any) -> None:
    async def main() -> None:
        broadcast = made(max_events=2, slow="disconnect")
        slow, fast = broadcast.subscribe(), broadcast.subscribe()
        for number in range(4):
            await broadcast.publish(number)
            assert events(await anext(fast)) == numbered([number])
            if number == 0:
                await anext(slow)
        [(kind, data, id)] = events(await anext(slow))
        assert (kind, id) == ("error", "")
        assert '"slow"' in data
        with pytest.raises(StopAsyncIteration):
            await anext(slow)
        assert slow.failure is not None
        back = broadcast.subscribe("e-3")
        assert events(await anext(back)) == numbered([3])

    run(main)


def test_the_ring_is_bounded_in_bytes(run: Any) -> None:
    async def main() -> None:
        broadcast = made(max_bytes=100, replay=True)
        for number in range(10):
            await broadcast.publish("x" * number)
        got = await anext(broadcast.subscribe())
        assert got.startswith(b"event: dropped\n")
        assert len(got.partition(b"\n\n")[2]) <= 100
        with pytest.raises(ValueError, match="max_bytes is 100"):
            await broadcast.publish("x" * 100)

    run(main)


def test_an_event_of_the_upstream_that_is_larger_than_the_ring_ends_it_with_an_error(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(b"data: 0\n\n", b"data: " + b"x" * 500 + b"\n\n", b"data: 2\n\n")
        broadcast = made(upstream, format="sse", max_bytes=200)
        first, (kind, data, _) = await rest(broadcast.subscribe())
        assert first == numbered([0])[0]
        assert kind == "error"
        assert "too_large" in data
        assert upstream.closed == 1

    run(main)


# Clients that come back.


@pytest.mark.parametrize("wrong", [b"e-1", bytearray(b"e-1"), 7, True])
def test_a_last_event_id_that_is_no_text_is_refused_by_name(run: Any, wrong: Any) -> None:
    async def main() -> None:
        broadcast = Broadcast(epoch="e", retry=None)
        for subscribe in (broadcast.subscribe, broadcast.subscribe_sync):
            with pytest.raises(TypeError, match="last_event_id must be a str or None, not "):
                subscribe(wrong)
        assert broadcast.subscribers == 0

    run(main)


@pytest.mark.parametrize(
    ("last_event_id", "expected"),
    [
        ("e-5", numbered([5, 6])),
        ("e-7", []),
        ("e-4", numbered([4, 5, 6])),
        ("e-3", [("reset", '{"reason":"the id is too old"}', "e-7")]),
        ("e-8", [("reset", '{"reason":"the id is unknown"}', "e-7")]),
        ("f-5", [("reset", '{"reason":"the id is unknown"}', "e-7")]),
        ("5", [("reset", '{"reason":"the id is unknown"}', "e-7")]),
        ("\ufffd-\x00" * 100, [("reset", '{"reason":"the id is unknown"}', "e-7")]),
        ("e-" + "9" * 5000, [("reset", '{"reason":"the id is unknown"}', "e-7")]),
        ("e-٣", [("reset", '{"reason":"the id is unknown"}', "e-7")]),
        ("", []),
        (None, []),
    ],
    ids=repr,
)
def test_a_client_goes_on_after_its_last_event_id_or_is_reset(run: Any, last_event_id: Any, expected: Any) -> None:
    async def main() -> None:
        broadcast = made(max_events=3)
        await publish(broadcast, range(7))
        subscription = broadcast.subscribe(last_event_id)
        if expected:
            assert events(await anext(subscription)) == expected
        await broadcast.publish(7)
        broadcast.finish()
        assert await rest(subscription) == numbered([7])

    run(main)


def test_a_client_that_was_reset_goes_on_from_there(run: Any) -> None:
    async def main() -> None:
        broadcast = made()
        await publish(broadcast, range(3))
        [(kind, _, id)] = events(await anext(broadcast.subscribe("other-9")))
        assert kind == "reset"
        back = broadcast.subscribe(id)
        await broadcast.publish(3)
        assert events(await anext(back)) == numbered([3])

    run(main)


def test_new_clients_get_what_is_held_if_that_is_asked_for(run: Any) -> None:
    async def main() -> None:
        broadcast = made(max_events=3, replay=True)
        await publish(broadcast, range(2))
        assert events(await anext(broadcast.subscribe())) == numbered([0, 1])
        await publish(broadcast, range(2, 5))
        assert events(await anext(broadcast.subscribe())) == [("dropped", '{"dropped":2}', ""), *numbered([2, 3, 4])]
        assert events(await anext(broadcast.subscribe("x"))) == [
            ("reset", '{"reason":"the id is unknown"}', "e-5"),
            *numbered([2, 3, 4]),
        ]

    run(main)


def test_no_event_is_lost_or_doubled_by_clients_that_come_and_go_while_events_are_published(run: Any) -> None:
    async def main() -> None:
        broadcast = made()
        done = anyio.Event()
        got: dict[int, list[str]] = {number: [] for number in range(20)}

        async def client(number: int) -> None:
            last_id = broadcast.last_event_id
            while not done.is_set() or last_id != broadcast.last_event_id:
                subscription = broadcast.subscribe(last_id)
                for _ in range(number % 4 + 1):
                    if last_id == broadcast.last_event_id and done.is_set():
                        break
                    for _, data, id in events(await anext(subscription)):
                        got[number].append(data)
                        last_id = id
                    await anyio.sleep(0)
                await subscription.aclose()

        async with anyio.create_task_group() as group:
            for number in got:
                group.start_soon(client, number)
            await settled()
            for number in range(500):
                await broadcast.publish(number)
                if number % 7 == 0:
                    await anyio.sleep(0)
            done.set()
            await broadcast.publish(500)
        assert all(each[:501] == [str(number) for number in range(501)] for each in got.values())

    run(main)


def test_a_thousand_clients_that_come_back_after_a_restart_are_told_to_wait_for_different_times(run: Any) -> None:
    async def main() -> None:
        broadcast = made(retry=(1.0, 5.0))
        delays = []
        for _ in range(1000):
            field = (await anext(broadcast.subscribe("before-7"))).partition(b"\n\n")[0]
            assert field.startswith(b"retry: ")
            delays.append(int(field[7:]))
        assert min(delays) >= 1000
        assert max(delays) <= 5000
        # In each tenth of that time a tenth of them, more or less.
        for begin in range(1000, 5000, 400):
            assert 40 < sum(begin <= delay < begin + 400 for delay in delays) < 200

    run(main)


# Ends.


def test_late_clients_get_the_same_end(run: Any) -> None:
    async def main() -> None:
        for failure in (None, ConnectionError("secret")):
            parts = EVENTS if failure is None else [*EVENTS, failure]
            broadcast = made(Upstream(*parts), format="sse", replay=True)
            early = await rest(broadcast.subscribe())
            assert await rest(broadcast.subscribe()) == early
            assert (await rest(broadcast.subscribe("x-1")))[1:] == early
            assert early[:5] == numbered(range(5))
            assert len(early) == (5 if failure is None else 6)
            if failure is not None:
                kind, data, id = early[5]
                assert (kind, id) == ("error", "e-6")
                assert "secret" not in data
                assert await rest(broadcast.subscribe("e-5")) == early[5:]
            assert (broadcast.failure is None) is (failure is None)
            live = made(Upstream(*parts), format="sse")
            await rest(live.subscribe())
            assert await rest(live.subscribe()) == early[5:]
            assert await rest(broadcast.subscribe(broadcast.last_event_id)) == []

    run(main)


def test_the_end_can_be_told_by_whoever_publishes(run: Any) -> None:
    async def main() -> None:
        broadcast = made()
        async with clients(broadcast.subscribe(), broadcast.subscribe()) as got:
            await broadcast.publish(0)
            broadcast.end_with(Failure("the source is gone", "server"))
        assert got[0] == got[1]
        assert got[0] == [
            *numbered([0]),
            ("error", '{"error":{"message":"the source is gone","type":"server"}}', "e-2"),
        ]
        with pytest.raises(RuntimeError, match="ended"):
            await broadcast.publish(1)

    run(main)


def test_a_server_that_shuts_down_ends_all_clients_in_the_words_of_the_format(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(EVENTS[0], anyio.Event())
        broadcast = made(upstream, format="sse")
        async with clients(broadcast.subscribe(), broadcast.subscribe()) as got:
            assert await broadcast.aclose(grace=5) == 0
        assert [each[1][0] for each in got] == ["error", "error"]
        assert "shutdown" in got[0][1][1]
        assert upstream.closed == 1

    run(main)


def test_clients_that_do_not_read_are_cut_off_after_the_grace(run: Any) -> None:
    async def main() -> None:
        broadcast = made(Upstream(EVENTS[0], anyio.Event()), format="sse")
        subscription = broadcast.subscribe()
        await anext(subscription)
        assert await broadcast.aclose(grace=0.05) == 1

    run(main)


def test_a_refusal_of_the_upstream_is_known_before_the_response_starts_also_to_late_clients(run: Any) -> None:
    async def main() -> None:
        upstream = Response(b'{"error":"slow down"}', status=429, headers={"Content-Type": "application/json"})
        broadcast = made(upstream)
        for _ in range(2):
            with pytest.raises(ndstream.UpstreamError) as caught:
                await broadcast.subscribe().aopen()
            assert caught.value.status == 429
        assert upstream.closed == 1

    run(main)


def test_a_connection_that_cannot_be_made_is_an_error_event(run: Any) -> None:
    async def main() -> None:
        async def connect() -> Any:
            raise ConnectionRefusedError("10.0.0.7")

        [(kind, data, _)] = await rest(made(connect=connect, replay=True).subscribe())
        assert kind == "error"
        assert "10.0.0.7" not in data

    run(main)


def test_a_connection_that_fails_at_once_is_an_error_event(run: Any) -> None:
    async def main() -> None:
        def connect() -> Any:
            raise ConnectionRefusedError("10.0.0.7")

        broadcast = made(connect=connect, replay=True)
        [(kind, data, _)] = await rest(broadcast.subscribe())
        assert kind == "error"
        assert "10.0.0.7" not in data
        assert isinstance(broadcast.error, ndstream.TruncatedError)
        assert isinstance(broadcast.error.__cause__, ConnectionRefusedError)

    run(main)


def test_a_source_that_is_awaited_and_read_by_calling_is_an_error(run: Any) -> None:
    async def main() -> None:
        async def connect() -> Any:
            return EVENTS

        broadcast = made(connect=connect, replay=True)
        [(kind, _, _)] = await rest(broadcast.subscribe())
        assert kind == "error"
        assert "must give an async source" in str(broadcast.error)

    run(main)


def test_an_upstream_that_raises_what_is_no_error_ends_the_stream_for_all(run: Any) -> None:
    async def main() -> None:
        broadcast = made(Upstream(EVENTS[0], GeneratorExit("gone")), format="sse")
        first, (kind, data, _) = await rest(broadcast.subscribe())
        assert first == numbered([0])[0]
        assert (kind, "server" in data, broadcast.ended) == ("error", True, True)
        assert isinstance(broadcast.error, RuntimeError)

    run(main)


def test_the_end_of_a_connection_that_is_not_made_yet_is_told_once_it_is(run: Any) -> None:
    async def main() -> None:
        connected = anyio.Event()
        upstream = Upstream(*EVENTS)

        async def connect() -> Any:
            await connected.wait()
            return upstream

        broadcast = made(connect=connect, format="sse")
        async with clients(broadcast.subscribe()) as got:
            broadcast.end_with(Failure("closing", "shutdown"))
            connected.set()
        [(kind, data, _)] = got[0]
        assert (kind, "closing" in data, upstream.taken) == ("error", True, 0)

    run(main)


# The upstream when clients leave.


def test_the_upstream_is_closed_at_once_when_the_last_client_leaves(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(EVENTS[0], anyio.Event())
        broadcast = made(upstream, format="sse", keep_upstream=0)
        first, second = broadcast.subscribe(), broadcast.subscribe()
        await anext(first)
        await anext(second)
        await first.aclose()
        await settled()
        assert upstream.closed == 0
        await second.aclose()
        await waits(lambda: upstream.closed == 1)
        # There is nothing to come back to, and that is told.
        [last] = await rest(broadcast.subscribe("e-1"))
        assert last[0] == "error"

    run(main)


def test_the_upstream_is_kept_for_some_time(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(EVENTS[0], anyio.Event(), EVENTS[1], anyio.Event())
        go = upstream.parts[1]
        broadcast = made(upstream, format="sse", keep_upstream=0.1)
        async with broadcast.subscribe() as subscription:
            await anext(subscription)
        # It is read on for those who come back in time.
        go.set()
        await anyio.sleep(0.01)
        async with broadcast.subscribe("e-1") as subscription:
            assert events(await anext(subscription)) == numbered([1])
            await anyio.sleep(0.2)
            assert upstream.closed == 0
        await waits(lambda: upstream.closed == 1)

    run(main)


def test_the_upstream_is_kept_until_it_ends(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(EVENTS[0], anyio.Event(), *EVENTS[1:])
        go = upstream.parts[1]
        broadcast = made(upstream, format="sse", keep_upstream=None)
        async with broadcast.subscribe() as subscription:
            await anext(subscription)
        await settled()
        go.set()
        await waits(lambda: upstream.closed == 1)
        assert await rest(broadcast.subscribe("e-1")) == numbered(range(1, 5))

    run(main)


def test_an_upstream_that_can_be_connected_again_begins_another_epoch(run: Any) -> None:
    async def main() -> None:
        upstreams: list[Upstream] = []

        def connect() -> Upstream:
            upstreams.append(Upstream(*EVENTS[:2], anyio.Event()))
            return upstreams[-1]

        broadcast = made(connect=connect, format="sse", keep_upstream=0)
        async with broadcast.subscribe() as subscription:
            await anext(subscription)
        await waits(lambda: upstreams[0].closed == 1)
        async with broadcast.subscribe("e-1") as subscription:
            kind, data, _ = events(await anext(subscription))[0]
            assert (kind, data) == ("reset", '{"reason":"the id is unknown"}')
        assert len(upstreams) == 2

    run(main)


# Clients that leave.


def test_a_client_that_is_cancelled_leaves(run: Any) -> None:
    async def main() -> None:
        broadcast = made()
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(rest, broadcast.subscribe())
            await settled()
            assert broadcast.subscribers == 100
            group.cancel_scope.cancel()
        assert broadcast.subscribers == 0

    run(main)


def test_a_subscription_that_nobody_refers_to_leaves(run: Any) -> None:
    async def main() -> None:
        broadcast = made(max_events=1, slow="block")
        subscription = broadcast.subscribe()
        await broadcast.publish(0)
        await anext(subscription)
        del subscription
        gc.collect()
        assert broadcast.subscribers == 0

    run(main)


def test_a_subscription_that_is_never_iterated_over_blocks_nobody(run: Any) -> None:
    async def main() -> None:
        broadcast = made(max_events=1, slow="block")
        subscription = broadcast.subscribe()
        await publish(broadcast, range(3))
        assert events(await anext(subscription))[0] == ("dropped", '{"dropped":2}', "")

    run(main)


def test_a_thousand_clients_connect_at_once_and_leave_at_once(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(anyio.Event())
        broadcast = made(upstream, format="sse", keep_upstream=0)
        async with anyio.create_task_group() as group:
            for _ in range(1000):
                group.start_soon(rest, broadcast.subscribe())
            await settled()
            assert broadcast.subscribers == 1000
            group.cancel_scope.cancel()
        await waits(lambda: upstream.closed == 1)
        assert broadcast.subscribers == 0

    run(main)


def test_closing_wakes_the_task_that_waits(run: Any) -> None:
    async def main() -> None:
        subscription = made().subscribe()
        async with clients(subscription) as got:
            await subscription.aclose()
        assert got == [[]]

    run(main)


def test_two_tasks_cannot_iterate_over_one_subscription(run: Any) -> None:
    async def main() -> None:
        subscription = made().subscribe()
        async with clients(subscription):
            with pytest.raises(RuntimeError, match="two tasks"):
                await anext(subscription)
            await subscription.aclose()

    run(main)


# Heartbeats.


def test_silence_is_filled_with_heartbeats_and_data_is_not(run: Any) -> None:
    async def main() -> None:
        broadcast = made(heartbeat=0.05)
        subscription = broadcast.subscribe()
        assert await anext(subscription) == b":\n\n"
        for number in range(10):
            await anyio.sleep(0.02)
            await broadcast.publish(number)
            assert events(await anext(subscription)) == numbered([number])
        assert await anext(subscription) == b":\n\n"

    run(main)


def test_a_reply_is_broadcast_with_its_sentinel_once(run: Any) -> None:
    async def main() -> None:
        upstream = Upstream(chunk(text="Hi"), b"data: [DONE]\n\n", b"data: more\n\n")
        broadcast = made(upstream, format="sse", replay=True)
        got = await rest(broadcast.subscribe())
        assert [data for _, data, _ in got][1:] == ["[DONE]"]
        assert got == await rest(broadcast.subscribe())

    run(main)


def test_an_end_that_is_told_twice_is_the_first_one(run: Any) -> None:
    async def main() -> None:
        broadcast = made()
        broadcast.finish()
        broadcast.finish()
        broadcast.end_with(Failure("late", "server"))
        assert (broadcast.ended, broadcast.failure, await rest(broadcast.subscribe())) == (True, None, [])

    run(main)


def test_a_client_that_comes_when_its_next_event_is_gone_is_disconnected_or_told(run: Any) -> None:
    async def main() -> None:
        broadcast = made(slow="disconnect", max_events=2)
        subscription = broadcast.subscribe()
        # It takes no part yet, and so nobody gives it up.
        await publish(broadcast, range(3))
        [(kind, data, _)] = await rest(subscription)
        assert (kind, "reads too slowly" in data) == ("error", True)
        assert subscription.closed
        assert subscription.refusal is not None
        assert broadcast.subscribe().refusal is None

    run(main)


def test_a_client_that_comes_in_another_run_than_it_was_made_in_is_reset(run: Any) -> None:
    async def main() -> None:
        broadcast = made(connect=lambda: Upstream(*EVENTS[:2], anyio.Event()), format="sse", keep_upstream=0)
        late = broadcast.subscribe()
        async with broadcast.subscribe() as first:
            assert events(await anext(first))[:1] == numbered([0])
        [(kind, data, _)] = events(await anext(late))
        assert (kind, "unknown" in data) == ("reset", True)
        # Whatever the upstream of the earlier run had in hand when it was released is gone with it.
        assert events(await anext(late))[0][1] == "0"
        await late.aclose()

    run(main)


def test_opening_twice_and_after_the_end_changes_nothing(run: Any) -> None:
    async def main() -> None:
        subscription = made(Upstream(*EVENTS), format="sse").subscribe()
        assert await subscription.aopen() is await subscription.aopen()
        assert await rest(subscription) == numbered(range(5))
        assert await subscription.aopen() is subscription

    run(main)


def test_a_task_that_is_cancelled_as_an_event_comes_is_not_woken_by_it(run: Any) -> None:
    async def main() -> None:
        broadcast = made()
        async with anyio.create_task_group() as group:
            group.start_soon(anext, broadcast.subscribe())
            await settled()
            group.cancel_scope.cancel()
            broadcast.publish_nowait(0)
        assert broadcast.subscribers == 0

    run(main)


def test_what_is_no_epoch_or_no_callable_is_refused_at_once(run: Any) -> None:
    async def main() -> None:
        # An epoch of 7 would be in each id, and none of these ids would be known again.
        wrong: Any = 7
        with pytest.raises(TypeError, match="epoch"):
            Broadcast(epoch=wrong)
        with pytest.raises(TypeError, match="connect"):
            Broadcast(connect=wrong)

    run(main)
