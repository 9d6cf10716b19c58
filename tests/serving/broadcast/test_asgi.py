"""A broadcast as an ASGI application: each request is a subscription."""

from __future__ import annotations

import asyncio
from typing import Any

import ndstream
from ndstream.serving import Broadcast
from serving.relaying import Response, Upstream, run
from serving.written_out_server import Server, ask

A = b"data: a\n\n"


def made(*args: Any, **options: Any) -> Broadcast:
    return Broadcast(*args, **{"epoch": "e", "retry": None, "heartbeat": None, **options})


def events(server: Server) -> list[tuple[str, str, str]]:
    return [(event.event, event.data, event.id) for event in ndstream.sse([server.body])]


def test_a_request_gets_the_events_with_the_headers_of_a_stream() -> None:
    async def main() -> None:
        server = await ask(made(Upstream(A), format="sse"), Server())
        assert server.status == 200
        assert server.headers == {
            b"content-type": b"text/event-stream",
            b"cache-control": b"no-cache, no-transform",
            b"x-accel-buffering": b"no",
        }
        assert events(server) == [("message", "a", "e-1")]
        assert server.sent[-1] == {"type": "http.response.body", "body": b""}

    run(main)


def test_a_request_goes_on_after_its_last_event_id() -> None:
    async def main() -> None:
        broadcast = made()
        for number in range(3):
            await broadcast.publish(number)
        asking = asyncio.create_task(ask(broadcast, Server(headers={"Last-Event-ID": "e-2"})))
        foreign = asyncio.create_task(ask(broadcast, Server(headers={"Last-Event-ID": "7"})))
        await asyncio.sleep(0.01)
        broadcast.finish()
        assert events(await asking) == [("message", "2", "e-3")]
        assert [kind for kind, _, _ in events(await foreign)] == ["reset"]

    run(main)


def test_an_id_that_is_not_utf_8_is_reset() -> None:
    async def main() -> None:
        broadcast = made()
        server = Server()
        server.scope["headers"] = [(b"last-event-id", b"e-\xff1")]
        asking = asyncio.create_task(ask(broadcast, server))
        await asyncio.sleep(0.01)
        broadcast.finish()
        assert [kind for kind, _, _ in events(await asking)] == ["reset"]

    run(main)


def test_a_client_that_has_all_of_an_ended_stream_is_told_not_to_ask_again() -> None:
    async def main() -> None:
        broadcast = made()
        await broadcast.publish(0)
        broadcast.finish()
        for headers, status in (
            ({"Last-Event-ID": "e-1"}, 204),
            ({}, 204),
            ({"Last-Event-ID": "e-0"}, 200),
            ({"Last-Event-ID": "f-1"}, 200),
        ):
            server = await ask(broadcast, Server(headers=headers))
            assert server.status == status
            assert server.sent[-1] == {"type": "http.response.body", "body": b""}
            assert [message["type"] for message in server.sent].count("http.response.start") == 1
        assert broadcast.subscribers == 0

    run(main)


def test_head_has_the_headers_alone_and_starts_no_upstream() -> None:
    async def main() -> None:
        upstream = Upstream(A)
        broadcast = made(upstream, format="sse")
        server = await ask(broadcast, Server("HEAD"))
        assert (server.status, server.body, len(server.sent)) == (200, b"", 2)
        assert (upstream.taken, broadcast.subscribers) == (0, 0)

    run(main)


def test_a_refusal_of_the_upstream_is_the_answer_to_each_request() -> None:
    async def main() -> None:
        headers = {"Content-Type": "application/json", "Retry-After": "7"}
        broadcast = made(Response(b'{"error":"key sk-1"}', status=429, headers=headers))
        for _ in range(2):
            server = await ask(broadcast, Server())
            assert server.status == 429
            assert server.headers[b"retry-after"] == b"7"
            assert b"sk-1" not in server.body

    run(main)


def test_a_response_starts_although_the_upstream_is_silent() -> None:
    async def main() -> None:
        broadcast = made(Upstream(0.2, A), format="sse", heartbeat=0.02, first_frame_timeout=0.01)
        server = await ask(broadcast, Server())
        assert server.body.startswith(b":\n\n")
        assert events(server) == [("message", "a", "e-1")]

    run(main)


def test_a_client_that_leaves_is_noticed_while_nothing_is_sent() -> None:
    async def main() -> None:
        broadcast = made()
        server = Server()
        asking = asyncio.create_task(ask(broadcast, server))
        await asyncio.sleep(0.01)
        assert broadcast.subscribers == 1
        server.left.set()
        await asyncio.wait_for(asking, 5)
        assert broadcast.subscribers == 0

    run(main)


def test_a_client_that_takes_nothing_is_given_up_when_its_next_event_is_dropped() -> None:
    async def main() -> None:
        broadcast = made(max_events=2, slow="disconnect")
        slow, fast = Server(), Server()
        tasks = [asyncio.create_task(ask(broadcast, server)) for server in (slow, fast)]
        await asyncio.sleep(0.01)
        # A send waits from now on.
        slow.reading.clear()
        for number in range(10):
            await broadcast.publish(number)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await asyncio.wait_for(tasks[0], 5)
        broadcast.finish()
        await tasks[1]
        assert [data for _, data, _ in events(fast)] == [str(number) for number in range(10)]

    run(main)


def test_a_client_that_takes_nothing_is_given_up_after_the_timeout_of_a_send() -> None:
    async def main() -> None:
        broadcast = made(slow="block", max_events=1, send_timeout=0.05)
        server = Server()
        asking = asyncio.create_task(ask(broadcast, server))
        await asyncio.sleep(0.01)
        server.reading.clear()
        for number in range(4):
            await asyncio.wait_for(broadcast.publish(number), 5)
        await asking
        assert broadcast.subscribers == 0

    run(main)


def test_a_hundred_clients_in_the_middle_of_a_shutdown_get_their_last_event() -> None:
    async def main() -> None:
        broadcast = made()
        servers = [Server() for _ in range(100)]
        tasks = [asyncio.create_task(ask(broadcast, server)) for server in servers]
        await asyncio.sleep(0.01)
        await broadcast.publish(0)
        assert await broadcast.aclose(grace=5) == 0
        await asyncio.gather(*tasks)
        assert {events(server)[-1][0] for server in servers} == {"error"}
        assert all(b"shutdown" in server.body for server in servers)

    run(main)
