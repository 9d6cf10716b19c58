"""`Broadcast`: one upstream, or events that are published here, for any number of clients.

What it holds is bounded in events and bytes, however slow the clients are and however many there are. An event is
written once. A client that comes back with the id of the last event that it has gets each event after it once and in
order, or is told that this cannot be.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from ndstream._core import encode_sse
from ndstream._sources.event_loops import move_on_after, sleep
from ndstream.serving._broadcast.async_subscription import AsyncSubscription
from ndstream.serving._broadcast.channel import Channel, Slow
from ndstream.serving._broadcast.event_ids import check_epoch, check_last_event_id
from ndstream.serving._broadcast.event_relay import event_relay, headers_of
from ndstream.serving._broadcast.pump import publish
from ndstream.serving._broadcast.settings import Settings, check_count, check_delays, check_keep
from ndstream.serving._broadcast.sync_subscription import Subscription
from ndstream.serving._broadcast.upstream import BroadcastUpstream
from ndstream.serving._relay.facade import DEFAULT_HEARTBEAT, To
from ndstream.serving._seconds import check_grace, check_seconds
from ndstream.serving._targets.outcome import Failure
from ndstream.serving._targets.target import Target

DEFAULT_MAX_EVENTS = 1000
DEFAULT_MAX_BYTES = 16 * 1024 * 1024
_POLL_SECONDS = 0.02


class Broadcast:
    """Sends one stream of events to many clients, as server-sent events.

    With a source, or with `connect`, it reads an upstream from the first subscription on. Without, events come from
    `publish`. It is an ASGI application itself: each request is a subscription that goes on after its Last-Event-ID.

    Ids are made here: an epoch, which is one run of the stream, and a number. A client whose Last-Event-ID belongs to
    another run, or is older than what is held, gets an event ``reset`` before the others.

    Args:
        source: The upstream: a `relay`, or what one can be made of. It is owned, and closed on every way out.
        to: As in `relay`: None and "sse" for its events or values, or a target that writes server-sent events.
        connect: Instead of a source: a callable without arguments that gives one, or an awaitable of one. It is called
            again, for another run, if a client comes after the upstream was released.
        slow: What happens if a client does not read, and its next event has to make room: "drop" the oldest events,
            which an event ``dropped`` tells it; "disconnect" it, so that it may come back with its Last-Event-ID; or
            "block" whoever publishes until it reads.
        max_events: How many events are held for clients that come back or are slow.
        max_bytes: How many bytes these have at most, and a single one.
        replay: Whether a client without a Last-Event-ID gets the events that are held, or only those to come.
        keep_upstream: How many seconds the upstream is kept when the last client has left: 0 to release it at once,
            None to keep it until it ends.
        epoch: The name of this run, up to 64 letters, digits and underscores; None for one that no run had before.
        retry: Between how many seconds and how many a client waits before it reconnects, chosen for each at random, so
            that they do not all come at once after a restart; None to leave it to them.
        heartbeat: After how many seconds without an event a comment is sent; None for none.
        first_frame_timeout: As an ASGI application: after how many seconds a response starts although the upstream has
            sent nothing yet.
        send_timeout: As an ASGI application: after how many seconds a client that takes nothing is given up; None to
            leave that to the server.
        options: Further options of `relay` for the upstream, as ``wire`` and ``format``.

    Raises:
        TypeError: An option has the wrong type, or both a source and `connect` are given.
        ValueError: An option has none of its values, or the relay sends something else than server-sent events.

    Example:
        >>> from ndstream.serving import Broadcast
        >>> broadcast = Broadcast(epoch="a", retry=None, replay=True)
        >>> broadcast.publish_nowait({"price": 7}, event="trade")
        'a-1'
        >>> next(broadcast.subscribe_sync())
        b'id: a-1\\nevent: trade\\ndata: {"price":7}\\n\\n'
    """

    def __init__(
        self,
        source: Any = None,
        to: To | Target | None = None,
        *,
        connect: Callable[[], Any] | None = None,
        slow: Slow = "drop",
        max_events: int = DEFAULT_MAX_EVENTS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        replay: bool = False,
        keep_upstream: float | None = 10.0,
        epoch: str | None = None,
        retry: tuple[float, float] | None = (1.0, 5.0),
        heartbeat: float | None = DEFAULT_HEARTBEAT,
        first_frame_timeout: float | None = 10.0,
        send_timeout: float | None = None,
        **options: Any,
    ) -> None:
        if slow not in get_args(Slow):
            raise ValueError(f"slow must be one of {', '.join(map(repr, get_args(Slow)))}, not {slow!r}")
        if source is not None and connect is not None:
            raise TypeError("a broadcast has a source or connect=, not both")
        if connect is not None and not callable(connect):
            raise TypeError(f"connect must be a callable that gives a source, not {connect!r}: pass one as source")
        if connect is not None and isinstance(to, Target):
            raise TypeError("a Target is made for one reply, and connect= may give several: pass its name")
        if source is None and connect is None and (options or to is not None):
            raise TypeError("to= and the options of relay are for the upstream, and there is no source")
        check_count("max_events", max_events)
        check_count("max_bytes", max_bytes)
        check_delays(retry)
        check_keep(keep_upstream)
        check_seconds("heartbeat", heartbeat)
        check_seconds("first_frame_timeout", first_frame_timeout)
        check_seconds("send_timeout", send_timeout)
        if epoch is not None:
            check_epoch(epoch)
        as_relay = partial(event_relay, to=to, options=options)
        upstream = None if source is None else as_relay(source)
        self._channel = Channel(slow, max_events, max_bytes, epoch)
        self._settings = Settings(
            headers_of(upstream, to), replay, retry, heartbeat, keep_upstream, first_frame_timeout, send_timeout
        )
        self._upstream = BroadcastUpstream(self._channel, upstream, connect, as_relay, keep_upstream)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the responses: Content-Type, `HEADERS` and those of the target. More can be added."""
        return self._settings.headers

    @property
    def subscribers(self) -> int:
        """How many clients are being served."""
        return len(self._channel)

    @property
    def dropped(self) -> int:
        """How many events clients did not get since they read too slowly, each counted for each client."""
        return self._channel.dropped

    @property
    def last_event_id(self) -> str:
        """The id of the newest event; that of number 0 before the first one."""
        return self._channel.last_id

    @property
    def ended(self) -> bool:
        """Whether no more events come."""
        return self._channel.ended

    @property
    def failure(self) -> Failure | None:
        """What clients were told if the stream is not complete; None while it goes on, and if it is complete."""
        return self._channel.failure

    @property
    def error(self) -> Exception | None:
        """The exception that made the upstream fail, which the clients are not told."""
        return self._upstream.error

    # Those who read.

    def subscribe(self, last_event_id: str | None = None) -> AsyncSubscription:
        """The body of a response, for frameworks of asyncio and trio.

        Args:
            last_event_id: The request's Last-Event-ID; None or "" if it has none. Any text is taken.

        Returns:
            A subscription that begins now: what is published before it is iterated over comes first, as far as it is
            held. Only then is it one that ``slow="block"`` waits for and the upstream is kept for.

        Raises:
            TypeError: `last_event_id` is neither a str nor None.

        Example:
            >>> from ndstream.serving import Broadcast
            >>> Broadcast().subscribe().content_type
            'text/event-stream'
        """
        check_last_event_id(last_event_id)
        return AsyncSubscription(self._channel, self._upstream, self._settings, last_event_id)

    def subscribe_sync(self, last_event_id: str | None = None) -> Subscription:
        """The body of a response, for servers of WSGI, which have a thread for each.

        Args:
            last_event_id: As for `subscribe`.

        Returns:
            A subscription that begins now. An upstream that is awaited has to be read in an event loop: call `start`
            there.

        Raises:
            TypeError: As `subscribe`.
        """
        check_last_event_id(last_event_id)
        return Subscription(self._channel, self._upstream, self._settings, last_event_id)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request as an ASGI application: one subscription."""
        last_event_id = None
        for name, value in scope.get("headers", ()):
            if name.lower() == b"last-event-id":
                last_event_id = value.decode(errors="replace")
        await self.subscribe(last_event_id)(scope, receive, send)

    # Those who write.

    async def publish(self, data: object, *, event: str | None = None) -> str:
        """Send an event to all clients. With ``slow="block"`` it waits until there is room.

        Args:
            data: As for `encode_sse`: a str or ready bytes of UTF-8; anything else is written as JSON.
            event: The event's type.

        Returns:
            The id that it got.

        Raises:
            EncodeError: It cannot be written.
            ValueError: It is larger than ``max_bytes``.
            RuntimeError: The broadcast has ended.
        """
        return await publish(self._channel, encode_sse(data, event=event), None)

    def publish_nowait(self, data: object, *, event: str | None = None) -> str:
        """Send an event to all clients without waiting. Any thread may call it.

        Args:
            data: As for `publish`.
            event: The event's type.

        Returns:
            The id that it got.

        Raises:
            BroadcastFullError: There is no room for it, with ``slow="block"``.
            Exception: As `publish`.
        """
        return self._channel.append(encode_sse(data, event=event))

    def finish(self) -> None:
        """End the stream: it is complete. Clients get what they have not read yet, and late ones the same end."""
        self._upstream.stop()
        self._channel.end(None)

    def end_with(self, failure: Failure) -> None:
        """End the stream with this failure: in the words of the target if an upstream is read, else as an error event.

        Clients get what they have not read yet before it, and late ones the same end.
        """
        if self._channel.ended or self._upstream.end_with(failure):
            return
        self._upstream.stop()
        self._channel.fail(failure)

    def start(self) -> None:
        """Read the upstream from now on, in this event loop if it is awaited, and not only when a client comes.

        Raises:
            RuntimeError: It is awaited, and no event loop runs here.
        """
        self._upstream.start()

    async def aclose(self, grace: float = 5.0, message: str = "the server is shutting down") -> int:
        """End the stream for all clients with an error event, for a server that shuts down.

        Args:
            grace: How many seconds to wait for clients to take it. After that they are cut off.
            message: What they are told.

        Returns:
            How many clients had to be cut off.

        Raises:
            TypeError: `grace` is no number.
            ValueError: `grace` is negative, or NaN.
        """
        check_grace(grace)
        self.end_with(Failure(message, "shutdown"))
        with move_on_after(grace):
            while self.subscribers:
                await sleep(_POLL_SECONDS)
        self._upstream.stop()
        self._channel.fail(Failure(message, "shutdown"))
        return self._channel.cut_off()
