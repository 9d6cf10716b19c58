"""What reads an upstream into a channel: a task of asyncio or trio, or a thread if the upstream is read by calling.

It ends the channel when the upstream ends, with the same failure, and releases the upstream on every way out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ndstream._core import SSEDecoder, encode_sse
from ndstream._sources.event_loops import trio_if_running
from ndstream.serving._broadcast.channel import BroadcastFullError, Channel
from ndstream.serving._broadcast.waiting import Waiting, waiting_of_running_loop
from ndstream.serving._relay.async_relay import AsyncRelay
from ndstream.serving._relay.relay_state import RelayState
from ndstream.serving._relay.sync_relay import Relay
from ndstream.serving._targets.outcome import Failure

OnEnd = Callable[[Any, RelayState, "Exception | None"], object]
"""Called with the pump, its relay, and what went wrong in reading, which the relay has not told."""


class Pump(Protocol):
    """Reads one upstream until it ends or is stopped."""

    def stop(self) -> None:
        """Release the upstream. Any thread may call it."""
        ...

    def call_later(self, seconds: float, function: Callable[[], object]) -> Callable[[], object]:
        """Have a function called where the upstream is read; what cancels that."""
        ...

    def end_with(self, failure: Failure) -> None:
        """Have the upstream end with this failure, in the words of its format."""
        ...


class AsyncPump:
    """Reads in a task.

    Args:
        relay: The upstream, or what gives it when awaited.
        channel: Where its events go.
        on_end: Called when the upstream has ended by itself.
    """

    def __init__(self, relay: Any, channel: Channel, on_end: OnEnd) -> None:
        self._relay = relay
        self._channel = channel
        self._on_end = on_end
        self._failure: Failure | None = None
        # An upstream that was stopped may have an event in hand, which is none of the next run's.
        self._epoch = channel.epoch
        self._waiting: Waiting = waiting_of_running_loop()
        trio = trio_if_running()
        if trio is not None:
            self._scope: Any = trio.CancelScope()
            trio.lowlevel.spawn_system_task(self._run_in_scope)
        else:
            import asyncio

            self._scope = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        self._waiting.call_soon(self._scope.cancel)

    def call_later(self, seconds: float, function: Callable[[], object]) -> Callable[[], object]:
        return self._waiting.call_later(seconds, function)

    def end_with(self, failure: Failure) -> None:
        self._failure = failure
        if isinstance(self._relay, AsyncRelay):
            self._waiting.call_soon(self._relay.end_with, failure)

    async def _run_in_scope(self) -> None:
        with self._scope:
            await self._run()

    async def _run(self) -> None:
        try:
            if not isinstance(self._relay, AsyncRelay):
                self._relay = await self._relay
                if self._failure is not None:
                    self._relay.end_with(self._failure)
            async with self._relay as relay:
                decoder = SSEDecoder(max_frame_size=None)
                async for message in relay:
                    for event in events_of(decoder, message):
                        await publish(self._channel, event, self._waiting, self._epoch)
        except Exception as error:
            self._on_end(self, self._relay, error)
        except BaseException as interruption:
            # Whoever waits for events is told even if the upstream itself raised it.
            self._on_end(self, self._relay, _interrupted(interruption))
            if not isinstance(interruption, GeneratorExit):
                raise
        else:
            self._on_end(self, self._relay, None)


class ThreadPump:
    """Reads in a thread. Stopped, it ends when the upstream says something more, or within a second if it can be woken.

    Args:
        relay: The upstream.
        channel: Where its events go.
        on_end: Called when the upstream has ended by itself.
    """

    def __init__(self, relay: Relay, channel: Channel, on_end: OnEnd) -> None:
        self._relay = relay
        self._channel = channel
        self._on_end = on_end
        self._stopped = False
        threading.Thread(target=self._run, name="ndstream broadcast", daemon=True).start()

    def stop(self) -> None:
        self._stopped = True
        self._relay.abort()
        with self._channel.changed:
            self._channel.changed.notify_all()

    def call_later(self, seconds: float, function: Callable[[], object]) -> Callable[[], object]:
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        timer.start()
        return timer.cancel

    def end_with(self, failure: Failure) -> None:
        self._relay.end_with(failure)

    def _run(self) -> None:
        relay = self._relay
        try:
            with relay:
                decoder = SSEDecoder(max_frame_size=None)
                for message in relay:
                    for event in events_of(decoder, message):
                        self._publish(event)
        except Exception as error:
            self._on_end(self, relay, error)
        except BaseException as interruption:
            # There is nobody above a thread, but whoever waits for events is told.
            self._on_end(self, relay, _interrupted(interruption))
        else:
            self._on_end(self, relay, None)

    def _publish(self, event: bytes) -> None:
        channel = self._channel
        with channel.lock:
            while not self._stopped:
                try:
                    channel.append(event)
                    return
                except BroadcastFullError:
                    channel.wait_for_room_in_thread(self)


async def publish(channel: Channel, event: bytes, waiting: Waiting | None, epoch: str | None = None) -> str:
    """Append an event, once there is room for it.

    Args:
        channel: Where it goes.
        event: An event as bytes, without an id.
        waiting: How tasks of this event loop wait; None to find out if need be.
        epoch: The run that it belongs to; None for the one that goes on.

    Returns:
        The id that it got.
    """
    while True:
        with channel.lock:
            try:
                return channel.append(event, epoch)
            except BroadcastFullError:
                waiting = waiting or waiting_of_running_loop()
                key = object()
                room = channel.wait_for_room(key, waiting)
        try:
            await room
        finally:
            waiting.forget(key)
            channel.blocked.pop(key, None)


def events_of(decoder: SSEDecoder[Any], message: bytes) -> Iterable[bytes]:
    """The events of a message, without the ids that they have."""
    return [encode_sse(event.data, event=event.event) for event in decoder.feed(message)]


def _interrupted(interruption: BaseException) -> Exception:
    """What is told of something that is no exception of a program."""
    told = RuntimeError(f"the reading of the upstream was interrupted: {interruption!r}")
    told.__cause__ = interruption
    return told
